"""Half precision of the frozen weights against float32, on the demo model and a drag of its own."""

import pytest
import torch
from PIL import Image

from gooddrag import DragConfig, DragPoints, Model, drag, invert
from gooddrag.demo import drag as scene
from gooddrag.demo import load, text
from gooddrag.method import lora
from gooddrag.method.lora import train_lora
from gooddrag.network import codec
from gooddrag.picture.geometry import to_grid

CONFIG = DragConfig(
    inference_steps=4, operations=2, operations_per_step=2, gradient_steps=1, learning_rate=0.06, background="lock",
    lora_steps=1, lora_batch=1, lora_rank=4,
)  # fmt: skip


def edit(dtype: torch.dtype, config: DragConfig = CONFIG):
    model, vae = load()
    model = Model(model.unet.to(dtype))
    chosen = scene("move", 2000)
    # half as large as the model's pictures: half precision is slow where a processor has no arithmetic for it
    picture = Image.fromarray(chosen.picture(0)).resize((128, 128), Image.Resampling.BOX)
    points = DragPoints(
        *(tuple((x / 2, y / 2) for x, y in side) for side in (chosen.points.handles, chosen.points.targets)), 128, 128
    )
    mask = torch.from_numpy(chosen.mask[::2, ::2].copy())
    z0, _ = codec.encode(vae, codec.to_tensor(picture))
    tuned = train_lora(model, z0, text(model), config)
    assert all(up.dtype == torch.float32 and up.isfinite().all() for _, up in tuned.weights.values())
    assert any(up.any() for _, up in tuned.weights.values())
    with lora.applied(model.unet, tuned):
        inversion = invert(model, z0, text(model), (128, 128), config)
        result = drag(model, inversion, points, mask, config)
    assert inversion.latent.dtype == result.latent.dtype == torch.float32
    return result, codec.decode(vae, result.latent, (128, 128))


@pytest.mark.parametrize(
    ("dtype", "levels"),
    [(torch.bfloat16, 4.0), pytest.param(torch.float16, 1.0, marks=pytest.mark.long)],
    ids=["bf16", "fp16"],
)
def test_half_precision_moves_the_handles_as_float32_does(dtype, levels):
    expected, picture = edit(torch.float32)
    result, other = edit(dtype)
    for half, full in zip(result.trace.trackings, expected.trace.trackings, strict=True):
        cells = (to_grid(half.handles, (64, 64)) - to_grid(full.handles, (64, 64))).abs()
        assert cells.max() <= 1
    assert (other - picture).abs().mean() * 127.5 < levels


def test_a_loss_scale_that_overflows_is_lowered(unet, z0, text, fast, monkeypatch):
    monkeypatch.setattr("gooddrag.network.gradient.LOSS_SCALE", 2.0**30)
    model = Model(unet.to(torch.float16))
    inversion = invert(model, z0, text, (128, 96), fast)
    result = drag(model, inversion, DragPoints.from_text("40,40>80,48", 128, 96), None, fast)
    assert result.latent.isfinite().all()
    assert not torch.equal(result.latent, result.source)
