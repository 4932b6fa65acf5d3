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


LARGEST = 1 << 24
"""Pixels of a side; more is no picture's size."""


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


def samples(latent: dict, name: str = "latent") -> Tensor:
    """The samples of a LATENT, of several sizes the first. Raises ``ValueError`` when it holds none."""
    found = latent.get("samples") if isinstance(latent, dict) else None
    if not isinstance(found, Tensor):
        what = (
            f"holds {', '.join(map(repr, latent)) or 'nothing'}"
            if isinstance(latent, dict)
            else f"is a {type(latent).__name__}"
        )
        raise ValueError(
            f"`{name}` {what}, and a LATENT has a tensor of `samples`; look at the node that it comes from"
        )
    if not found.numel():
        raise ValueError(f"`{name}` holds no picture, {host.shape(found)}; look at the node that it comes from")
    return found.unbind()[0] if found.is_nested else found


def noted_size(latent: dict) -> tuple[int, int] | None:
    """The picture's (width, height) as this pack noted it in a LATENT; None where none is, or what no picture has."""
    noted = latent.get(SIZE)
    if noted is None:
        return None
    if (
        not isinstance(noted, (tuple, list))
        or len(noted) != 2
        or any(not isinstance(side, int) or isinstance(side, bool) or not 0 < side <= LARGEST for side in noted)
    ):
        notices.tell(f"The LATENT's `{SIZE}` is {str(noted)[:60]!r}, no width and height, and was not used.")
        return None
    return noted[0], noted[1]


def without_padding(images: Tensor, latent: dict) -> Tensor:
    """The pictures ``(b, H, W, c)`` that a VAE decoded of ``latent``, cropped to the size that is noted there.

    The size is believed where ``belongs`` says so; of an enlarged latent the same share is padding. What was cut, turned or
    stretched is shown as it is.
    """
    noted = noted_size(latent)
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
