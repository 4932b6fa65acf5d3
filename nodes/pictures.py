"""An IMAGE as this pack reads it."""

from __future__ import annotations

import torch
from torch import Tensor

from ..gooddrag.finite import finite
from . import notices

OVERSHOOT = 0.01
"""What resizing nodes leave beyond 0..1 and nobody sees."""


def one(image: Tensor, name: str = "image") -> Tensor:
    """``(1, H, W, 3)`` float32 in 0..1 of an IMAGE. Grey is repeated, transparency is left away, and values beyond are clamped.
    Raises ``ValueError`` for what is no single picture."""
    if not isinstance(image, Tensor):
        raise ValueError(
            f"`{name}` is a {type(image).__name__}, which is no IMAGE; look at the node that it comes from"
        )
    shape = "x".join(map(str, image.shape))
    if image.ndim != 4:
        raise ValueError(f"`{name}` is {shape}, which is no IMAGE; a picture is 1 x height x width x 3")
    count, height, width, channels = image.shape
    if not count:
        raise ValueError(f"`{name}` holds no picture; look at the node that it comes from")
    if count > 1:
        raise ValueError(
            f"`{name}` holds {count} pictures; GoodDrag edits one at a time, so take one with ImageFromBatch"
        )
    if not height or not width or channels not in (1, 3, 4):
        raise ValueError(f"`{name}` is {width}x{height} with {channels} channels; a picture has 3, or 1 if it is grey")
    if channels == 4:
        notices.tell(f"The transparency of `{name}` is ignored.")
    image = image.float() / 255 if image.dtype == torch.uint8 else image.float()
    image = finite(image[..., :3], f"`{name}`", "look at the node that it comes from")
    beyond = ((image < -OVERSHOOT) | (image > 1 + OVERSHOOT)).float().mean().item()
    if beyond > 0.5:
        raise ValueError(
            f"`{name}` goes from {image.min():.3g} to {image.max():.3g}, most of it beyond 0..1, which is no picture that can be "
            "shown; scale it"
        )
    if beyond:
        notices.tell(f"`{name}` goes from {image.min():.3g} to {image.max():.3g} and was clamped to 0..1.")
    return image.clamp(0, 1).expand(-1, -1, -1, 3)


def each(images: Tensor, name: str) -> list[Tensor]:
    """The pictures of a batch as ``one`` gives them. Raises ``ValueError`` for what holds none."""
    batch = isinstance(images, Tensor) and images.ndim == 4 and len(images)
    return [one(image[None], name) for image in images] if batch else [one(images, name)]
