"""GoodDrag, its ablations and DragDiffusion: one engine, one setting changed at a time."""

from __future__ import annotations

from dataclasses import dataclass

from ...config import DragConfig
from .edited import Edited
from .prepared import Prepared

DRAGDIFFUSION, AS_MANY = 80, 210
"""Gradient steps of DragDiffusion: its own, and as many as GoodDrag's 70 operations have (DragDiffusion* of the paper)."""


@dataclass(frozen=True)
class Alternating:
    """``changes`` to the shared settings; 0 operations a step means all at the first timestep, K = B."""

    changes: tuple[tuple[str, object], ...] = ()
    at_once: bool = False

    def config(self, shared: DragConfig) -> DragConfig:
        config = shared.replace(**dict(self.changes))
        return config.replace(operations_per_step=max(config.operations, 1)) if self.at_once else config

    def __call__(self, prepared: Prepared) -> Edited:
        return Edited.of_drag(prepared, prepared.drag(self.config(prepared.config)))


def alternating(*, at_once: bool = False, **changes: object) -> Alternating:
    return Alternating(tuple(changes.items()), at_once)


def dragdiffusion(operations: int) -> Alternating:
    """All operations at T, one gradient step each, Eq. 7; what GoodDrag has of neither paper stays out, whatever is shared."""
    return alternating(
        at_once=True,
        operations=operations,
        gradient_steps=1,
        information_preserving=False,
        exact_source=False,
        warp_start=False,
    )
