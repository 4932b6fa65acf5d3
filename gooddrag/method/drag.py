"""Alternating drag and denoising (AlDD): Algorithm 1 of the paper, from z_T to the edited z_0."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from ..config import PAPER, DragConfig
from ..network import memory
from ..network.model import Model
from ..network.window import Window, alignment
from ..picture.geometry import DragPoints, check_fit, grid_size, latent_mask, to_grid
from ..progress import Progress, silent
from .handles import Handles, Reference
from .inversion import Inversion
from .motion import mask_loss
from .source import Source, SourceStep
from .trace import DragTrace

if TYPE_CHECKING:
    from diffusers import UNet2DConditionModel

LARGEST_WINDOW = 0.8
"""Of the picture's area; a larger window would not save what it costs."""

LOSS_SCALE = 2.0**10
"""For a U-Net in float16: gradients of features (about 1e-3) would vanish on their way to the latent."""


ADVICE = "Use a smaller picture, a mask around what shall move, background=lock, or checkpointing=auto"


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


class _Edit:
    """One edit under way: its handles, the latent ``z`` ``(1, 4, h, w)`` that is moved for them, and where it stopped."""

    def __init__(self, points: DragPoints, inversion: Inversion, config: DragConfig, start: DragState):
        self.handles = Handles(points, _carried_on(points, start), inversion, config)
        self.z, self.moments = start.latent, start.moments
        self.stopped = start.index, start.latent, start.moments
        self.reference: Reference | None = None
        self.feature: Tensor | None = None  # F(z), as it was last evaluated
        self.preview: Tensor | None = None
        self.previews: list[tuple[int, Tensor]] = []

    def begin(self, step: SourceStep, config: DragConfig) -> None:
        """At a timestep that is dragged: what the handles are compared with, and Adam."""
        self.reference = Reference.at(self.handles.originals, step, config.supervision_radius)
        self.z = self.z.detach().clone().requires_grad_()
        # the moments start anew at every denoising step, as in the authors' code
        self.optimizer = torch.optim.Adam([self.z], lr=config.learning_rate)
        if self.moments:  # but go on where an earlier drag stopped at this one
            self.optimizer.state[self.z] = {name: value.clone() for name, value in self.moments.items()}
            self.moments = None

    def finish(self, index: int) -> None:
        moments, self.z = self.optimizer.state.get(self.z), self.z.detach()
        self.stopped = index, self.z, moments


