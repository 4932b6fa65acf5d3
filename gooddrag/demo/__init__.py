"""The bundled demo model: small creatures that can really be dragged. See ``docs/demo-model.md``."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from ..libraries import importing
from ..network.conditioning import Text, added_width, with_sizes
from ..network.model import Model
from .drags import KINDS, Drag, drag
from .vae import DemoVAE
from .world import SIZE

if TYPE_CHECKING:
    from diffusers import UNet2DConditionModel

__all__ = ["KINDS", "WEIGHTS", "Drag", "drag", "load", "text", "version"]

WEIGHTS = Path(__file__).parent / "weights"
"""A folder in diffusers' layout: ``unet/`` and ``vae/``, stored in half precision."""


def load(
    device: str | torch.device = "cpu", dtype: torch.dtype = torch.float32, weights: Path = WEIGHTS
) -> tuple[Model, DemoVAE]:
    """The demo U-Net in ``dtype`` and its autoencoder in float32; ``weights``: of another training (see ``demo.train``)."""
    with importing("diffusers"):
        from diffusers import UNet2DConditionModel
    unet = UNet2DConditionModel.from_pretrained(weights / "unet", torch_dtype=dtype)
    return Model(unet.to(device)), DemoVAE.load(weights / "vae").to(device)


@lru_cache
def version(weights: Path = WEIGHTS) -> str:
    """Of the weights, which are trained anew whenever the world is drawn differently."""
    told = hashlib.sha256()
    for path in sorted(weights.rglob("*.safetensors")):
        told.update(path.read_bytes())
    return told.hexdigest()[:12]


def text(model: Model) -> Text:
    """The demo model's only condition, ``(1, 1, D)``: it was trained without words."""
    return wordless(model.unet, SIZE)


def wordless(unet: UNet2DConditionModel, size: int) -> Text:
    """Nothing, as a U-Net is told it: zeros for words and pooled text, and the sizes of a square picture where it takes sizes."""
    words, added = torch.zeros(1, 1, unet.config.cross_attention_dim), added_width(unet)
    return words if added is None else with_sizes(unet, words, torch.zeros(1, added - 6 * 256), (size, size))
