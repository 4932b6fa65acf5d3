"""A window of a latent, and the same window in every map of the U-Net."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:
    from diffusers import UNet2DConditionModel


def alignment(unet: UNet2DConditionModel) -> int:
    """Cells of the latent on a side of one cell of the U-Net's smallest map."""
    return 2 ** (len(unet.down_blocks) - 1)


@dataclass(frozen=True)
class Window:
    """Rows ``top`` to ``bottom`` and columns ``left`` to ``right`` of a latent of ``height`` x ``width`` cells."""

    top: int
    bottom: int
    left: int
    right: int
    height: int
    width: int

    @classmethod
    def around(cls, cells: Tensor, align: int) -> Window:
        """The smallest window around the ``cells`` ``(h, w)`` that are True whose edges the U-Net's downsampling keeps:
        multiples of ``align`` (see ``alignment``), or the latent's own edge."""
        height, width = cells.shape
        rows, cols = cells.any(1).nonzero().flatten().tolist(), cells.any(0).nonzero().flatten().tolist()

        def edges(places: list[int], size: int) -> tuple[int, int]:
            return places[0] // align * align, min(-(-(places[-1] + 1) // align) * align, size)

        return cls(*edges(rows, height), *edges(cols, width), height, width)

    @property
    def share(self) -> float:
        """Of the latent's area."""
        return (self.bottom - self.top) * (self.right - self.left) / (self.height * self.width)

    def inside(self, h: int, w: int) -> tuple[slice, slice]:
        """The window's rows and columns in a map ``h`` x ``w`` of the U-Net, which is 1, 2, 4 .. times smaller than the
        latent."""
        factor = 1
        while (-(-self.height // factor), -(-self.width // factor)) != (h, w):
            factor *= 2
            if factor > 2 * max(self.height, self.width):
                raise ValueError(f"a map of {h}x{w} does not belong to a latent of {self.height}x{self.width}")
        return (
            slice(self.top // factor, -(-self.bottom // factor)),
            slice(self.left // factor, -(-self.right // factor)),
        )

    def crop(self, x: Tensor) -> Tensor:
        """The window of a map ``(b, c, h, w)``."""
        rows, cols = self.inside(*x.shape[-2:])
        return x[..., rows, cols]

    def paste(self, x: Tensor, whole: Tensor) -> Tensor:
        """``whole`` ``(1, c, h, w)`` for each of the batch, with its window from ``x`` ``(b, c, h', w')``."""
        rows, cols = self.inside(*whole.shape[-2:])
        result = whole.repeat(x.shape[0], 1, 1, 1)
        result[..., rows, cols] = x
        return result

    def beyond(self, x: Tensor) -> Tensor:
        """The values ``(b, c, n)`` of a map ``(b, c, h, w)`` outside the window."""
        rows, cols = self.inside(*x.shape[-2:])
        # by slices: a mask of where they are would make a GPU wait
        parts = x[..., : rows.start, :], x[..., rows.stop :, :], x[..., rows, : cols.start], x[..., rows, cols.stop :]
        return torch.cat([part.flatten(2) for part in parts], 2)

    def tokens_beyond(self, tokens: Tensor) -> Tensor:
        """Those outside the window ``(b, m, c)`` of a map's ``tokens`` ``(b, n, c)``."""
        h, w = self.height, self.width
        while h * w > tokens.shape[1]:
            h, w = -(-h // 2), -(-w // 2)
        return self.beyond(tokens.mT.unflatten(2, (h, w))).mT
