"""A ControlNet inside the drag: inversion, source, gradient steps, denoising, a window, and another hint for the result."""

from dataclasses import replace

import pytest
import torch
from diffusers import ControlNetModel

from gooddrag import DragPoints, Guidance, drag, drag_batch, invert
from gooddrag.method.evaluation import Evaluation
from gooddrag.method.region import Region
from gooddrag.method.source import Source
from gooddrag.network.conditioning import Conditioning
from gooddrag.network.control import DiffusersControl, Residuals
from gooddrag.network.window import Window

SIZE = (128, 96)
POINTS = DragPoints.from_text("40,40>80,48", *SIZE)


@pytest.fixture
def net(unet):
    """Random, also in the layers that begin as zeros."""
    net = ControlNetModel.from_unet(unet, conditioning_embedding_out_channels=(4, 8, 8, 8))
    generator = torch.Generator().manual_seed(5)
    for zeros in (*net.controlnet_down_blocks, net.controlnet_mid_block, net.controlnet_cond_embedding.conv_out):
        torch.nn.init.normal_(zeros.weight, std=0.2, generator=generator)
    return net.requires_grad_(False)


def hint(seed: int) -> torch.Tensor:
    return torch.rand(1, 3, 96, 128, generator=torch.Generator().manual_seed(seed))


@pytest.fixture
def told(net, text):
    return Conditioning(text, control=DiffusersControl(net, hint(1)))


def test_the_prediction_is_diffusers_own(model, net, told, text, z0):
    down, mid = net(z0, 301, text, hint(1), return_dict=False)
    expected = model.unet(z0, 301, text, down_block_additional_residuals=down, mid_block_additional_residual=mid).sample
    assert torch.allclose(model.predict(z0, 301, told), expected, atol=1e-6)
    assert not torch.allclose(expected, model.predict(z0, 301, text), atol=1e-3)


def test_strength_and_range(model, net, text, z0):
    def predicted(t, **how):
        return model.predict(z0, t, Conditioning(text, control=DiffusersControl(net, hint(1), **how)))

    plain = model.predict(z0, 301, text)
    assert torch.equal(predicted(301, strength=0.0), plain)
    assert not torch.allclose(predicted(301, strength=0.5), predicted(301), atol=1e-4)
    assert torch.equal(predicted(301, end=0.5), plain)  # t = 301 lies in the second half of the way
    assert not torch.allclose(predicted(701, end=0.5), model.predict(z0, 701, text), atol=1e-4)


def test_an_adapter_adds_inside_the_down_blocks(model, text, z0):
    maps = tuple(torch.randn(1, c, h, w) for c, h, w in ((16, 12, 16), (32, 6, 8), (32, 3, 4), (32, 2, 2)))
    widths = model.unet.config.block_out_channels
    maps = tuple(torch.randn(1, w, *m.shape[-2:]) for w, m in zip(widths, maps))
    expected = model.unet(z0, 301, text, down_intrablock_additional_residuals=[m.clone() for m in maps]).sample
    given = Conditioning(text, control=lambda z, t, told: Residuals(intrablock=maps))
    for _ in range(2):  # what is given is not used up
        assert torch.allclose(model.predict(z0, 301, given), expected, atol=1e-6)
    assert not torch.allclose(expected, model.predict(z0, 301, text), atol=1e-3)


def test_what_is_none_adds_nothing(model, told, text, z0):
    whole = told.held(z0, 301).residuals
    some = replace(whole, down=(None, *whole.down[1:]), mid=None)
    zeros = replace(whole, down=(torch.zeros_like(whole.down[0]), *whole.down[1:]), mid=torch.zeros_like(whole.mid))
    first, second = (model.predict(z0, 301, Conditioning(text, residuals=r)) for r in (some, zeros))
    assert torch.equal(first, second)


def test_the_unedited_picture_is_exact_in_a_window(model, told, z0, fast):
    """What surrounds the window was recorded with the residuals, and the window has its part of them."""
    window = Window(0, 8, 8, 16, 12, 16)
    with torch.no_grad():
        prediction, feature, _, around = model.look(z0, 301, told, "up_blocks.2", (), window)
        held = told.held(z0, 301, window)
        with model.surrounded(around):
            inside, inside_feature = model.predict_with_features(window.crop(z0), 301, held, "up_blocks.2")
    assert torch.allclose(inside, window.crop(prediction), atol=1e-4)
    assert torch.allclose(inside_feature, window.crop(feature), atol=1e-4)


