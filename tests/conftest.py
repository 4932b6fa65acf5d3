"""Real networks at a tiny size: the random U-Net and autoencoder of the parity runs, SD1.5's topology.

What is heavy is imported where it is used: the editor's and the browser's tests need none of it.
"""

import sys
from pathlib import Path

import pytest

DATA = Path(__file__).parent / "parity" / "data"


@pytest.fixture(autouse=True)
def _seed():
    if "torch" in sys.modules:
        sys.modules["torch"].manual_seed(0)


@pytest.fixture
def unet():
    from diffusers import UNet2DConditionModel

    return UNet2DConditionModel.from_pretrained(DATA / "unet")


@pytest.fixture
def model(unet):
    from gooddrag import Model

    return Model(unet)


@pytest.fixture(scope="session")
def vae():
    from diffusers import AutoencoderKL

    return AutoencoderKL.from_pretrained(DATA / "vae")


@pytest.fixture
def text():
    import torch

    return torch.randn(1, 7, 24, generator=torch.Generator().manual_seed(1))


@pytest.fixture
def z0():
    import torch

    return torch.randn(1, 4, 12, 16, generator=torch.Generator().manual_seed(2))


@pytest.fixture
def fast():
    """A short edit: 8 of 10 timesteps, 4 drag operations."""
    from gooddrag import DragConfig

    return DragConfig(inference_steps=10, operations=4, operations_per_step=2, gradient_steps=2, tracking_radius=4)


@pytest.fixture
def inversion(model, z0, text, fast):
    """Of a picture of 128 x 96."""
    from gooddrag import invert

    return invert(model, z0, text, (128, 96), fast)
