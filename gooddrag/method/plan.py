"""Which timesteps are dragged, and how often: lines 4 and 5 of Algorithm 1, known before anything is computed."""

from __future__ import annotations

from ..config import DragConfig


def planned(config: DragConfig, timesteps: int, start: int = 0) -> list[int]:
    """Drag operations before each denoising step: t = T - floor(k / B) for k from 0 to K - 1.

    ``timesteps`` of the schedule there are, and the drag begins at number ``start``; the result has an entry for each from there
    on. B operations are planned at each until K are; the last gets what is left.
    """
    left, plan = config.operations, []
    for _ in range(start, timesteps):
        plan.append(min(left, config.operations_per_step))
        left -= plan[-1]
    return plan