class Counting:
    """A control that notes when it is asked."""

    def __init__(self, control):
        self.control, self.asked = control, []

    def __call__(self, z, t, given):
        assert not torch.is_grad_enabled()
        assert not z.requires_grad
        self.asked.append((t, tuple(z.shape)))
        return self.control(z, t, given)


@pytest.mark.parametrize("background", ["lock", "penalty"])
@pytest.mark.parametrize("window", [False, True])
def test_it_is_asked_once_in_a_timestep_and_when_denoising(model, told, z0, fast, background, window):
    mask = torch.zeros(96, 128)
    mask[20:70, 30:95] = 1
    config = fast.replace(background=background, window=window)
    control = Counting(told.control)
    inversion = invert(model, z0, replace(told, control=control), SIZE, config)
    steps = len(inversion.schedule.timesteps)
    assert [t for t, _ in control.asked] == list(reversed(inversion.schedule.timesteps))
    control.asked.clear()
    result = drag(model, inversion, POINTS, mask, config)
    dragged = len(result.previews)
    assert dragged
    assert len(control.asked) == steps + dragged + steps  # source, gradients, denoising
    assert {shape for _, shape in control.asked} == {(1, 4, 12, 16)}  # the whole latent, also for a window


def test_without_operations_the_source_comes_back(model, told, z0, fast):
    inversion = invert(model, z0, told, SIZE, fast)
    result = drag(model, inversion, POINTS, None, fast.replace(operations=0, mutual_blocks=()))
    assert torch.allclose(result.latent, result.source, atol=1e-5)


def test_another_hint_for_the_result(model, net, told, text, z0, fast):
    inversion = invert(model, z0, told, SIZE, fast)
    same = drag(model, inversion, POINTS, None, fast)
    other = Conditioning(text, control=DiffusersControl(net, hint(2)))
    result = drag(model, inversion, POINTS, None, fast, edited=other)
    assert torch.equal(result.source, same.source)  # the picture itself is told what it was told
    assert not torch.allclose(result.latent, same.latent, atol=1e-3)
    again = drag(model, inversion, POINTS, None, fast, edited=told)
    assert torch.equal(again.latent, same.latent)


def test_several_drags_at_once_have_residuals_of_their_own(model, told, z0, fast):
    config = fast.replace(background="lock")
    inversion = invert(model, z0, told, SIZE, config)
    several = [POINTS, DragPoints.from_text("40,40>48,80", *SIZE)]
    at_once = drag_batch(model, inversion, several, None, config)
    for points, result in zip(several, at_once):
        alone = drag(model, inversion, points, None, config)
        assert torch.allclose(result.latent, alone.latent, atol=1e-4)


def test_a_source_belongs_to_its_control(model, net, told, text, z0, fast):
    inversion = invert(model, z0, told, SIZE, fast)
    source = Source(inversion, fast)
    other = replace(inversion, text=Conditioning(text, control=DiffusersControl(net, hint(2))))
    assert source.fits(replace(inversion), fast, model.family)
    assert not source.fits(other, fast, model.family)


def test_guidance_does_not_enlarge_the_difference_of_two_hints(model, net, told, text, z0, fast):
    """The negative prompt is shown the hint that the edited picture is shown, where it is shown one at all."""
    two = DiffusersControl(net, hint(2))
    for own, expected in ((told.control, two), (None, None)):
        negative = Conditioning(-text, control=own)
        inversion = invert(model, z0, told, SIZE, fast, guidance=Guidance(3.0, negative))
        asked = {}
        for name, edited in (("same", told), ("other", Conditioning(text, control=two))):
            region = Region.of(model.unet, None, inversion.latent, fast)
            asked[name] = Evaluation(model, inversion, region, fast, edited).unwanted
        assert asked["same"].control is own
        assert asked["other"].control is expected
        assert torch.equal(asked["other"].text, -text)
    result = drag(model, inversion, POINTS, None, fast, edited=Conditioning(text, control=two))
    assert result.latent.isfinite().all()