class _Run:
    """Edits of one picture under way together: what every part of Algorithm 1 reads. Each gradient and each denoising step
    evaluates the U-Net once, for all edits that take part."""

    def __init__(self, model, inversion, edits: list[_Edit], mask, config, callback, index: int):
        self.model, self.inversion, self.edits = model, inversion, edits
        self.config, self.callback = config, callback
        self.editable = latent_mask(mask, inversion.latent)
        self.window = _window(model.unet, self.editable, config)
        self.scale = LOSS_SCALE if model.unet.dtype == torch.float16 else 1.0
        left = len(inversion.schedule.timesteps) - index
        self.end_of_drag = index + min(config.drag_steps, left)
        self.gradients = config.operations * config.gradient_steps
        self.done, self.total = 0, self.gradients + 2 * left
        self.clock = time.monotonic()
        self.attempt: Callable = lambda compute: compute()
        # what was evaluated, with its graph, until a gradient has been taken
        self.graph: dict[_Edit, tuple[Tensor, Tensor | None]] | None = None

    def report(self, stage: str, t: int, **more) -> None:
        handles = tuple(pixel for e in self.edits for pixel in e.handles.pixels)
        self.callback(Progress(stage, self.done, self.total, t, handles=handles, **more))

    def skip_gradients(self) -> None:
        """No more will be taken."""
        self.done, self.gradients = self.done + self.gradients, 0

    def note(self, edits: list[_Edit], t: int, losses: list[float | None]) -> None:
        for e, loss in zip(edits, losses):
            e.handles.note(t, loss, time.monotonic() - self.clock)

    def outside(self, z: Tensor, source: Tensor) -> Tensor:
        """``background="lock"``: outside the mask the picture stays what it was."""
        if self.config.background == "penalty":
            return z
        return self.editable * z + (1 - self.editable) * source

    def within(self, step: SourceStep) -> AbstractContextManager[None]:
        """While active, the model evaluates the window, as it lies in the unedited picture."""
        return self.model.surrounded(step.surroundings) if self.window else nullcontext()

    def crop(self, x: Tensor) -> Tensor:
        return self.window.crop(x) if self.window else x

    def paste(self, x: Tensor, source: Tensor) -> Tensor:
        return self.window.paste(x, source) if self.window else x

    def evaluate(self, edits: list[_Edit], t: int) -> dict[_Edit, tuple[Tensor, Tensor | None]]:
        """F(z_t^k) of each edit, and z_{t-1}^k where the loss will ask for it."""
        z, source = self.crop(torch.cat([e.z for e in edits])), edits[0].reference.source
        denoised: Sequence[Tensor | None] = [None] * len(edits)
        if self.config.background == "lock":
            feature = self.model.features(z, t, self.inversion.text, self.config.feature_block)
        else:
            prediction, feature = self.model.predict_with_features(z, t, self.inversion.text, self.config.feature_block)
            denoised = self.paste(self.inversion.schedule.denoise(prediction, t, z)[0], source.denoised).split(1)
        features = self.paste(feature, source.feature).split(1)
        for e, f in zip(edits, features):
            e.feature = f.detach()
        return dict(zip(edits, zip(features, denoised)))

    def loss(self, edit: _Edit, feature: Tensor, denoised: Tensor | None) -> Tensor:
        """Eq. 8, or Eq. 7 without information preservation."""
        loss = edit.handles.loss(feature, edit.reference)
        if denoised is not None:
            loss = loss + self.config.mask_weight * mask_loss(denoised, edit.reference.source.denoised, self.editable)
        return loss

    def gradient(self, edits: list[_Edit], t: int) -> list[float]:
        """The gradient of the loss by z_t, into each edit's ``z.grad``, and the losses."""

        def compute() -> tuple[tuple[Tensor, ...], list[float]]:
            maps, self.graph = self.graph or self.evaluate(edits, t), None
            losses = [self.loss(e, *maps[e]) for e in edits]
            # edits do not depend on each other, so the gradient of the sum is that of each
            gradients = torch.autograd.grad(sum(losses) * self.scale, [e.z for e in edits])
            return tuple(g / self.scale for g in gradients), [loss.item() for loss in losses]

        def finite() -> bool:
            return all(g.isfinite().all() for g in gradients)

        gradients, losses = self.attempt(compute)
        while self.scale > 1 and not finite():
            self.scale /= 4
            gradients, losses = self.attempt(compute)
        if not finite():
            raise ValueError(f"the U-Net's gradients are not finite in {self.model.unet.dtype}; load it in float32")
        for e, gradient in zip(edits, gradients):
            e.z.grad = gradient
        return losses

    def step(self, edits: list[_Edit], t: int) -> list[float]:
        """Eq. 9, with Adam. Gives the losses from before it."""
        losses = self.gradient(edits, t)
        for e in edits:
            e.optimizer.step()
            with torch.no_grad():
                e.z.copy_(self.outside(e.z, e.reference.source.latent))
        return losses

    @torch.enable_grad()
    def drag(self, edits: list[_Edit], t: int, step: SourceStep) -> None:
        """B drag operations at one timestep: z_t^k -> z_t^{k+B} (Algorithm 1, lines 5 to 11)."""
        config = self.config
        for e in edits:
            e.begin(step, config)
        self.graph = self.attempt(lambda: self.evaluate(edits, t))
        losses: list[float | None] = [None] * len(edits)
        for e in edits:
            e.handles.track(e.feature, e.reference)
        self.note(edits, t, losses)
        for _ in range(min(config.operations_per_step, config.operations - edits[0].handles.operation)):
            edits = [e for e in edits if not (e.handles.reached() or e.handles.still())]
            if not edits:
                break
            for _ in range(config.gradient_steps):
                self.report("drag", t, loss=losses[0])
                losses = self.step(edits, t)
                self.done += 1
                self.gradients -= 1
            for e in edits:
                # these features are from before the last update, as in the authors' code
                e.handles.operated(e.feature, e.reference)
            self.note(edits, t, losses)
        self.graph = None

    @torch.no_grad()
    def denoise(self, edits: list[_Edit], t: int, step: SourceStep, *, mutual: bool) -> None:
        """One DDIM step of the edited latents: z_{t-1} and the predicted z_0. No mutual attention while dragging."""
        z = self.crop(torch.cat([e.z for e in edits]))
        prediction = self.model.predict_looking(z, t, self.inversion.text, step.memory if mutual else {})
        z, preview = self.inversion.schedule.denoise(prediction, t, z)
        z, preview = self.outside(self.paste(z, step.denoised), step.denoised), self.paste(preview, step.preview)
        for i, e in enumerate(edits):
            e.z, e.preview = z[i : i + 1], preview[i : i + 1]


def _window(unet: UNet2DConditionModel, editable: Tensor, config: DragConfig) -> Window | None:
    """Around the ``editable`` cells; None where that is most of the picture, which is then evaluated as a whole."""
    if not config.window:
        return None
    window = Window.around(editable[0, 0] > 0, alignment(unet))
    return window if window.share <= LARGEST_WINDOW else None


def gradient_bytes(
    unet: UNet2DConditionModel, inversion: Inversion, mask: Tensor | None, config: DragConfig, drags: int = 1
) -> int:
    """Memory beside the weights for a gradient step of ``drag``, or of as many ``drags`` at once."""
    window = _window(unet, latent_mask(mask, inversion.latent), config)
    shape = (drags, *inversion.latent.shape[1:])
    return memory.gradient_bytes(unet, shape, block=config.evaluated_block, window=window)


