"""What SDXL's U-Net is told beside the text, held to diffusers' own way, through every part of an edit."""

import pytest
import torch

from gooddrag import DragConfig, DragPoints, LoRA, applied, drag, drag_batch, invert, train_lora
from gooddrag.method.batch import gradient_bytes
from gooddrag.method.kept import tuned
from gooddrag.method.source import Source
from gooddrag.network.conditioning import Conditioning, adding, with_sizes
from gooddrag.network.window import Window, alignment

SIZE = (128, 96)
POINTS = DragPoints.from_text("40,40>80,48", *SIZE)
WINDOW = Window(0, 8, 4, 12, 12, 16)


@pytest.fixture
def config(fast):
    return fast.replace(background="lock", lora_steps=3, lora_rank=4, lora_learning_rate=0.01)


@pytest.fixture
def wide(sdxl, z0, told, config):
    return invert(sdxl, z0, told, SIZE, config)


def plain(unet, z, t, text, pooled, ids):
    added = {"text_embeds": pooled.expand(len(z), -1), "time_ids": torch.tensor([ids]).float().expand(len(z), -1)}
    return unet(z, t, encoder_hidden_states=text.expand(len(z), -1, -1), added_cond_kwargs=added).sample


@pytest.mark.parametrize("batch", [1, 3])
def test_the_prediction_is_diffusers_own(sdxl, text, batch):
    z, pooled = torch.randn(batch, 4, 12, 16), torch.randn(1, 20)
    told = with_sizes(sdxl.unet, text, pooled, (100, 60), (5, 7), (110, 70))
    expected = plain(sdxl.unet, z, 301, text, pooled, (60, 100, 7, 5, 70, 110))
    assert torch.allclose(sdxl.predict(z, 301, told), expected, atol=1e-6)
    other = with_sizes(sdxl.unet, text, pooled, (512, 512))
    assert not torch.allclose(sdxl.predict(z, 301, other), expected, atol=1e-4)
    assert torch.allclose(plain(sdxl.unet, z, 301, text, pooled, (60, 100, 7, 5, 70, 110)), expected, atol=1e-6)


def test_the_u_net_is_as_before_also_after_an_error(sdxl, told):
    with pytest.raises(KeyboardInterrupt), adding(sdxl.unet, told.added):
        assert "get_aug_embed" in vars(sdxl.unet)
        raise KeyboardInterrupt
    sdxl.features(torch.randn(1, 4, 8, 8), 1, told, "up_blocks.1")  # leaves the forward pass by an exception
    assert "get_aug_embed" not in vars(sdxl.unet)


def test_too_little_too_much_and_other_numbers_are_refused(model, sdxl, z0, text, told):
    with pytest.raises(
        ValueError, match=r"takes 68 numbers of added conditioning .* and none were given; encode the text"
    ):
        sdxl.predict(z0, 1, text)
    with pytest.raises(ValueError, match="takes no numbers of added conditioning .* and 68 were given"):
        model.predict(z0, 1, told)
    with pytest.raises(ValueError, match="takes 68 numbers .* and 3 were given"):
        sdxl.predict(z0, 1, Conditioning(text, torch.zeros(1, 3)))


def test_other_shapes_are_refused(text):
    with pytest.raises(ValueError, match=r"the text is \(7, 24\); it must be \(1, tokens, D\)"):
        Conditioning(text[0])
    with pytest.raises(ValueError, match=r"the added conditioning is \(68,\); it must be \(1, A\)"):
        Conditioning(text, torch.zeros(68))


def test_a_window_is_exact_for_the_unedited_latent(sdxl, z0, told):
    assert alignment(sdxl.unet) == 4
    family = sdxl.family
    prediction, feature, memory, around = sdxl.look(z0, 401, told, family.feature_block, family.mutual_blocks, WINDOW)
    assert len(memory) == 6
    with sdxl.surrounded(around):
        seen, inside = sdxl.predict_with_features(WINDOW.crop(z0), 401, told, family.feature_block)
    assert torch.allclose(inside, WINDOW.crop(feature), atol=1e-5)
    assert torch.allclose(seen, WINDOW.crop(prediction), atol=1e-5)


@pytest.mark.parametrize(
    ("window", "background"),
    [
        (True, "lock"),
        (False, "penalty"),
        *(pytest.param(*c, marks=pytest.mark.long) for c in ((False, "lock"), (True, "penalty"))),
    ],
)
def test_it_drags(sdxl, wide, config, background, window):
    mask = torch.zeros(96, 128)
    mask[24:60, 32:96] = 1
    config = config.replace(background=background, window=window)
    result = drag(sdxl, wide, POINTS, mask, config)
    assert result.trace.operations == 4
    assert result.latent.isfinite().all()
    assert not torch.equal(result.latent, result.source)
    assert (result.trace.evaluated < 1) == window
    assert (result.trace.config.feature_block, result.trace.config.mutual_blocks) == ("up_blocks.1", ("up_blocks.1",))
    sparing = drag(sdxl, wide, POINTS, mask, config.replace(checkpointing="on"))
    assert torch.allclose(sparing.latent, result.latent, atol=1e-4)


