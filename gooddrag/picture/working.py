"""Pictures larger than a model likes: the size that they are edited at, and how the edit comes back into the whole picture."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from . import seam
from .geometry import MIN_SIDE
from .sizes import Size, same_shape

SURE, LOST = 0.03, 0.09
"""Local differences, in 0..1, up to which the picture counts as unchanged, and from which its detail is another's. An
autoencoder loses less than the first in most places."""
AROUND = 9
"""Pixels of the edit over which a difference is local: a cell of the latent, and its middle."""


def working_size(size: Size, side: int) -> Size:
    """(width, height) of a picture of ``size`` for a model that likes pictures of ``side`` x ``side``: as many pixels in the same
    aspect ratio, never more than the picture has, and no side below the least that can be dragged."""
    factor = max(side / math.sqrt(size[0] * size[1]), MIN_SIDE / min(size))
    return size if factor >= 1 else (round(size[0] * factor), round(size[1] * factor))


def resized(images: Tensor, size: Size) -> Tensor:
    """Pictures ``(b, c, H, W)`` in another (width, height), without the steps that leaving out pixels would make."""
    if (images.shape[-1], images.shape[-2]) == tuple(size):
        return images
    return F.interpolate(images.float(), (size[1], size[0]), mode="bicubic", antialias=True)


def resized_mask(mask: Tensor, size: Size) -> Tensor:
    """True wherever a mask ``(H, W)`` lets any part of a pixel ``(height, width)`` change."""
    if tuple(mask.shape) == (size[1], size[0]):
        return mask > 0
    return F.interpolate((mask > 0).float()[None, None], (size[1], size[0]), mode="area")[0, 0] > 0


def carried_back(edited: Tensor, original: Tensor, mask: Tensor | None = None, feather: float = seam.FEATHER) -> Tensor:
    """Edits ``(b, c, h, w)`` of the picture at another size, in the full picture ``(1, c, H, W)``, all in 0..1.

    Inside the ``mask`` ``(H, W)``, the edit's share as in ``seam.share``, ``feather`` in pixels of the edit:

        edit enlarged + kept * (original - original shrunk and enlarged)

    so that the original's fine detail stays where the edit left the picture as it was (kept = 1) and goes where it changed it
    (kept = 0), by the local difference of edit and shrunk original. Outside they are the original's own numbers. Without a mask
    everything is inside. Raises ``ValueError`` when one cannot be the other one resized.
    """
    full, small = (original.shape[-1], original.shape[-2]), (edited.shape[-1], edited.shape[-2])
    if not same_shape(full, small):
        raise ValueError(
            f"the edit is {small[0]}x{small[1]} and the picture {full[0]}x{full[1]}, which is another shape, so that one cannot be "
            "put into the other; give the picture that was resized for the edit"
        )
    share = None
    if mask is not None:
        share = seam.share(mask, feather * math.sqrt(full[0] * full[1] / (small[0] * small[1])))
    result = edited if full == small else _enlarged(edited, original, full, small)
    return result if share is None else _pasted(result, original, share)


def _enlarged(edited: Tensor, original: Tensor, full: Size, small: Size) -> Tensor:
    shrunk = resized(original, small)
    detail = original - resized(shrunk, full)
    # mean over the surroundings of a pixel; beyond the border there are none
    local = F.avg_pool2d((edited - shrunk).abs().amax(1, keepdim=True), AROUND, 1, AROUND // 2, count_include_pad=False)
    changed = ((local - SURE) / (LOST - SURE)).clamp(0, 1)
    kept = F.interpolate(1 - changed, (full[1], full[0]), mode="bilinear")
    return torch.addcmul(resized(edited, full), kept, detail).clamp_(0, 1)


def _pasted(edited: Tensor, original: Tensor, share: Tensor) -> Tensor:
    return seam.pasted(edited.movedim(1, -1), original.movedim(1, -1), share).movedim(-1, 1)
