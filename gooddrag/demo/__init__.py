"""The bundled demo model: small creatures that can really be dragged. See ``docs/demo-model.md``."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from ..libraries import importing
from ..network.model import Model
from .drags import KINDS, Drag, drag
from .vae import DemoVAE

__all__ = ["KINDS", "WEIGHTS", "Drag", "drag", "load", "text"]

WEIGHTS = Path(__file__).parent / "weights"
"""A folder in diffusers' layout: ``unet/`` and ``vae/``, stored in half precision."""


def load(device: str | torch.device = "cpu", dtype: torch.dtype = torch.float32) -> tuple[Model, DemoVAE]:
    """The demo U-Net in ``dtype`` and its autoencoder in float32."""
    with importing("diffusers"):
        from diffusers import UNet2DConditionModel
    unet = UNet2DConditionModel.from_pretrained(WEIGHTS / "unet", torch_dtype=dtype)
    return Model(unet.to(device)), DemoVAE.load(WEIGHTS / "vae").to(device)


def text(model: Model) -> Tensor:
    """The demo model's only condition, ``(1, 1, D)``: it was trained without words."""
    return torch.zeros(1, 1, model.unet.config.cross_attention_dim)
