"""Where a picture is edited: what the mask protects, and the window that the U-Net is evaluated on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from ..config import DragConfig
from ..network.window import Window, alignment
from ..picture.geometry import latent_mask

if TYPE_CHECKING:
    from diffusers import UNet2DConditionModel

LARGEST_WINDOW = 0.8
"""Of the picture's area; a larger window would not save what it costs."""


@dataclass(frozen=True)
class Region:
    """``editable`` ``(1, 1, h, w)`` is M on the latent; ``window`` is evaluated, None for the whole picture; ``locked``: outside
    of M the unedited latent is written back."""

    editable: Tensor
    window: Window | None
    locked: bool

    @classmethod
    def of(
        cls,
        unet: UNet2DConditionModel,
        mask: Tensor | None,
        latent: Tensor,
        config: DragConfig,
        changed: Tensor | None = None,
    ) -> Region:
        """Of a ``mask`` ``(H, W)`` in pixels, None for everywhere, on ``latent`` ``(1, 4, h, w)``, and of what an earlier drag has
        ``changed``."""
        editable, window = latent_mask(mask, latent), None
        if changed is not None:
            editable = torch.maximum(editable, changed.to(editable))
        if config.window:
            around = Window.around(editable[0, 0] > 0, alignment(unet))
            window = around if around.share <= LARGEST_WINDOW else None
        return cls(editable, window, config.background == "lock")

    @property
    def share(self) -> float:
        """Of the picture's area that is evaluated."""
        return self.window.share if self.window else 1.0

    def lock(self, z: Tensor, source: Tensor) -> Tensor:
        """``background="lock"``: outside the mask the picture stays what it was."""
        return self.editable * z + (1 - self.editable) * source if self.locked else z

    def crop(self, x: Tensor) -> Tensor:
        """What the model evaluates of a map ``(b, c, h, w)``."""
        return self.window.crop(x) if self.window else x

    def paste(self, x: Tensor, source: Tensor) -> Tensor:
        """What it gave, in the unedited picture's map ``(1, c, h, w)``."""
        return self.window.paste(x, source) if self.window else x
