"""One drag: where it starts, where it is, and where it stopped, so that another can go on from there."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ..config import DragConfig
from ..network.conditioning import Conditioning
from ..picture.geometry import DragPoints, grid_size, to_grid
from .handles import Handles, Reference
from .inversion import Inversion
from .region import Region
from .source import Source, SourceStep
from .trace import DragTrace


@dataclass(frozen=True)
class DragState:
    """Where a drag stopped, from which another can go on.

    ``latent`` is z_t^k ``(1, 4, h, w)`` at the timestep number ``index``, before its denoising step; ``moments``
    the state of Adam there, None before the first gradient step; ``handles`` p_i^k ``(n, 2)`` in grid cells, of the
    pairs of ``points``; ``source`` the unedited picture, from which the templates are read; ``changed`` is M ``(1, 1, h, w)``
    of this drag and those before it, None before the first.
    """

    index: int
    latent: Tensor
    moments: dict | None
    points: DragPoints
    handles: Tensor
    source: Source
    changed: Tensor | None = None

    @property
    def stopped(self) -> int | None:
        """``index``, or None when nothing was dragged before."""
        return self.index if self.index or self.moments else None

    @classmethod
    def undragged(cls, points: DragPoints, source: Source) -> DragState:
        """Line 3 of Algorithm 1: z_T^0 = z_T, p_i^0 = p_i."""
        z = source.inversion.latent
        return cls(0, z, None, points, to_grid(points.handles, grid_size(z)), source)

    def cells(self, points: DragPoints) -> Tensor:
        """p_i^k of every pair: where the pair with the same handle was last seen, or the handle itself for a new pair."""
        grid = grid_size(self.latent)
        in_cells = {tuple(cell): now for cell, now in zip(to_grid(self.points.handles, grid).tolist(), self.handles)}
        seen = dict(zip(self.points.handles, self.handles))  # first: two handles may share a cell
        cells = to_grid(points.handles, grid)
        return torch.stack([seen.get(p, in_cells.get(tuple(c.tolist()), c)) for p, c in zip(points.handles, cells)])


@dataclass(frozen=True)
class DragResult:
    """``latent`` is the edited z_0 and ``source`` the unedited one, denoised alike, both ``(1, 4, h, w)``;
    ``previews`` the z_0 that was predicted after each denoising step that had been dragged, with the number of drag
    operations done; ``size`` is the picture's (width, height); ``state`` is where the drag stopped."""

    latent: Tensor
    source: Tensor
    trace: DragTrace
    previews: list[tuple[int, Tensor]]
    size: tuple[int, int]
    state: DragState


class Edit:
    """A drag under way: its handles, z_t^k ``(1, 4, h, w)`` that is moved for them, F of that as it was last evaluated, what
    the U-Net is told of it, and the last loss."""

    def __init__(self, points: DragPoints, inversion: Inversion, config: DragConfig, start: DragState):
        self.handles = Handles(points, start.cells(points), inversion, config)
        self.z, self.moments = start.latent, start.moments
        self.source, self.stopped = start.source, (start.index, start.latent, start.moments)
        self.reference: Reference | None = None
        self.optimizer: torch.optim.Adam | None = None  # while a timestep is dragged
        self.told: Conditioning | None = None
        self.feature: Tensor | None = None
        self.loss: float | None = None
        self.preview: Tensor | None = None
        self.previews: list[tuple[int, Tensor]] = []

    def begin(self, step: SourceStep, config: DragConfig) -> None:
        """At a timestep that is dragged: what the handles are compared with, and Adam."""
        self.reference, self.loss = Reference.at(self.handles.originals, step, config.supervision_radius), None
        self.z = self.z.detach().clone().requires_grad_()
        # the moments start anew at every denoising step, as in the authors' code
        self.optimizer = torch.optim.Adam([self.z], lr=config.learning_rate)
        if self.moments:  # but go on where an earlier drag stopped at this one
            self.optimizer.state[self.z] = {name: value.clone() for name, value in self.moments.items()}
            self.moments = None

    def descend(self, gradient: Tensor, loss: float) -> None:
        """A step of Adam down the ``gradient`` of the ``loss``."""
        self.z.grad, self.loss = gradient, loss
        self.optimizer.step()

    def track(self) -> None:
        self.handles.track(self.feature, self.reference)

    def operated(self) -> None:
        self.handles.operated(self.feature, self.reference, self.loss)

    def denoised(self, z: Tensor, preview: Tensor) -> None:
        """z_t^k has become z_{t-1}^k, which predicts the z_0 in ``preview``."""
        if self.optimizer:
            self.stopped = self.reference.source.index, self.z.detach(), self.optimizer.state.get(self.z)
            self.previews.append((self.handles.operation, preview))
            self.optimizer = None
        self.z, self.preview = z, preview

    def result(self, source: Tensor, region: Region, seconds: dict[str, float]) -> DragResult:
        """Once z is z_0, beside the unedited ``source``."""
        trace, (index, latent, moments) = self.handles.trace, self.stopped
        trace.seconds, trace.evaluated = dict(seconds), region.share
        if self.handles.going and self.handles.operation < self.handles.config.operations:
            trace.ended = "timesteps"
        # also moved when nothing was dragged: by a warped start
        moved = bool(index or moments) or not torch.equal(latent, self.source.inversion.latent)
        handles, changed = self.handles, region.editable if moved else None
        state = DragState(index, latent, moments, handles.points, handles.cells, self.source, changed)
        return DragResult(self.z, source, trace, self.previews, self.handles.size, state)