def _carried_on(points: DragPoints, start: DragState) -> Tensor:
    """p_i^k of every pair: where the pair with the same handle was last seen, or the handle itself for a new pair."""
    grid = grid_size(start.latent)
    seen = {tuple(cell): now for cell, now in zip(to_grid(start.points.handles, grid).tolist(), start.handles)}
    return torch.stack([seen.get(tuple(cell.tolist()), cell) for cell in to_grid(points.handles, grid)])


def _start(inversion: Inversion, points: DragPoints, source: Source) -> DragState:
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
    start = state or _start(inversion, points, source or Source(inversion, config))
    return _together(model, inversion, [points], mask, config, callback, start)[0]


def drag_batch(
    model: Model,
    inversion: Inversion,
    points: Sequence[DragPoints],
    mask: Tensor | None = None,
    config: DragConfig = PAPER,
    callback: Callable[[Progress], None] = silent,
    *,
    source: Source | None = None,
) -> list[DragResult]:
    """Several drags of one picture, one result for each of ``points``: as many at once as the free memory holds.

    The results are those of ``drag`` up to rounding; an edit whose handles have arrived leaves the batch. Without
    ``config.batched`` they are dragged one after the other. The other arguments and the errors are those of ``drag``.
    """
    for p in points:
        check_fit(p, mask, inversion.size)
    source = source or Source(inversion, config)
    shape, most = tuple(inversion.latent.shape), len(points) if config.batched else 1
    window = _window(model.unet, latent_mask(mask, inversion.latent), config)
    size = memory.fitting(model.unet, shape, config.evaluated_block, config.checkpointing, window=window, most=most)
    groups = [points[i : i + size] for i in range(0, len(points), size)]
    results: list[DragResult] = []
    for i, group in enumerate(groups):

        def of_all(p: Progress, i: int = i) -> None:
            callback(replace(p, step=p.step + i * p.total, total=p.total * len(groups)))

        start = _start(inversion, group[0], source)
        results += _together(model, inversion, group, mask, config, of_all, start)
    return results


def _together(
    model: Model,
    inversion: Inversion,
    points: Sequence[DragPoints],
    mask: Tensor | None,
    config: DragConfig,
    callback: Callable[[Progress], None],
    start: DragState,
) -> list[DragResult]:
    """Algorithm 1 for one or several drags, all from ``start``."""
    source, schedule = start.source, inversion.schedule
    if not source.fits(inversion, config):
        raise ValueError(
            "the state belongs to another inversion, feature block or mutual attention; continue with those it was made with"
        )
    edits = [_Edit(p, inversion, config, start) for p in points]
    run = _Run(model, inversion, edits, mask, config, callback, start.index)
    seconds = {"reference": 0.0, "drag": 0.0, "denoise": 0.0}
    within = nullcontext(run.attempt)
    if config.operations:
        shape = (len(edits), *start.latent.shape[1:])
        within = memory.sparingly(
            model, shape, config.evaluated_block, config.checkpointing, window=run.window, advice=ADVICE
        )
    with within as run.attempt:
        for i, t in list(enumerate(schedule.timesteps))[start.index :]:
            mark = time.monotonic()
            dragged = [e for e in edits if e.handles.going and i < run.end_of_drag and not e.handles.still()]
            others = [e for e in edits if e not in dragged]
            if dragged:
                run.report("reference", t)
            step = source.step(model, i, feature=bool(dragged), memory=bool(others), window=run.window)
            run.done += 1
            seconds["reference"] += time.monotonic() - mark
            mark = time.monotonic()
            with run.within(step):
                if dragged:
                    run.drag(dragged, t, step)
                    for e in dragged:
                        e.finish(i)
                if not any(e.handles.going for e in edits):
                    run.skip_gradients()
                if dragged:
                    seconds["drag"] += time.monotonic() - mark
                    mark = time.monotonic()
                    run.denoise(dragged, t, step, mutual=False)
                    for e in dragged:
                        e.previews.append((e.handles.operation, e.preview))
                if others:
                    run.denoise(others, t, step, mutual=True)
            seconds["denoise"] += time.monotonic() - mark
            run.done += 1
            run.report(
                "denoise", t, latent=torch.cat([e.z for e in edits]), preview=torch.cat([e.preview for e in edits])
            )
    results = []
    for e in edits:
        e.handles.trace.seconds = dict(seconds)
        e.handles.trace.evaluated = run.window.share if run.window else 1.0
        index, latent, moments = e.stopped
        state = DragState(index, latent, moments, e.handles.points, e.handles.cells, source)
        results.append(DragResult(e.z, step.denoised, e.handles.trace, e.previews, inversion.size, state))
    return results
