"""What a method gives."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Edited:
    """``picture`` ``(H, W, 3)`` uint8. ``left``: pixels that the method's own tracker says are left, the mean over moving pairs;
    None where nothing is tracked. ``ended``: why it stopped, see ``DragTrace``."""

    picture: np.ndarray
    left: float | None = None
    operations: int = 0
    ended: str = ""
