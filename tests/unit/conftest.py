"""Real networks at a tiny size: the random U-Net and autoencoder of the parity runs, SD1.5's topology."""

from pathlib import Path

import pytest
import torch
from diffusers import AutoencoderKL, UNet2DConditionModel

from gooddrag import DragConfig, Model, invert

DATA = Path(__file__).parent.parent / "parity" / "data"


@pytest.fixture(autouse=True)
def _quiet_threads():
    torch.manual_seed(0)


@pytest.fixture
def unet():
    return UNet2DConditionModel.from_pretrained(DATA / "unet")


@pytest.fixture
def model(unet):
    return Model(unet)


@pytest.fixture(scope="session")
def vae():
    return AutoencoderKL.from_pretrained(DATA / "vae")


@pytest.fixture
def text():
    return torch.randn(1, 7, 24, generator=torch.Generator().manual_seed(1))


@pytest.fixture
def z0():
    return torch.randn(1, 4, 12, 16, generator=torch.Generator().manual_seed(2))


@pytest.fixture
def fast():
    """A short edit: 8 of 10 timesteps, 4 drag operations."""
    return DragConfig(inference_steps=10, operations=4, operations_per_step=2, gradient_steps=2, tracking_radius=4)


@pytest.fixture
def inversion(model, z0, text, fast):
    """Of a picture of 128 x 96."""
    return invert(model, z0, text, (128, 96), fast)
