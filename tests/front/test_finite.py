"""NaN and infinity stop where they enter, and the sentence names what holds them."""

import pytest
import torch

from gooddrag import DragConfig, DragPoints, LoRA, drag, invert, train_lora
from gooddrag.finite import finite
from gooddrag.method.kept import tuned
from gooddrag.network import codec

NAN, INF = float("nan"), float("inf")
POINTS = DragPoints.from_text("40,40>80,48", 128, 96)


def broken(tensor, value=NAN, count=2):
    tensor = tensor.clone()
    tensor.flatten()[:count] = value
    return tensor


@pytest.mark.parametrize("value", [NAN, INF, -INF])
def test_what_is_handed_to_the_engine(model, z0, text, inversion, fast, value):
    z, words = broken(z0, value), broken(text, value, 3)
    with pytest.raises(ValueError, match=r"the picture's latent holds 2 of 768 values that are NaN or infinite"):
        invert(model, z, text, (128, 96), fast)
    with pytest.raises(ValueError, match=r"the text holds 3 of 168 values that are NaN or infinite"):
        invert(model, z0, words, (128, 96), fast)
    with pytest.raises(ValueError, match=r"the picture's latent holds 2 of 768"):
        train_lora(model, z, text, fast)
    with pytest.raises(ValueError, match=r"the text holds 3 of 168"):
        train_lora(model, z0, words, fast)
    mask = torch.ones(96, 128)
    with pytest.raises(ValueError, match=r"the mask holds 2 of 12288"):
        drag(model, inversion, POINTS, broken(mask, value), fast)
    state = drag(model, inversion, POINTS, mask, fast).state
    object.__setattr__(state, "latent", broken(state.latent, value))
    with pytest.raises(ValueError, match=r"the latent to drag holds 2 of 768"):
        drag(model, inversion, POINTS, mask, fast, state=state)


@pytest.mark.parametrize("operations", [0, 4])
def test_what_the_unet_makes(model, z0, text, inversion, fast, operations):
    """A broken weight, as of a LoRA on it, is told of at the first step."""
    model.unet.conv_out.bias.data[0] = NAN
    made = r"the U-Net made them in torch.float32: look at its weights and at the LoRAs on it"
    steps = []
    with pytest.raises(ValueError, match=rf"the inverted latent holds 192 of 768 values .*; {made}"):
        invert(model, z0, text, (128, 96), fast, steps.append)
    assert len(steps) == 1
    with pytest.raises(ValueError, match=made):
        drag(model, inversion, POINTS, None, fast.replace(operations=operations))
    with pytest.raises(ValueError, match=rf"the loss is nan; {made}"):
        train_lora(model, z0, text, fast)


def test_a_tuning_that_diverges_gives_no_lora_and_names_what_to_lower(model, z0, text, tmp_path):
    config = DragConfig(lora_steps=4, lora_learning_rate=1000.0, lora_batch=1)
    message = (
        r"the tuning diverged after \d of 4 steps, so there is no LoRA; lower learning_rate \(lora_learning_rate\)"
    )
    with pytest.raises(ValueError, match=message):
        tuned(model, z0, text, config, file=tmp_path / "cat.safetensors")
    assert list(tmp_path.iterdir()) == []


def test_a_lora_with_nan_cannot_be_made_and_its_file_is_named(model, z0, text, tmp_path):
    config = DragConfig(lora_steps=1, lora_batch=1)
    file = tmp_path / "cat.safetensors"
    lora = tuned(model, z0, text, config, file=file)
    (name, (down, up)), *_ = lora.weights.items()
    with pytest.raises(ValueError, match=rf"the LoRA's {name} holds 2 of {up.numel()} values"):
        LoRA(lora.rank, {name: (down, broken(up))})
    lora.weights[name] = (broken(down, INF, 1), up)  # as a program that knows no better writes it
    lora.save(file)
    with pytest.raises(ValueError, match=r"cat.safetensors is broken, delete it or give another name: the LoRA's"):
        LoRA.load(file)
    said = []
    anew = tuned(model, z0, text, config, file=file, tell=said.append)
    assert all(weight.isfinite().all() for pair in anew.weights.values() for weight in pair)
    assert said == [
        "cat.safetensors is something else and was left as it is; the LoRA is kept beside it, in cat-2.safetensors."
    ]


def test_pictures_and_autoencoders(vae):
    picture = torch.zeros(1, 3, 64, 64)
    with pytest.raises(ValueError, match=r"the picture holds 2 of 12288"):
        codec.encode(vae, broken(picture))
    z, _ = codec.encode(vae, picture)
    with pytest.raises(ValueError, match=r"the latent holds 2 of \d+"):
        codec.decode(vae, broken(z), (64, 64))
    bias = vae.decoder.conv_out.bias
    before = bias.data.clone()
    try:
        bias.data[0] = NAN
        with pytest.raises(
            ValueError, match=r"what the autoencoder made of the latent holds 4096 of 12288 .* load it in float32"
        ):
            codec.decode(vae, z, (64, 64))
    finally:
        bias.data = before


@pytest.mark.parametrize("name", ["learning_rate", "drag_size", "mask_weight", "lora_learning_rate", "strength"])
@pytest.mark.parametrize("value", [NAN, INF, -INF])
def test_settings(name, value):
    with pytest.raises(ValueError, match=rf"^{name} is -?(nan|inf); it must be a number"):
        DragConfig(**{name: value})


@pytest.mark.parametrize("dtype", [torch.float8_e4m3fn, torch.float8_e5m2])
def test_fp8_is_looked_at_too(dtype):
    finite(torch.ones(3).to(dtype), "it", "look")
    with pytest.raises(ValueError, match="it holds 1 of 3 values"):
        finite(torch.tensor([1.0, float("nan"), 2.0]).to(dtype), "it", "look")
