"""A MASK as this pack reads it: what is painted, where it may change, and what counts as no mask."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from ..gooddrag.finite import finite
from . import notices

EDITABLE = 0.5
"""What is as white as this may change. The engine, as the authors' code, takes anything above 0; but a soft mask's faint rim is
not meant."""


def given(mask: Tensor | None, size: tuple[int, int], name: str = "mask") -> Tensor | None:
    """A connected MASK as float32 ``(H, W)`` in 0..1 of a picture of ``size`` (width, height), resized if it has another; None
    for none, and for one that is black everywhere, which nobody painted. Raises ``ValueError`` for what is no single mask."""
    if mask is None:
        return None
    mask = finite(_single(mask, name), f"`{name}`", "look at the node that it comes from")
    if mask.numel() and not mask.any():
        notices.tell(
            f"`{name}` is black everywhere, as Load Image gives it when nobody painted one: it counts as none."
        )
        return None
    if mask.min() < 0 or mask.max() > 1:
        notices.tell(f"`{name}` goes from {mask.min():.3g} to {mask.max():.3g} and was clamped to 0..1.")
        mask = mask.clamp(0, 1)
    return _resized(mask, size, name)


def editable(mask: Tensor | None, name: str = "mask") -> Tensor | None:
    """1 where the mask ``(H, W)`` lets the picture change, 0 where not. Raises ``ValueError`` when that is nowhere."""
    if mask is None:
        return None
    hard = (mask >= EDITABLE).float()
    faint = ((mask > 0) & (mask < EDITABLE)).float().mean().item()
    if not hard.any():
        raise ValueError(
            f"`{name}` is nowhere above {mask.max():.2g}, and only {EDITABLE} and more may change, so nothing could move; "
            "make it whiter or remove it"
        )
    if faint > 0.02:
        notices.tell(
            f"`{name}` is above 0 and below {EDITABLE} in {faint:.0%} of the picture, which stays: {EDITABLE} and more may change."
        )
    return hard


def _single(mask: Tensor, name: str) -> Tensor:
    """``(H, W)`` float32 of a MASK in any of the forms that nodes make."""
    if not isinstance(mask, Tensor):
        raise ValueError(f"`{name}` is a {type(mask).__name__}, which is no MASK; connect one, or none")
    shape = "x".join(map(str, mask.shape))
    if mask.ndim not in (2, 3, 4) or (mask.numel() == 0 and (mask.ndim == 2 or mask.shape[0])):
        raise ValueError(f"`{name}` is {shape}, which is no mask of a picture; connect a MASK of height x width")
    if mask.ndim == 4:
        # (b, 1, H, W) or (b, H, W, 1)
        axis = 1 if mask.shape[1] == 1 else -1
        if mask.shape[axis] != 1:
            raise ValueError(f"`{name}` is {shape}, which is no MASK; convert a picture with ImageToMask")
        mask = mask.squeeze(axis)
    if mask.ndim == 3:
        if mask.shape[0] != 1 and (not len(mask) or mask.any()):
            raise ValueError(
                f"`{name}` holds {mask.shape[0]} masks; connect one, such as by MaskToImage, ImageFromBatch and ImageToMask"
            )
        mask = mask[0]
    return mask.float() / 255 if mask.dtype == torch.uint8 and mask.max() > 1 else mask.float()


def _resized(mask: Tensor, size: tuple[int, int], name: str) -> Tensor:
    (height, width), (to_width, to_height) = mask.shape, size
    if (width, height) == (to_width, to_height):
        return mask
    stretched = abs(width * to_height - height * to_width) > max(to_width, to_height)
    notices.tell(
        f"The mask is {width}x{height} and was resized to the picture's {to_width}x{to_height}"
        + (", which has another shape: what was painted is stretched." if stretched else ".")
    )
    return F.interpolate(mask[None, None], (to_height, to_width), mode="bilinear", antialias=True)[0, 0].clamp(0, 1)
