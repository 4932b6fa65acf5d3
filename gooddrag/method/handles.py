"""The handles of one drag under way: where they are, what they are compared with, and when they are done."""

from __future__ import annotations

import time
from dataclasses import dataclass

import torch
from torch import Tensor

from ..config import DragConfig
from ..picture.geometry import DragPoints, grid_size, sample_patches, to_grid, to_pixels
from ..picture.value import Point
from .inversion import Inversion
from .motion import REACHED, feature_loss
from .source import SourceStep
from .trace import DragTrace
from .tracking import distances, nearest


@dataclass(frozen=True)
class Reference:
    """What a drag reads of the unedited picture at one timestep: z_t^0 and z_{t-1}^0 ``(1, 4, h, w)``, the patches of
    F(z_t^0) around the original handles ``(n, C, 2 r1 + 1, 2 r1 + 1)`` with the cells that lie on the grid, and F at the
    handles ``(n, C)``."""

    source: SourceStep
    templates: Tensor
    inside: Tensor
    originals: Tensor

    @classmethod
    def at(cls, handles: Tensor, step: SourceStep, radius: int) -> Reference:
        """``handles`` ``(n, 2)`` are p_i^0 in grid cells."""
        templates, inside = sample_patches(step.feature, handles, radius, grid_size(step.latent))
        return cls(step, templates, inside, templates[:, :, radius, radius])


class Handles:
    """``cells`` are p_i^k ``(n, 2)`` in grid cells, ``originals`` p_i^0 and ``targets`` q_i; ``anchors`` ``(n,)`` must stay, and
    only the others decide when the drag ends. ``operation`` counts drag operations, ``unmoved`` those in a row in which no handle
    moved; ``going`` is False once dragging has ended for good."""

    def __init__(self, points: DragPoints, cells: Tensor, inversion: Inversion, config: DragConfig):
        self.points, self.config, self.size = points, config, inversion.size
        self.grid = grid_size(inversion.latent)
        self.originals = to_grid(points.handles, self.grid)
        self.anchors = ~torch.tensor(points.moving)
        targets = to_grid(points.targets, self.grid)
        self.targets = torch.where(self.anchors[:, None], self.originals, targets)
        self.cells = cells
        self.operation = self.unmoved = 0
        self.going = config.operations > 0
        self.trace = DragTrace(points, config, inversion.schedule.timesteps)
        self.began = time.monotonic()

    @property
    def pixels(self) -> list[Point]:
        return to_pixels(self.cells, self.size)

    def loss(self, feature: Tensor, reference: Reference) -> Tensor:
        """The first term of Eq. 8, or of Eq. 7 without information preservation."""
        config, anchors = self.config, self.anchors
        templates, inside = reference.templates, reference.inside
        cells = torch.where(anchors[:, None], self.targets, self.cells)
        if not config.information_preserving:
            # not for anchors, which would be compared with themselves
            now = sample_patches(feature.detach(), cells, config.supervision_radius, self.grid)
            kept = anchors[:, None, None].to(inside.device)
            templates, inside = torch.where(kept[:, None], templates, now[0]), torch.where(kept, inside, now[1])
        return feature_loss(
            feature,
            templates,
            inside,
            cells,
            self.targets,
            drag_size=config.drag_size,
            radius=config.supervision_radius,
            grid=self.grid,
            anchors=anchors,
        )

    def track(self, feature: Tensor, reference: Reference, loss: float | None = None) -> None:
        """Eq. 6, from the handles' last positions. ``loss`` is the last of the operation's, None before the first at this t."""
        around = {"radius": self.config.tracking_radius, "grid": self.grid}
        apart = distances(feature, reference.originals, self.cells, **around)
        self.cells = nearest(apart, self.cells)
        drift = (apart.flatten(1).amin(dim=1) / feature.shape[1]).tolist()
        self.trace.add(self.operation, reference.source.t, loss, self.pixels, drift, time.monotonic() - self.began)

    def operated(self, feature: Tensor, reference: Reference, loss: float | None) -> None:
        """A drag operation is done: track, and count."""
        before = self.cells
        self.operation += 1
        self.track(feature, reference, loss)
        self.unmoved = 0 if (self.cells != before)[~self.anchors].any() else self.unmoved + 1

    def goes_on(self) -> bool:
        """Whether there is something to drag at a further timestep."""
        return self.going and not self._still()

    def ended(self) -> bool:
        """Every handle has arrived, or none has moved for long enough: dragging ends for good."""
        return self._reached() or self._still()

    def _reached(self) -> bool:
        left = (self.cells - self.targets)[~self.anchors].norm(dim=1)
        return bool((left < REACHED).all()) and self._end("reached")

    def _still(self) -> bool:
        return self.unmoved >= self.config.patience and self._end("still")

    def _end(self, reason: str) -> bool:
        self.trace.ended, self.going = reason, False
        return True
