"""Socket types of this pack, for what ComfyUI has no type of its own."""

from __future__ import annotations

from dataclasses import dataclass

from comfy_api.v0_0_2 import io
from torch import Tensor

from ..gooddrag.trace import DragTrace

DragPointsType = io.Custom("GOODDRAG_POINTS")
InversionType = io.Custom("GOODDRAG_INVERSION")
TraceType = io.Custom("GOODDRAG_TRACE")

CATEGORY = "GoodDrag"


@dataclass(frozen=True)
class TraceValue:
    """What a GOODDRAG_TRACE carries: the record, and the picture that was expected after each dragged denoising step as
    (drag operations so far, unscaled latent)."""

    trace: DragTrace
    frames: list[tuple[int, Tensor]]
