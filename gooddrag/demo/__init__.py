"""The bundled demo model: small creatures that can really be dragged. See ``docs/demo-model.md``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from ..libraries import importing
from ..network.model import Model
from .drags import KINDS, Drag, drag

if TYPE_CHECKING:
    from .vae import DemoVAE

__all__ = ["KINDS", "WEIGHTS", "Drag", "drag", "load", "text"]

WEIGHTS = Path(__file__).parent / "weights"
"""A folder in diffusers' layout: ``unet/`` and ``vae/``, stored in half precision."""


def load(device: str | torch.device = "cpu", dtype: torch.dtype = torch.float32) -> tuple[Model, DemoVAE]:
    """The demo U-Net in ``dtype`` and its autoencoder in float32."""
    with importing("diffusers"):
        from diffusers import UNet2DConditionModel

        from .vae import DemoVAE
    unet = UNet2DConditionModel.from_pretrained(WEIGHTS / "unet", torch_dtype=dtype)
    vae = DemoVAE.from_pretrained(WEIGHTS / "vae", torch_dtype=torch.float32)
    return Model(unet.to(device)), vae.to(device).eval().requires_grad_(False)


def text(model: Model) -> Tensor:
    """The demo model's only condition, ``(1, 1, D)``: it was trained without words."""
    return torch.zeros(1, 1, model.unet.config.cross_attention_dim)
