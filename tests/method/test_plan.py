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
