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


SDXL = dict(
    block_out_channels=(16, 32, 32),
    layers_per_block=2,
    down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
    up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
    transformer_layers_per_block=(1, 2, 3),
    attention_head_dim=(2, 4, 4),
    cross_attention_dim=24,
    use_linear_projection=True,
    addition_embed_type="text_time",
    addition_time_embed_dim=8,
    projection_class_embeddings_input_dim=20 + 6 * 8,
    norm_num_groups=8,
    sample_size=16,
)
"""SDXL's topology, 20 times narrower; pooled text of 20 numbers."""


@pytest.fixture
def sdxl_config():
    return dict(SDXL)


@pytest.fixture
def sdxl():
    """A model of SDXL's topology with random weights."""
    import torch
    from diffusers import UNet2DConditionModel

    from gooddrag import Model

    torch.manual_seed(3)
    return Model(UNet2DConditionModel(**SDXL))


@pytest.fixture
def told(sdxl, text):
    """Its conditioning, of a picture of 128 x 96."""
    import torch

    from gooddrag.network.conditioning import with_sizes

    return with_sizes(sdxl.unet, text, torch.randn(1, 20, generator=torch.Generator().manual_seed(4)), (128, 96))
