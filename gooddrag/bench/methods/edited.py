"""What a method gives."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import fmean
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from ...method.state import DragResult
    from .prepared import Prepared


@dataclass(frozen=True)
class Edited:
    """``picture`` ``(H, W, 3)`` uint8. ``left``: pixels that the method's own tracker says are left, the mean over moving pairs;
    None where nothing is tracked. ``ended``: why it stopped, see ``DragTrace``."""

    picture: np.ndarray
    left: float | None = None
    operations: int = 0
    ended: str = ""

    @classmethod
    def of_drag(cls, prepared: Prepared, result: DragResult) -> Edited:
        """What a drag of the engine came to."""
        trace = result.trace
        moving = [d for d, moves in zip(trace.distances, prepared.sample.points.moving) if moves]
        return cls(prepared.picture(result.latent), fmean(moving), trace.operations, trace.ended)
