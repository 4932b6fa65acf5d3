"""Where the drag operations are done: t = T - floor(k / B)."""

import pytest

from gooddrag import DragConfig
from gooddrag.method.plan import planned


@pytest.mark.parametrize("operations", [0, 1, 7, 25, 70])
@pytest.mark.parametrize("per_step", [1, 3, 10, 100])
def test_operation_k_is_done_at_k_over_b(operations, per_step):
    plan = planned(DragConfig(operations=operations, operations_per_step=per_step), 80)
    assert len(plan) == 80
    assert [i for i, count in enumerate(plan) for _ in range(count)] == [k // per_step for k in range(operations)]


def test_fewer_timesteps_than_k_over_b_do_fewer_operations():
    assert planned(DragConfig(operations=70, operations_per_step=1), 6) == [1] * 6


@pytest.mark.parametrize("operations", [1, 3, 7, 70])
@pytest.mark.parametrize("per_step", [1, 3, 10])
@pytest.mark.parametrize("timesteps", [1, 6, 38])
def test_a_drag_that_goes_on_does_all_of_its_operations(operations, per_step, timesteps):
    config = DragConfig(operations=operations, operations_per_step=per_step)
    for stopped in range(timesteps):
        plan = planned(config, timesteps, stopped)
        assert len(plan) == timesteps - stopped
        assert sum(plan) == operations
        dragged = [stopped + i for i, count in enumerate(plan) if count]
        assert dragged[0] == stopped
        assert dragged[-1] < max(stopped + 1, 3 / 4 * timesteps)  # what comes later has no noise left to mend with
        assert all(count == per_step for count in plan[: len(dragged) - 1])


def test_drags_that_go_on_move_down_the_schedule_and_then_stay():
    config, stopped, seen = DragConfig(operations=3, operations_per_step=1), None, []
    for _ in range(5):
        plan = planned(config, 8, stopped)
        stopped = (stopped or 0) + max(i for i, count in enumerate(plan) if count)
        seen.append(stopped)
    assert seen == [2, 4, 5, 5, 5]
