"""Which timesteps are dragged, and how often: lines 4 and 5 of Algorithm 1, known before anything is computed."""

from __future__ import annotations

from ..config import DragConfig

LAST = 3 / 4
"""Of the timesteps, from the noisiest on: as many are dragged by drags that go on. In the last quarter there is too little noise
to mend what dragging breaks; most drags of the demo world that began there ended worse than no drag."""


def planned(config: DragConfig, timesteps: int, stopped: int | None = None) -> list[int]:
    """Drag operations before each denoising step that is made: t = T - floor(k / B) for k from 0 to K - 1.

    A first drag begins at the first of the schedule's ``timesteps``: B operations are planned at each until K are, and the last of
    these gets what is left. The sum is less than K when there are fewer timesteps than K / B.

    A drag that goes on begins where another ``stopped``, a timestep's number, and moves on in the same way up to ``LAST`` of the
    timesteps. At the last of these, or where the other stopped if that was later, it does all that is left of its K, so the sum is
    always K.
    """
    start = stopped or 0
    last = timesteps - 1 if stopped is None else max(int(LAST * timesteps) - 1, stopped)
    left, plan = config.operations, []
    for i in range(start, timesteps):
        everything = stopped is not None and i == last
        plan.append(left if everything else min(left, config.operations_per_step))
        left -= plan[-1]
    return plan
