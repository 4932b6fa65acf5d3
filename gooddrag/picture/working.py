"""Pictures larger than a model likes: the size that they are edited at, and how the edit comes back into the whole picture."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from . import seam
from .geometry import MIN_SIDE
from .sizes import Size, alike

SURE, LOST = 0.03, 0.09
"""Local differences, in 0..1, up to which the picture counts as unchanged, and from which it counts as another."""
AROUND = 9
"""Pixels of the edit over which a difference is local: a cell of the latent, and its middle."""


def working_size(size: Size, side: int) -> Size:
    """(width, height) of a picture of ``size`` for a model that likes pictures of ``side`` x ``side``: as many pixels in the same
    aspect ratio, never more than the picture has, and no side below the least that can be dragged."""
    factor = max(side / math.sqrt(size[0] * size[1]), MIN_SIDE / min(size))
    return size if factor >= 1 else (round(size[0] * factor), round(size[1] * factor))


def resized(images: Tensor, size: Size) -> Tensor:
    """Pictures ``(b, c, H, W)`` in another (width, height), without the steps that leaving out pixels would make."""
    if _size(images) == tuple(size):
        return images
    return F.interpolate(images.float(), (size[1], size[0]), mode="bicubic", antialias=True)


def resized_mask(mask: Tensor, size: Size) -> Tensor:
    """True wherever a mask ``(H, W)`` lets any part of a pixel ``(height, width)`` change."""
    if tuple(mask.shape) == (size[1], size[0]):
        return mask > 0
    return F.interpolate((mask > 0).float()[None, None], (size[1], size[0]), mode="area")[0, 0] > 0


def carried_back(
    edited: Tensor,
    original: Tensor,
    mask: Tensor | None = None,
    feather: float = seam.FEATHER,
    source: Tensor | None = None,
) -> Tensor:
    """Edits ``(b, c, h, w)`` of the picture at another size, in the full picture ``(1, c, H, W)``, all in 0..1.

    Inside the ``mask`` ``(H, W)``, the edit's share as in ``seam.share``, ``feather`` in pixels of the edit:

        kept * original + (1 - kept) * edit enlarged

    so that the original stays, with all its detail, where the edit left the picture as it was (kept = 1), and no ghost of it
    where that changed it (kept = 0). Which of them is told by the local difference of the edit from ``source``
    ``(1, c, h', w')``, the picture undragged as the model draws it, which has lost in the autoencoder what the edit has; without
    it from the original shrunk. Outside they are the original's own numbers. Without a mask everything is inside. Raises
    ``ValueError`` when one cannot be another one resized.
    """
    full, small = _size(original), _size(edited)
    sizes = {"picture": full, "undragged picture": full if source is None else _size(source), "edit": small}
    for one, other in (("undragged picture", "picture"), ("edit", "picture"), ("edit", "undragged picture")):
        if not alike(sizes[one], sizes[other]):
            (width, height), (w, h) = sizes[one], sizes[other]
            raise ValueError(
                f"the {one} is {width}x{height} and the {other} {w}x{h}, which is another shape, so that one cannot be put into "
                "the other; give the picture that was resized for the edit"
            )
    kept = _kept(edited, resized(original, small) if source is None else source)
    result = torch.lerp(resized(edited, full), original, F.interpolate(kept, (full[1], full[0]), mode="bilinear"))
    result.clamp_(0, 1)
    if mask is None:
        return result
    share = seam.share(mask, feather * math.sqrt(full[0] * full[1] / (small[0] * small[1])))
    return seam.pasted(result.movedim(1, -1), original.movedim(1, -1), share).movedim(-1, 1)


def _kept(edited: Tensor, source: Tensor) -> Tensor:
    """``(b, 1, h, w)`` in 0..1: where the edit, seen at the size of ``source``, is the same picture."""
    apart = (resized(edited, _size(source)) - source).abs().amax(1, keepdim=True)
    # mean over the surroundings of a pixel; beyond the border there are none
    local = F.avg_pool2d(apart, AROUND, 1, AROUND // 2, count_include_pad=False)
    return 1 - ((local - SURE) / (LOST - SURE)).clamp(0, 1)


def _size(images: Tensor) -> Size:
    return images.shape[-1], images.shape[-2]