def test_the_blocks_of_the_family_are_those_that_are_named(sdxl, wide, config):
    source = Source(wide, config)
    open_ = drag(sdxl, wide, POINTS, None, config, source=source)
    named = config.replace(feature_block="up_blocks.1", mutual_blocks=("up_blocks.1",))
    assert torch.equal(drag(sdxl, wide, POINTS, None, named, source=source).latent, open_.latent)
    other = config.replace(feature_block="up_blocks.0")
    with pytest.raises(ValueError, match="`state` belongs to another feature block; continue"):
        drag(sdxl, wide, POINTS, None, other, source=source)
    assert not torch.equal(drag(sdxl, wide, POINTS, None, other).latent, open_.latent)


def test_another_conditioning_is_another_source(sdxl, z0, wide, told, config):
    smaller = invert(sdxl, z0, Conditioning(told.text, told.added + 1), SIZE, config)
    source = Source(wide, config)
    assert source.fits(wide, config, sdxl.family)
    assert not source.fits(smaller, config, sdxl.family)
    assert not torch.allclose(smaller.latent, wide.latent, atol=1e-4)


def test_several_at_once(sdxl, wide, config):
    several = [POINTS, DragPoints.from_text("50,30>60,50", *SIZE)]
    for points, result in zip(several, drag_batch(sdxl, wide, several, None, config)):
        assert torch.allclose(result.latent, drag(sdxl, wide, points, None, config).latent, atol=1e-2)


def test_memory_is_planned_by_a_twin_that_is_told_as_much(sdxl, wide, config):
    mask = torch.zeros(96, 128)
    mask[20:70, 20:60] = 1
    whole = gradient_bytes(sdxl.unet, wide, mask, config)
    assert whole == gradient_bytes(sdxl.unet, wide, mask, config.replace(feature_block="up_blocks.1"))
    assert 0 < gradient_bytes(sdxl.unet, wide, mask, config.replace(window=True)) < whole


def test_a_lora_is_tuned_kept_and_read_again(sdxl, z0, told, config, tmp_path):
    lora = train_lora(sdxl, z0, told, config)
    layers = [n for n, _ in sdxl.unet.named_modules() if n.endswith(("to_q", "to_k", "to_v", "to_out.0"))]
    assert list(lora.weights) == layers
    before = sdxl.predict(z0, 301, told)
    with applied(sdxl.unet, lora):
        after = sdxl.predict(z0, 301, told)
    assert not torch.allclose(after, before, atol=1e-4)
    assert torch.equal(sdxl.predict(z0, 301, told), before)
    lora.save(tmp_path / "a.safetensors")
    with applied(sdxl.unet, LoRA.load(tmp_path / "a.safetensors")):
        assert torch.equal(sdxl.predict(z0, 301, told), after)


def test_a_kept_lora_is_of_one_conditioning(sdxl, z0, told, config, tmp_path):
    file, steps = tmp_path / "a.safetensors", []
    tuned(sdxl, z0, told, config, file=file)
    tuned(sdxl, z0, told, config, file=file, callback=steps.append)
    assert not steps
    tuned(sdxl, z0, Conditioning(told.text, told.added + 1), config, file=file, callback=steps.append)
    assert steps


def test_a_saved_lora_is_read_by_diffusers(sdxl, z0, told, config, tmp_path):
    """Its own loader puts the same update on the U-Net."""
    from diffusers import StableDiffusionXLPipeline, UNet2DConditionModel

    lora = train_lora(sdxl, z0, told, config)
    lora.save(tmp_path / "a.safetensors")
    with applied(sdxl.unet, lora):
        expected = sdxl.predict(z0, 301, told)
    state, alphas, *_ = StableDiffusionXLPipeline.lora_state_dict(
        tmp_path, weight_name="a.safetensors", unet_config=sdxl.unet.config
    )
    fresh = UNet2DConditionModel.from_config(sdxl.unet.config)
    fresh.load_state_dict(sdxl.unet.state_dict())
    StableDiffusionXLPipeline.load_lora_into_unet(state, network_alphas=alphas, unet=fresh, adapter_name="cat")
    with torch.no_grad():
        assert torch.allclose(type(sdxl)(fresh).predict(z0, 301, told), expected, atol=1e-5)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision(sdxl, z0, told, config, dtype):
    expected = sdxl.predict(z0, 301, told)
    sdxl.unet.to(dtype)
    assert (sdxl.predict(z0, 301, told) - expected).abs().max() < 0.05 * expected.abs().max()
    inversion = invert(sdxl, z0, told, SIZE, config)
    assert drag(sdxl, inversion, POINTS, None, config).latent.isfinite().all()


@pytest.mark.parametrize("mid", ["UNetMidBlock2D", None])
def test_distilled_ones_without_a_middle(told, z0, config, sdxl_config, mid):
    """SSD-1B has a middle without attention, KOALA-700M none, and both other numbers of transformers up than down."""
    from diffusers import UNet2DConditionModel

    from gooddrag import Model

    up = ((3, 3, 2), (2, 1, 1), 1)
    changes = {
        "mid_block_type": mid,
        "transformer_layers_per_block": (1, 2, 3),
        "reverse_transformer_layers_per_block": up,
    }
    model = Model(UNet2DConditionModel(**{**sdxl_config, **changes}))
    inversion = invert(model, z0, told, SIZE, config)
    assert drag(model, inversion, POINTS, None, config.replace(window=True)).latent.isfinite().all()
    with pytest.raises(ValueError, match="feature_block is 'up_blocks.5'"):
        drag(model, inversion, POINTS, None, DragConfig(feature_block="up_blocks.5"))
