"""Alternating drag and denoising (AlDD): Algorithm 1 of the paper, from z_T to the edited z_0."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from .config import PAPER, DragConfig
from .geometry import DragPoints, check_fit, grid_size, latent_mask, sample_patches, to_grid, to_pixels
from .inversion import Inversion
from .model import Model
from .motion import REACHED, feature_loss, mask_loss
from .progress import Progress, silent
from .trace import DragTrace
from .tracking import track


@dataclass(frozen=True)
class DragResult:
    """``latent`` is the edited z_0 and ``source`` the unedited one, denoised alike, both ``(1, 4, h, w)``;
    ``previews`` the z_0 that was predicted after each denoising step that had been dragged, with the number of drag
    operations done; ``size`` is the picture's (width, height)."""

    latent: Tensor
    source: Tensor
    trace: DragTrace
    previews: list[tuple[int, Tensor]]
    size: tuple[int, int]


@dataclass(frozen=True)
class ReferenceStep:
    """The unedited picture at one timestep: z_t^0 and z_{t-1}^0 ``(1, 4, h, w)``, the patches of F(z_t^0) around the
    original handles ``(n, C, 2 r1 + 1, 2 r1 + 1)`` with the cells that lie on the grid, F at the handles ``(n, C)``."""

    latent: Tensor
    denoised: Tensor
    templates: Tensor
    inside: Tensor
    originals: Tensor


@torch.no_grad()
def reference_pass(
    model: Model,
    inversion: Inversion,
    handles: Tensor,
    config: DragConfig,
    steps: int,
    callback: Callable[[int], None] = lambda t: None,
) -> list[ReferenceStep]:
    """Denoise z_T without edits for ``steps`` steps; ``handles`` ``(n, 2)`` are p_i^0 in grid cells."""
    grid, z, reference = grid_size(inversion.latent), inversion.latent, []
    for t in inversion.schedule.timesteps[:steps]:
        callback(t)
        prediction, feature = model.predict_with_features(z, t, inversion.text, config.feature_block)
        denoised, _ = inversion.schedule.denoise(prediction, t, z)
        templates, inside = sample_patches(feature, handles, config.supervision_radius, grid)
        r = config.supervision_radius
        reference.append(ReferenceStep(z, denoised, templates, inside, templates[:, :, r, r]))
        z = denoised
    return reference


