"""A whole edit of a picture: encode, tune, invert, drag, decode."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass

from torch import Tensor

from . import codec, lora
from .config import PAPER, DragConfig
from .drag import DragResult, drag
from .geometry import DragPoints, check_fit
from .inversion import invert
from .model import Model
from .progress import Progress, silent


@dataclass(frozen=True)
class Edit:
    """``image`` and ``source`` ``(1, 3, H, W)`` in -1..1: the edited picture, and the undragged one reconstructed."""

    image: Tensor
    source: Tensor
    drag: DragResult


def edit(
    model: Model,
    vae,
    text: Tensor,
    image: Tensor,
    points: DragPoints,
    mask: Tensor | None = None,
    config: DragConfig = PAPER,
    *,
    seed: int = 0,
    callback: Callable[[Progress], None] = silent,
) -> Edit:
    """Edit ``image`` ``(1, 3, H, W)`` in -1..1 under ``text`` ``(1, tokens, D)``; see ``drag`` for points and mask."""
    size = (image.shape[-1], image.shape[-2])
    check_fit(points, mask, size)
    z0, std = codec.encode(vae, image.to(model.device))
    tuned = nullcontext()
    if config.lora_steps:
        tuned = lora.applied(
            model.unet, lora.train_lora(model, z0, text, config, seed=seed, std=std, callback=callback)
        )
    with tuned:
        inversion = invert(model, z0, text, size, config, callback)
        result = drag(model, inversion, points, mask, config, callback)
    return Edit(codec.decode(vae, result.latent, size), codec.decode(vae, result.source, size), result)
