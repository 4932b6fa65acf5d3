"""Gradients by latents through the U-Net, also where its own dtype or the memory is too small for them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from ..finite import of_unet

LOSS_SCALE = 2.0**10
"""For a U-Net in float16: gradients of features (about 1e-3) would vanish on their way to the latent."""


class Gradients:
    """``attempt`` runs what may run out of memory, see ``memory.sparingly``."""

    def __init__(self, dtype: torch.dtype, attempt: Callable):
        self.dtype, self.attempt = dtype, attempt
        self.scale = LOSS_SCALE if dtype == torch.float16 else 1.0

    def __call__(
        self, losses: Callable[[], Sequence[Tensor]], latents: Sequence[Tensor]
    ) -> tuple[Sequence[Tensor], list[float]]:
        """Of each loss by its own of the ``latents``, and the losses. ``losses`` evaluates them, and again where memory ran out
        or float16 did not hold the gradient. Raises ``ValueError`` when no scale makes it finite."""

        def compute() -> tuple[Sequence[Tensor], list[float]]:
            values = losses()
            # latents do not depend on each other, so the gradient of the sum is that of each
            gradients = torch.autograd.grad(sum(values) * self.scale, latents)
            return [g / self.scale for g in gradients], [value.item() for value in values]

        while True:
            gradients, values = self.attempt(compute)
            if all(g.isfinite().all() for g in gradients):
                return gradients, values
            if self.scale <= 1:
                raise ValueError(
                    f"the gradient by the latent holds values that are NaN or infinite; {of_unet(self.dtype)}"
                )
            self.scale /= 4
