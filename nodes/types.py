"""Socket types of this pack, for what ComfyUI has no type of its own."""

from __future__ import annotations

from dataclasses import dataclass

from comfy_api.v0_0_2 import io
from torch import Tensor

from ..gooddrag.geometry import DragPoints
from ..gooddrag.trace import DragTrace

DragPointsType = io.Custom("GOODDRAG_POINTS")
InversionType = io.Custom("GOODDRAG_INVERSION")
TraceType = io.Custom("GOODDRAG_TRACE")

CATEGORY = "GoodDrag"


def points_for_page(points: DragPoints) -> dict:
    """The pairs as the editor compares them with its own."""
    return {"handles": points.handles, "targets": points.targets}


def result_for_page(trace: DragTrace) -> dict:
    """What the editor draws after a run: the asked pairs, and the path of each handle."""
    paths = list(zip(trace.points.handles, *(t.handles for t in trace.trackings)))
    return {"points": points_for_page(trace.points), "paths": paths}


@dataclass(frozen=True)
class TraceValue:
    """What a GOODDRAG_TRACE carries: the record, and the picture that was expected after each dragged denoising step as
    (drag operations so far, unscaled latent)."""

    trace: DragTrace
    frames: list[tuple[int, Tensor]]
