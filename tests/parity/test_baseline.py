"""The baseline that benchmarks compare with computes what the engine, and so the authors' code, computes."""

from pathlib import Path

import pytest
import torch
from diffusers import UNet2DConditionModel

from gooddrag import DragConfig, DragPoints, Model, invert
from gooddrag.picture.geometry import latent_mask, to_grid
from tests.benchmarks import naive
from tests.benchmarks.gradient import product_step

DATA = Path(__file__).parent / "data"


def test_the_baseline_computes_the_losses_of_the_engine():
    unet = UNet2DConditionModel.from_pretrained(DATA / "unet").double()
    generator = torch.Generator().manual_seed(1)
    z0, text = (torch.randn(s, generator=generator, dtype=torch.float64) for s in ((1, 4, 16, 16), (1, 7, 24)))
    points, size, grid = DragPoints(((45, 64),), ((86, 70),), 128, 128), (128, 128), (64, 64)
    mask = torch.zeros(size[::-1])
    mask[32:96, 32:96] = 1
    config = DragConfig()

    model = Model(unet)
    inversion = invert(model, z0, text, size, config)
    z, t = inversion.latent, inversion.schedule.timesteps[0]
    ours = product_step(unet, z, text, config, points, mask, size)
    expected = [ours() for _ in range(3)]

    with torch.no_grad():
        prediction, original = naive.features(unet, z, t, text, grid)
    denoised, _ = inversion.schedule.denoise(prediction, t, z)
    (handle,), (target,) = to_grid(points.handles, grid), to_grid(points.targets, grid)
    theirs = naive.Step(unet, z, t, text, config, handle, target, latent_mask(mask, z), original, denoised)
    assert [theirs() for _ in range(3)] == pytest.approx(expected, rel=1e-6)
    assert all(p.grad is not None for p in unet.up_blocks[2].parameters())
