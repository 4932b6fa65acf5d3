"""What happened during a drag: the record that is drawn, measured and written to a file."""

from __future__ import annotations

import dataclasses
import json
import math
from dataclasses import dataclass, field

from ..config import DragConfig
from ..picture.geometry import DragPoints
from ..picture.value import Point


@dataclass(frozen=True)
class Tracking:
    """One tracking. ``loss`` is the last of the operation's, None for the tracking that opens a denoising step.

    ``operation`` counts finished drag operations; ``handles`` are (x, y) in pixels, ``distances`` what is left to
    the targets in pixels, ``drift`` how far the features there are from those of the original handles (L1, the mean over
    channels), ``seconds`` since the edit began.
    """

    operation: int
    timestep: int
    loss: float | None
    handles: tuple[Point, ...]
    distances: tuple[float, ...]
    drift: tuple[float, ...]
    seconds: float


@dataclass
class DragTrace:
    """The whole run. ``ended`` is "reached" (every handle within 4 pixels of its target), "still" (no handle moved for
    ``patience`` operations), "operations" (all were used) or "timesteps" (there are fewer than K / B). ``seconds`` maps each
    stage to its wall time; ``evaluated`` is the part of the picture that the U-Net was evaluated on, 1 without a window;
    ``warped``: it began at a latent that was moved along the arrows."""

    points: DragPoints
    config: DragConfig
    timesteps: tuple[int, ...]
    trackings: list[Tracking] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)
    ended: str = "operations"
    evaluated: float = 1.0
    warped: bool = False

    def add(
        self,
        operation: int,
        timestep: int,
        loss: float | None,
        handles: list[Point],
        drift: list[float],
        seconds: float,
    ) -> None:
        distances = tuple(math.dist(h, t) for h, t in zip(handles, self.points.targets))
        self.trackings.append(Tracking(operation, timestep, loss, tuple(handles), distances, tuple(drift), seconds))

    @property
    def handles(self) -> tuple[Point, ...]:
        """Where the handles were last seen, (x, y) in pixels."""
        return self.trackings[-1].handles if self.trackings else self.points.handles

    @property
    def distances(self) -> tuple[float, ...]:
        """Pixels that were left between the handles and their targets; of an anchor, how far it went astray."""
        return tuple(math.dist(h, t) for h, t in zip(self.handles, self.points.targets))

    @property
    def operations(self) -> int:
        """Drag operations that were done."""
        return self.trackings[-1].operation if self.trackings else 0

    def summary(self) -> str:
        """One line for people."""
        why = {
            "reached": "the tracker finds every handle at its target",
            "still": "the handles stopped moving",
            "operations": "all were used",
            "timesteps": f"of {self.config.operations}: the timesteps ran out; raise operations_per_step",
        }
        asked = [math.dist(h, t) for h, t in zip(self.points.handles, self.points.targets)]
        moving = self.points.moving
        left = ", ".join(f"{d:.0f} of {a:.0f}" for d, a, moves in zip(self.distances, asked, moving) if moves)
        drifted = [d for d, moves in zip(self.distances, moving) if not moves]
        held = f"; pins held to {max(drifted):.0f} pixels" if drifted else ""
        part = f"; computed in {self.evaluated:.0%} of the picture" if self.evaluated < 1 else ""
        done = f"{self.operations} drag operation{'s' * (self.operations != 1)}"
        begun = ", begun from noise that was moved along the arrows" if self.warped else ""
        return f"{done} ({why[self.ended]}){begun}{part}; pixels left to go: {left}{held}"

    def to_json(self) -> str:
        return json.dumps(dataclasses.asdict(self), indent=1)
