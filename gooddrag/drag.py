"""Alternating drag and denoising (AlDD): Algorithm 1 of the paper, from z_T to the edited z_0."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass

import torch
from torch import Tensor

from . import memory
from .config import PAPER, DragConfig
from .geometry import DragPoints, check_fit, grid_size, latent_mask, sample_patches, to_grid, to_pixels
from .inversion import Inversion
from .model import Model
from .motion import REACHED, feature_loss, mask_loss
from .progress import Progress, silent
from .source import Source, SourceStep
from .trace import DragTrace
from .tracking import track

LOSS_SCALE = 2.0**10
"""For a U-Net in float16: gradients of features (about 1e-3) would vanish on their way to the latent."""


ADVICE = "Use a smaller picture, background=lock, or checkpointing=auto"


@dataclass(frozen=True)
class DragState:
    """Where a drag stopped, from which another can go on.

    ``latent`` is z_t^k ``(1, 4, h, w)`` at the timestep number ``index``, before its denoising step; ``moments``
    the state of Adam there, None before the first gradient step; ``handles`` p_i^k ``(n, 2)`` in grid cells, of the
    pairs of ``points``; ``source`` the unedited picture, from which the templates are read.
    """

    index: int
    latent: Tensor
    moments: dict | None
    points: DragPoints
    handles: Tensor
    source: Source


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


@dataclass(frozen=True)
class Reference:
    """What a drag reads of the unedited picture at one timestep: z_t^0 and z_{t-1}^0 ``(1, 4, h, w)``, the patches of
    F(z_t^0) around the original handles ``(n, C, 2 r1 + 1, 2 r1 + 1)`` with the cells that lie on the grid, and F at the
    handles ``(n, C)``."""

    latent: Tensor
    denoised: Tensor
    templates: Tensor
    inside: Tensor
    originals: Tensor

    @classmethod
    def at(cls, handles: Tensor, step: SourceStep, radius: int) -> Reference:
        """``handles`` ``(n, 2)`` are p_i^0 in grid cells."""
        templates, inside = sample_patches(step.feature, handles, radius, grid_size(step.latent))
        return cls(step.latent, step.denoised, templates, inside, templates[:, :, radius, radius])


class _Run:
    """One edit under way: what every part of Algorithm 1 reads, and the few things that change."""

    def __init__(self, model, inversion, points, mask, config, callback, start: DragState):
        self.model, self.inversion, self.points = model, inversion, points
        self.config, self.callback = config, callback
        self.grid = grid_size(inversion.latent)
        self.editable = latent_mask(mask, inversion.latent)
        self.originals = to_grid(points.handles, self.grid)
        self.targets = to_grid(points.targets, self.grid)
        self.handles = _carried_on(self.originals, start, self.grid)
        self.moments = start.moments
        self.unmoved = 0
        self.operation = 0
        self.dragging = config.operations > 0
        self.scale = LOSS_SCALE if model.unet.dtype == torch.float16 else 1.0
        self.trace = DragTrace(points, config, inversion.schedule.timesteps)
        left = len(inversion.schedule.timesteps) - start.index
        self.end_of_drag = start.index + min(config.drag_steps, left)
        self.gradients = config.operations * config.gradient_steps
        self.done, self.total = 0, self.gradients + 2 * left
        self.clock = time.monotonic()
        self.attempt: Callable = lambda compute: compute()
        # features of the latent as it was last evaluated; with their graph until a gradient has been taken
        self.feature: Tensor | None = None
        self.graph: tuple[Tensor, Tensor | None] | None = None

    def report(self, stage: str, t: int, **more) -> None:
        handles = tuple(to_pixels(self.handles, self.inversion.size))
        self.callback(Progress(stage, self.done, self.total, t, handles=handles, **more))

    def note(self, t: int, loss: float | None) -> None:
        handles = to_pixels(self.handles, self.inversion.size)
        self.trace.add(self.operation, t, loss, handles, time.monotonic() - self.clock)

    def track(self, feature: Tensor, reference: Reference) -> None:
        """Eq. 6, from the handles' last positions."""
        self.handles = track(
            feature, reference.originals, self.handles, radius=self.config.tracking_radius, grid=self.grid
        )

    def outside(self, z: Tensor, source: Tensor) -> Tensor:
        """``background="lock"``: outside the mask the picture stays what it was."""
        if self.config.background == "penalty":
            return z
        return self.editable * z + (1 - self.editable) * source

    def evaluate(self, z: Tensor, t: int) -> tuple[Tensor, Tensor | None]:
        """F(z_t^k), and z_{t-1}^k where the loss will ask for it."""
        if self.config.background == "lock":
            return self.model.features(z, t, self.inversion.text, self.config.feature_block), None
        prediction, feature = self.model.predict_with_features(z, t, self.inversion.text, self.config.feature_block)
        return feature, self.inversion.schedule.denoise(prediction, t, z)[0]

    def loss(self, feature: Tensor, denoised: Tensor | None, reference: Reference) -> Tensor:
        """Eq. 8, or Eq. 7 without information preservation."""
        config = self.config
        templates, inside = reference.templates, reference.inside
        if not config.information_preserving:
            templates, inside = sample_patches(feature.detach(), self.handles, config.supervision_radius, self.grid)
        loss = feature_loss(
            feature,
            templates,
            inside,
            self.handles,
            self.targets,
            drag_size=config.drag_size,
            radius=config.supervision_radius,
            grid=self.grid,
        )
        if denoised is not None:
            loss = loss + config.mask_weight * mask_loss(denoised, reference.denoised, self.editable)
        return loss

    def still(self) -> bool:
        """No handle has moved for long enough: dragging ends for good."""
        return self.unmoved >= self.config.patience and self.end("still")

    def reached(self) -> bool:
        """Every handle has arrived: dragging ends for good."""
        return bool(((self.handles - self.targets).norm(dim=1) < REACHED).all()) and self.end("reached")

    def end(self, reason: str) -> bool:
        self.trace.ended, self.dragging = reason, False
        self.done += self.gradients
        self.gradients = 0
        return True

    def gradient(self, z: Tensor, t: int, reference: Reference) -> tuple[Tensor, float]:
        """The gradient of the loss by z_t, and the loss."""

        def compute() -> tuple[Tensor, float]:
            (feature, denoised), self.graph = self.graph or self.evaluate(z, t), None
            self.feature = feature.detach()
            loss = self.loss(feature, denoised, reference)
            (gradient,) = torch.autograd.grad(loss * self.scale, z)
            return gradient / self.scale, loss.item()

        gradient, loss = self.attempt(compute)
        while self.scale > 1 and not gradient.isfinite().all():
            self.scale /= 4
            gradient, loss = self.attempt(compute)
        if not gradient.isfinite().all():
            raise ValueError(f"the U-Net's gradients are not finite in {self.model.unet.dtype}; load it in float32")
        return gradient, loss

    @torch.enable_grad()
    def drag(self, z: Tensor, t: int, reference: Reference) -> Tensor:
        """B drag operations at one timestep: z_t^k -> z_t^{k+B} (Algorithm 1, lines 5 to 11)."""
        config = self.config
        z = z.detach().clone().requires_grad_()
        # the moments start anew at every denoising step, as in the authors' code
        optimizer = torch.optim.Adam([z], lr=config.learning_rate)
        if self.moments:  # but go on where an earlier drag stopped at this one
            optimizer.state[z] = {name: value.clone() for name, value in self.moments.items()}
        self.graph = self.attempt(lambda: self.evaluate(z, t))
        self.feature = self.graph[0].detach()
        self.track(self.feature, reference)
        self.note(t, None)
        last = None
        for _ in range(min(config.operations_per_step, config.operations - self.operation)):
            if self.reached() or self.still():
                break
            for _ in range(config.gradient_steps):
                self.report("drag", t, loss=last)
                z.grad, last = self.gradient(z, t, reference)
                optimizer.step()  # Eq. 9, with Adam
                with torch.no_grad():
                    z.copy_(self.outside(z, reference.latent))
                self.done += 1
                self.gradients -= 1
            before = self.handles
            # these features are from before the last update, as in the authors' code
            self.track(self.feature, reference)
            self.operation += 1
            self.unmoved = self.unmoved + 1 if torch.equal(self.handles, before) else 0
            self.note(t, last)
        self.graph = None
        self.moments = optimizer.state.get(z)
        return z.detach()

    @torch.no_grad()
    def denoise(self, z: Tensor, t: int, step: SourceStep, *, mutual: bool) -> tuple[Tensor, Tensor]:
        """One DDIM step of the edited latent: z_{t-1} and the predicted z_0. No mutual attention while dragging."""
        prediction = self.model.predict_looking(z, t, self.inversion.text, step.memory if mutual else {})
        z, preview = self.inversion.schedule.denoise(prediction, t, z)
        return self.outside(z, step.denoised), preview


