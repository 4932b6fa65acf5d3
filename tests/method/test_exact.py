"""The exact source: what nothing drags comes out as it went in."""

import dataclasses

import pytest
import torch

from gooddrag import DragPoints, drag, drag_batch, invert
from gooddrag.network.guidance import Guidance

POINTS = DragPoints.from_text("40,40>80,48", 128, 96)


@pytest.fixture
def mask():
    mask = torch.zeros(96, 128)
    mask[24:72, 24:104] = 1
    return mask


@pytest.fixture
def exact(fast):
    return fast.replace(exact_source=True)


@pytest.fixture
def guided(model, z0, text, fast):
    return invert(model, z0, text, (128, 96), fast, guidance=Guidance(3.0, torch.zeros_like(text)))


def test_the_way_of_an_inversion_is_kept(inversion, z0):
    assert len(inversion.path) == len(inversion.schedule.timesteps) + 1
    assert torch.equal(inversion.path[0], inversion.latent)
    assert torch.equal(inversion.path[-1], z0)


@pytest.mark.parametrize("window", [False, True])
@pytest.mark.parametrize("kind", ["inversion", "guided"])
def test_without_a_drag_the_picture_comes_out(request, model, exact, mask, z0, window, kind):
    given = request.getfixturevalue(kind)
    result = drag(model, given, POINTS, mask, exact.replace(operations=0, window=window))
    assert torch.equal(result.source, z0)
    assert torch.allclose(result.latent, z0, atol=1e-4)
    plain = drag(model, given, POINTS, mask, exact.replace(operations=0, window=window, exact_source=False))
    assert (plain.latent - z0).abs().max() > 100 * (result.latent - z0).abs().max()


def test_what_is_locked_is_the_picture_itself(model, inversion, exact, mask, z0):
    result = drag(model, inversion, POINTS, mask, exact.replace(background="lock"))
    outside = torch.nn.functional.max_pool2d(mask[None, None], 8)[0, 0] == 0
    assert torch.equal(result.latent[..., outside], z0[..., outside])
    assert not torch.allclose(result.latent, z0, atol=1e-2)


def test_the_penalty_sees_no_change_where_there_is_none(model, inversion, exact, mask):
    """Both sides of the mask's term are DDIM's, with or without the offset."""
    told = []
    for config in (exact, exact.replace(exact_source=False)):
        result = drag(model, inversion, POINTS, mask, config)
        told.append([t.loss for t in result.trace.trackings if t.loss is not None])
    assert told[0][0] == pytest.approx(told[1][0], rel=0.2)


def test_a_batch_is_each_of_them_alone(model, inversion, exact, mask):
    config = exact.replace(background="lock", window=True)
    other = DragPoints.from_text("40,40>60,44", 128, 96)
    for alone, together in zip((POINTS, other), drag_batch(model, inversion, [POINTS, other], mask, config)):
        assert torch.allclose(drag(model, inversion, alone, mask, config).latent, together.latent, atol=1e-4)


def test_it_goes_on_beside_the_same_picture(model, inversion, exact, mask, z0):
    first = drag(model, inversion, POINTS, mask, exact.replace(operations=2))
    second = drag(model, inversion, POINTS, mask, exact.replace(operations=2), state=first.state)
    assert second.trace.operations == 2
    assert torch.equal(second.source, z0)
    assert not torch.allclose(second.latent, first.latent, atol=1e-3)


def test_it_does_not_go_on_from_another_source(model, inversion, exact, fast, mask):
    state = drag(model, inversion, POINTS, mask, fast).state
    with pytest.raises(ValueError, match=r"another reading of the source \(exact_source\); continue"):
        drag(model, inversion, POINTS, mask, exact, state=state)


def test_an_inversion_without_its_way_is_refused(model, inversion, exact):
    with pytest.raises(ValueError, match="exact_source needs the latents on the inversion's way"):
        drag(model, dataclasses.replace(inversion, path=()), POINTS, None, exact)
