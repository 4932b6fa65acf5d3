"""Classifier-free guidance with a negative prompt: in inversion, source and denoising, and not in gradient steps."""

from dataclasses import replace

import pytest
import torch

from gooddrag import DragPoints, Guidance, drag, drag_batch, invert
from gooddrag.method.source import Source

SIZE = (128, 96)
POINTS = DragPoints.from_text("40,40>80,48", *SIZE)


@pytest.fixture
def guidance(text):
    return Guidance(3.0, torch.randn(text.shape, generator=torch.Generator().manual_seed(4)))


@pytest.fixture
def mask():
    mask = torch.zeros(96, 128)
    mask[20:70, 30:95] = 1
    return mask


@pytest.fixture
def guided(model, z0, text, fast, guidance):
    return invert(model, z0, text, SIZE, fast, guidance=guidance)


@torch.no_grad()
def prediction(model, z, t, text, guidance):
    """As it is in the paper, with the weight w = scale - 1 of its Eq. 6."""
    w = guidance.scale - 1
    return (1 + w) * model.predict(z, t, text) - w * model.predict(z, t, guidance.negative)


def test_inversion_and_source_are_guided(model, z0, text, fast, guidance, guided):
    schedule, z = guided.schedule, z0
    for t in reversed(schedule.timesteps):
        z = schedule.invert(prediction(model, z, t, text, guidance), t, z)
    assert torch.allclose(guided.latent, z, atol=1e-4)
    assert not torch.allclose(guided.latent, invert(model, z0, text, SIZE, fast).latent, atol=1e-2)
    for t in schedule.timesteps:
        z, _ = schedule.denoise(prediction(model, z, t, text, guidance), t, z)
    source = Source(guided, fast)
    steps = [source.step(model, i) for i in range(len(schedule.timesteps))]
    assert torch.allclose(steps[-1].denoised, z, atol=1e-4)
    assert source.evaluations == 2 * len(steps)


@pytest.mark.parametrize("window", [False, True])
@pytest.mark.parametrize("mutual", [False, True])
def test_without_operations_the_source_comes_back(model, guided, fast, mask, window, mutual):
    """Exactly only if what is read around the window and by mutual attention was read under the same prompt."""
    config = fast.replace(operations=0, background="lock", window=window)
    config = config if mutual else config.replace(mutual_blocks=())
    result = drag(model, guided, POINTS, mask, config)
    assert torch.allclose(result.latent, result.source, atol=1e-4)


def test_the_edited_picture_is_guided_to_another_prompt(model, guided, text, fast):
    inverted = replace(guided, guidance=None)
    config = fast.replace(operations=0, mutual_blocks=())
    other = torch.randn(text.shape, generator=torch.Generator().manual_seed(9))

    def moved(inversion):
        result = drag(model, inversion, POINTS, None, config, edited=other)
        return (result.latent - result.source).abs().mean()

    assert moved(guided) > 2 * moved(inverted)


def test_gradient_steps_follow_the_prompt_alone(model, guided, text, fast):
    """Features and the penalty, which is nothing before the first step, whatever it weighs."""
    config = fast.replace(background="penalty", operations=1, gradient_steps=1)
    weights = [drag(model, guided, POINTS, None, config.replace(mask_weight=w)).trace for w in (0, 10)]
    losses = [[t.loss for t in trace.trackings if t.loss is not None] for trace in weights]
    assert losses[0]
    assert losses[0] == pytest.approx(losses[1], rel=1e-4)


def test_several_at_once(model, guided, fast, mask):
    config = fast.replace(background="lock", window=True)
    several = [POINTS, DragPoints.from_text("40,40>48,60", *SIZE)]
    for points, result in zip(several, drag_batch(model, guided, several, mask, config)):
        alone = drag(model, guided, points, mask, config)
        assert torch.allclose(result.latent, alone.latent, atol=1e-3)


def test_a_source_belongs_to_its_guidance(model, guided, fast, guidance):
    source = Source(guided, fast)
    assert source.fits(replace(guided), fast, model.family)
    assert source.fits(replace(guided, guidance=Guidance(3.0, guidance.negative.clone())), fast, model.family)
    for other in (None, Guidance(2.0, guidance.negative), Guidance(3.0, -guidance.negative)):
        assert not source.fits(replace(guided, guidance=other), fast, model.family)


@pytest.mark.parametrize("scale", [1.0, 0.5, -2.0, float("nan"), float("inf")])
def test_scales_that_do_not_guide(scale, text):
    with pytest.raises(ValueError, match="the guidance scale is .*; it must be above 1"):
        Guidance(scale, text)


def test_a_negative_that_holds_nan(model, z0, text, fast):
    with pytest.raises(ValueError, match="the negative text"):
        invert(model, z0, text, SIZE, fast, guidance=Guidance(2.0, text * float("nan")))
