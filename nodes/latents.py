"""What a LATENT of this pack is to other nodes."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from comfy.model_patcher import ModelPatcher
from torch import Tensor

from ..gooddrag.picture.geometry import LATENT_CELL, padded
from . import host, notices

SIZE = "gooddrag_size"
"""Key of a LATENT under which this pack keeps the picture's (width, height) before padding. ComfyUI's nodes hand it on whatever
they do to the samples."""


def for_samplers(model: ModelPatcher, z: Tensor, t: int) -> Tensor:
    """z_t ``(b, 4, h, w)`` as the samples of a LATENT from which ComfyUI's samplers go on at timestep ``t``, without adding noise.

    DDIM keeps z_t = sqrt(a) z_0 + sqrt(1 - a) epsilon; ComfyUI's samplers keep x = z_0 + sigma epsilon = z_t sqrt(1 + sigma^2),
    whatever the model predicts.
    """
    sigma = model.get_model_object("model_sampling").sigma(torch.tensor([float(t)])).to(z)
    return host.from_model(model, z * (1 + sigma**2).sqrt())


def noise_mask(mask: Tensor | None) -> dict[str, Tensor]:
    """What a LATENT says of where other samplers may change it: the ``noise_mask`` ``(1, 1, H, W)`` of a ``mask`` ``(H, W)`` in
    pixels of the picture, padded as that is. Nothing when the whole picture may change."""
    if mask is None or bool(mask.all()):
        return {}
    height, width = mask.shape
    extra = (0, padded(width) - width, 0, padded(height) - height)
    return {"noise_mask": F.pad(mask[None, None], extra, mode="replicate")}


def without_padding(images: Tensor, latent: dict) -> Tensor:
    """The pictures ``(b, H, W, c)`` that a VAE decoded of ``latent``, cropped to the size that is noted there.

    The size is believed where ``belongs`` says so; of an enlarged latent the same share is padding. What was cut, turned or
    stretched is shown as it is.
    """
    noted = latent.get(SIZE)
    if noted is None or all(side % LATENT_CELL == 0 for side in noted):
        return images
    width, height = noted
    if not belongs(latent["samples"], noted):
        notices.tell(
            f"The latent is no longer the one of the {width}x{height} picture, nor an enlargement of it, so it is shown with what "
            "the picture was padded with."
        )
        return images
    bottom, right = round(images.shape[1] * height / padded(height)), round(images.shape[2] * width / padded(width))
    return images[:, :bottom, :right]


def belongs(samples: Tensor, size: tuple[int, int]) -> bool:
    """Whether samples ``(b, c, h, w)`` have the cells of a picture of ``size`` (width, height), or one factor above 1 makes theirs
    of those, rounded to whole cells. What is smaller may have been scaled or cut."""
    before, now = [padded(side) // LATENT_CELL for side in reversed(size)], list(samples.shape[-2:])
    least, most = max((n - 0.5) / b for n, b in zip(now, before)), min((n + 0.5) / b for n, b in zip(now, before))
    return now == before or (least <= most and all(n >= b for n, b in zip(now, before)))
