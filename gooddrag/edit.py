"""A whole edit of a picture: encode, tune, invert, drag, decode."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor

from .config import PAPER, DragConfig
from .method import kept as kept_lora
from .method import lora
from .method.drag import drag
from .method.inversion import invert
from .method.state import DragResult
from .network import codec
from .network.conditioning import Text
from .network.guidance import Guidance
from .network.model import Model
from .picture.geometry import DragPoints, check_fit, latent_mask
from .picture.working import carried_back, resized, resized_mask, working_size
from .progress import Progress, silent

log = logging.getLogger("GoodDrag")


@dataclass(frozen=True)
class Edit:
    """``image`` and ``source`` ``(1, 3, H, W)`` in -1..1: the edited picture, and the undragged one reconstructed, which has the
    working size like all of ``drag``."""

    image: Tensor
    source: Tensor
    drag: DragResult


def edit(
    model: Model,
    vae,
    text: Text,
    image: Tensor,
    points: DragPoints,
    mask: Tensor | None = None,
    config: DragConfig = PAPER,
    *,
    guidance: Guidance | None = None,
    working: int | None = None,
    seed: int = 0,
    lora_file: Path | None = None,
    callback: Callable[[Progress], None] = silent,
    tell: Callable[[str], None] = log.warning,
    kept: Callable[[Path], None] = kept_lora.unheard,
) -> Edit:
    """Edit ``image`` ``(1, 3, H, W)`` in -1..1 under ``text`` ``(1, tokens, D)`` or more; see ``drag`` for points and mask,
    ``invert`` for guidance, and ``kept.tuned`` for ``lora_file``, ``tell`` and ``kept``.

    With ``working`` a picture of more than ``working`` x ``working`` pixels is edited at ``working_size`` and the edit carried back
    into it: outside the mask its own numbers stay. A ``text`` that tells of a size tells of that one.
    """
    size = (image.shape[-1], image.shape[-2])
    check_fit(points, mask, size)
    if working is not None and (small := working_size(size, working)) != size:
        small_mask = None if mask is None else resized_mask(mask, small)
        how = {"guidance": guidance, "seed": seed, "lora_file": lora_file}
        said = {"callback": callback, "tell": tell, "kept": kept}
        picture = resized(image, small).clamp(-1, 1)
        result = edit(model, vae, text, picture, points.fitted(small), small_mask, config, **how, **said)
        region = None if mask is None else (mask > 0).float()
        seen = [(x.to(image.device).clamp(-1, 1) + 1) / 2 for x in (result.image, image, result.source)]
        full = carried_back(*seen[:2], region, source=seen[2]) * 2 - 1
        return replace(result, image=full if mask is None else torch.where((mask > 0).to(image.device), full, image))
    z0, std = codec.encode(vae, image.to(model.device))
    latent_mask(mask, z0)  # refused before anything is tuned
    fitted = nullcontext()
    if config.lora_steps:
        how = {"seed": seed, "std": std, "callback": callback}
        if lora_file:
            weights = kept_lora.tuned(model, z0, text, config, file=lora_file, tell=tell, kept=kept, **how)
        else:
            weights = lora.train_lora(model, z0, text, config, **how)
        fitted = lora.applied(model.unet, weights)
    with fitted:
        inversion = invert(model, z0, text, size, config, callback, guidance=guidance)
        result = drag(model, inversion, points, mask, config, callback)
    return Edit(codec.decode(vae, result.latent, size), codec.decode(vae, result.source, size), result)