class _Run:
    """One edit under way: what every part of Algorithm 1 reads, and the few things that change."""

    def __init__(self, model, inversion, points, mask, config, callback):
        self.model, self.inversion, self.points = model, inversion, points
        self.config, self.callback = config, callback
        self.grid = grid_size(inversion.latent)
        self.editable = latent_mask(mask, inversion.latent)
        self.originals = to_grid(points.handles, self.grid)
        self.targets = to_grid(points.targets, self.grid)
        self.handles = self.originals
        self.unmoved = 0
        self.operation = 0
        self.dragging = config.operations > 0
        self.trace = DragTrace(points, config, inversion.schedule.timesteps)
        self.steps = min(config.drag_steps, len(inversion.schedule.timesteps))
        self.gradients = config.operations * config.gradient_steps
        self.done, self.total = 0, self.steps + self.gradients + len(inversion.schedule.timesteps)
        self.clock = time.monotonic()

    def report(self, stage: str, t: int, **more) -> None:
        handles = tuple(to_pixels(self.handles, self.inversion.size))
        self.callback(Progress(stage, self.done, self.total, t, handles=handles, **more))

    def reference(self, t: int) -> None:
        self.report("reference", t)
        self.done += 1

    def note(self, t: int, loss: float | None) -> None:
        handles = to_pixels(self.handles, self.inversion.size)
        self.trace.add(self.operation, t, loss, handles, time.monotonic() - self.clock)

    def track(self, feature: Tensor, reference: ReferenceStep) -> None:
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

    def loss(self, feature: Tensor, denoised: Tensor | None, reference: ReferenceStep) -> Tensor:
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

    @torch.enable_grad()
    def drag(self, z: Tensor, t: int, reference: ReferenceStep) -> Tensor:
        """B drag operations at one timestep: z_t^k -> z_t^{k+B} (Algorithm 1, lines 5 to 11)."""
        config = self.config
        z = z.detach().clone().requires_grad_()
        # the moments start anew at every denoising step, as in the authors' code
        optimizer = torch.optim.Adam([z], lr=config.learning_rate)
        feature, denoised = self.evaluate(z, t)
        self.track(feature, reference)
        self.note(t, None)
        last = None
        for k in range(min(config.operations_per_step, config.operations - self.operation)):
            if self.reached() or self.still():
                break
            for j in range(config.gradient_steps):
                self.report("drag", t, loss=last)
                if k or j:
                    feature, denoised = self.evaluate(z, t)
                loss = self.loss(feature, denoised, reference)
                (z.grad,) = torch.autograd.grad(loss, z)
                optimizer.step()  # Eq. 9, with Adam
                with torch.no_grad():
                    z.copy_(self.outside(z, reference.latent))
                last = loss.item()
                self.done += 1
                self.gradients -= 1
            before = self.handles
            # these features are from before the last update, as in the authors' code
            self.track(feature, reference)
            self.operation += 1
            self.unmoved = self.unmoved + 1 if torch.equal(self.handles, before) else 0
            self.note(t, last)
        return z.detach()

    @torch.no_grad()
    def denoise(self, z: Tensor, source: Tensor, t: int) -> tuple[Tensor, Tensor, Tensor]:
        """One DDIM step of the edited latent and of the source, which is looked at: z, source, predicted z_0."""
        schedule = self.inversion.schedule
        prediction_source, prediction = self.model.predict_mutually(
            source, z, t, self.inversion.text, self.config.mutual_blocks
        )
        source, _ = schedule.denoise(prediction_source, t, source)
        z, preview = schedule.denoise(prediction, t, z)
        return self.outside(z, source), source, preview


def drag(
    model: Model,
    inversion: Inversion,
    points: DragPoints,
    mask: Tensor | None = None,
    config: DragConfig = PAPER,
    callback: Callable[[Progress], None] = silent,
) -> DragResult:
    """Drag the inverted picture's handles to their targets (Algorithm 1, lines 3 to 15).

    ``mask`` ``(H, W)`` in pixels of the picture: above 0 is editable, None edits everywhere. ``callback`` hears of every
    gradient and denoising step and may raise to cancel. Nothing here is random. Raises ``ValueError`` when points
    and picture do not belong together or the mask leaves nothing to edit.
    """
    check_fit(points, mask, inversion.size)
    run = _Run(model, inversion, points, mask, config, callback)
    trace, schedule = run.trace, inversion.schedule

    reference = reference_pass(model, inversion, run.originals, config, run.steps, run.reference)
    mark = time.monotonic()
    trace.seconds = {"reference": mark - run.clock, "drag": 0.0, "denoise": 0.0}

    z = source = inversion.latent
    previews: list[tuple[int, Tensor]] = []
    for i, t in enumerate(schedule.timesteps):
        if run.dragging and i < run.steps and not run.still():
            z = run.drag(z, t, reference[i])
            trace.seconds["drag"] += time.monotonic() - mark
            mark = time.monotonic()
            # no mutual attention while dragging: the source needs no second evaluation, the reference pass had it
            with torch.no_grad():
                z, preview = schedule.denoise(model.predict(z, t, inversion.text), t, z)
            source = reference[i].denoised
            z = run.outside(z, source)
            previews.append((run.operation, preview))
        else:
            z, source, preview = run.denoise(z, source, t)
        trace.seconds["denoise"] += time.monotonic() - mark
        mark = time.monotonic()
        run.done += 1
        run.report("denoise", t, latent=z, preview=preview)
    return DragResult(z, source, trace, previews, inversion.size)