def _carried_on(originals: Tensor, start: DragState, grid: tuple[int, int]) -> Tensor:
    """p_i^k of every pair: where the pair with the same handle was last seen, or the handle itself for a new pair."""
    seen = {tuple(cell): now for cell, now in zip(to_grid(start.points.handles, grid).tolist(), start.handles)}
    return torch.stack([seen.get(tuple(cell.tolist()), cell) for cell in originals])


def _start(inversion: Inversion, points: DragPoints, config: DragConfig, source: Source | None) -> DragState:
    source = source or Source(inversion, config)
    return DragState(0, inversion.latent, None, points, to_grid(points.handles, grid_size(inversion.latent)), source)


def drag(
    model: Model,
    inversion: Inversion,
    points: DragPoints,
    mask: Tensor | None = None,
    config: DragConfig = PAPER,
    callback: Callable[[Progress], None] = silent,
    *,
    state: DragState | None = None,
    source: Source | None = None,
) -> DragResult:
    """Drag the inverted picture's handles to their targets (Algorithm 1, lines 3 to 15).

    ``mask`` ``(H, W)`` in pixels of the picture: above 0 is editable, None edits everywhere. ``callback`` hears of every
    gradient and denoising step and may raise to cancel. Nothing here is random.

    ``state``, from an earlier result, goes on from there: pairs with the same handle from where they were last seen,
    others from their handle, with ``config.operations`` further operations. ``source``, from an earlier result's state,
    saves evaluating the unedited picture again; the model and its LoRAs must be the same.

    Raises ``ValueError`` when points, picture, mask or state do not belong together, ``NotEnoughMemory`` when there is not
    enough even with gradient checkpointing.
    """
    check_fit(points, mask, inversion.size)
    start = state or _start(inversion, points, config, source)
    source, schedule = start.source, inversion.schedule
    if not source.fits(inversion, config):
        raise ValueError(
            "the state belongs to another inversion, feature block or mutual attention; continue with those it was made with"
        )
    run = _Run(model, inversion, points, mask, config, callback, start)
    seconds = run.trace.seconds = {"reference": 0.0, "drag": 0.0, "denoise": 0.0}
    previews: list[tuple[int, Tensor]] = []
    z, index, latent, moments = start.latent, start.index, start.latent, start.moments
    evaluated = config.feature_block if config.background == "lock" else None
    within = nullcontext(run.attempt)
    if config.operations:
        within = memory.sparingly(model, tuple(z.shape), evaluated, config.checkpointing, advice=ADVICE)
    with within as run.attempt:
        for i, t in list(enumerate(schedule.timesteps))[start.index :]:
            mark = time.monotonic()
            dragging = run.dragging and i < run.end_of_drag and not run.still()
            if dragging:
                run.report("reference", t)
            step = source.step(model, i, feature=dragging, memory=not dragging)
            run.done += 1
            seconds["reference"] += time.monotonic() - mark
            mark = time.monotonic()
            if dragging:
                z = run.drag(z, t, Reference.at(run.originals, step, config.supervision_radius))
                index, latent, moments = i, z, run.moments
                run.moments = None
                seconds["drag"] += time.monotonic() - mark
                mark = time.monotonic()
            z, preview = run.denoise(z, t, step, mutual=not dragging)
            if dragging:
                previews.append((run.operation, preview))
            seconds["denoise"] += time.monotonic() - mark
            run.done += 1
            run.report("denoise", t, latent=z, preview=preview)
    stopped = DragState(index, latent, moments, points, run.handles, source)
    return DragResult(z, step.denoised, run.trace, previews, inversion.size, stopped)
