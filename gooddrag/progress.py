"""What the engine's functions report while they run."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class Progress:
    """One report. The callback may raise to cancel: the exception passes through and leaves the model as it was.

    ``stage`` is "lora", "invert", "reference", "drag" or "denoise"; ``step`` of ``total`` are done in this call (a drag
    that ends early jumps ahead). ``handles`` are where the tracked points are, (x, y) in pixels. Each
    denoising step gives ``latent``, z_{t-1}, and ``preview``, the z_0 that it predicts, both ``(b, 4, h, w)`` with an edit
    in each row.
    """

    stage: str
    step: int
    total: int
    timestep: int
    loss: float | None = None
    handles: tuple[tuple[float, float], ...] = ()
    latent: Tensor | None = None
    preview: Tensor | None = None


def silent(_progress: Progress) -> None:
    """The callback that does nothing."""
