"""Alternating drag and denoising (AlDD): lines 3 to 15 of Algorithm 1, from z_T to the edited z_0."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager

import torch
from torch import Tensor

from ..config import PAPER, DragConfig
from ..finite import finite
from ..network import memory
from ..network.conditioning import Conditioning, Text
from ..network.gradient import Gradients
from ..network.model import Model
from ..picture.geometry import DragPoints, check_fit
from ..progress import Progress, silent
from . import warp
from .evaluation import Evaluation
from .inversion import Inversion
from .plan import planned
from .region import Region
from .report import Report
from .source import Source
from .state import DragResult, DragState, Edit
from .supervision import Supervision


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
    edited: Text | None = None,
) -> DragResult:
    """Drag the inverted picture's handles to their targets (Algorithm 1, lines 3 to 15).

    ``mask`` ``(H, W)`` in pixels of the picture: above 0 is editable, None edits everywhere. ``callback`` hears of every
    gradient and denoising step and may raise to cancel. Nothing here is random.

    ``state``, from an earlier result, goes on from there: pairs with the same handle from where they were last seen,
    others from their handle, with ``config.operations`` further operations; ``planned`` says at which timesteps. Where that drag
    could change the picture this one can too, whatever the ``mask``. ``source``, from
    an earlier result's state, saves evaluating the unedited picture again; the model and its LoRAs must be the same. ``edited``:
    what the U-Net is told of the edited picture, where that is not what it was told of the picture: another prompt, or the
    hint of a ControlNet for the result.

    Raises ``ValueError`` when points, picture, mask or state do not belong together, ``NotEnoughMemory`` when there is not
    enough even with gradient checkpointing.
    """
    check_fit(points, mask, inversion.size)
    start = state or DragState.undragged(points, source or Source(inversion, config))
    return together(model, inversion, [points], mask, config, callback, start, edited)[0]


def together(
    model: Model,
    inversion: Inversion,
    points: Sequence[DragPoints],
    mask: Tensor | None,
    config: DragConfig,
    callback: Callable[[Progress], None],
    start: DragState,
    edited: Text | None = None,
) -> list[DragResult]:
    """``drag`` for several at once, all from ``start``: each gradient and each denoising step evaluates the U-Net once for all."""
    finite(start.latent, "the latent to drag", "invert the picture anew")
    told = Conditioning.of(inversion.text if edited is None else edited).checked()
    config = model.family.settled(config)
    if foreign := start.source.foreign(inversion, config, model.family):
        raise ValueError(f"`state` belongs to another {foreign}; continue with what it was made with, or without it")
    region = Region.of(model.unet, mask, inversion.latent, config, start.changed)
    evaluation = Evaluation(model, inversion, region, config, told)
    plan = planned(config, len(inversion.schedule.timesteps), start.stopped)
    starts = [warp.begun(start, p, region.editable, config.warp_from) if config.warp_start else start for p in points]
    edits = [Edit(p, inversion, config, s) for p, s in zip(points, starts)]  # line 3: z_T^0 <- z_T, p_i^0 <- p_i
    for e, s in zip(edits, starts):
        e.handles.trace.warped = s is not start
    report = Report(callback, edits, sum(plan) * config.gradient_steps, len(plan))
    with _room(evaluation, start.source, len(edits)) as attempt:
        supervision = Supervision(evaluation, Gradients(model.unet.dtype, attempt))
        source = _alternate(supervision, edits, start, plan, report)
    return [e.result(source, region, report.seconds) for e in edits]


def _alternate(
    supervision: Supervision, edits: list[Edit], start: DragState, plan: list[int], report: Report
) -> Tensor:
    """Lines 4 to 15 for all ``edits``. Gives the unedited z_0."""
    evaluation, timesteps = supervision.evaluation, start.source.inversion.schedule.timesteps
    for i, operations in enumerate(plan, start.index):  # lines 4 and 14: for k in 0 : K - 1, for t in T - K / B : 1
        t = timesteps[i]  # line 5: t = T - floor(k / B), so that each t has its B operations
        dragged = [e for e in edits if operations and e.handles.goes_on()]
        others = [e for e in edits if e not in dragged]
        report.reference(t, dragged)
        step = evaluation.unedited(start.source, i, feature=bool(dragged), memory=bool(others))
        if dragged:
            report.stage("drag")
            with evaluation.within(step.read):
                supervision.begin(dragged, step)  # line 6: z_{t,0}^k <- z_t^k
                _operate(supervision, dragged, operations, report)  # lines 7 to 11
        report.stage("denoise")
        evaluation.denoise(dragged, step, mutual=False)  # line 13: z_{t-1}^{k+1} from z_t^{k+1}, Eq. 2
        evaluation.denoise(others, step, mutual=True)  # line 15: z_{t-1}^K from z_t^K, Eq. 2
        report.denoised(t)
    return step.denoised


@torch.enable_grad()
def _operate(supervision: Supervision, edits: list[Edit], operations: int, report: Report) -> None:
    """Lines 7 to 11, until line 12 asks for a denoising step: (k + 1) mod B = 0."""
    supervision.look(edits)
    for e in edits:
        e.track()  # not in Algorithm 1: the authors' code tracks anew at every t
    for _ in range(operations):
        edits = [e for e in edits if not e.handles.ended()]  # nor is this
        if not edits:
            break
        for _ in range(supervision.config.gradient_steps):  # line 7: for j in 0 : J - 1
            report.gradient(supervision.step.t, edits[0])
            supervision.look(edits)  # line 8: F(z_{t,j}^k) <- I(U(z_{t,j}^k; t))
            supervision.update(edits)  # line 9: z_{t,j+1}^k, Eq. 9; line 10: after J of them it is z_t^{k+1}
        for e in edits:
            e.operated()  # line 11: p_i^{k+1}, Eq. 6, on the last features of line 8
    supervision.forget()


def _room(evaluation: Evaluation, source: Source, edits: int) -> AbstractContextManager[Callable | None]:
    """While active there is memory for the gradients of so many edits, to which what ``source`` keeps gives way."""
    config, shape = evaluation.config, (edits, *evaluation.inversion.latent.shape[1:])
    how = {"window": evaluation.region.window, "advice": _advice(evaluation.region, config)}
    if not config.operations:
        return memory.explained(how["advice"])
    unet, window = evaluation.model.unet, evaluation.region.window

    def needed(sparingly: bool) -> int:
        return memory.gradient_bytes(unet, shape, block=config.evaluated_block, window=window, checkpointing=sparingly)

    wanted, free = needed(config.checkpointing == "on"), memory.free_bytes(unet.device)
    source.leave(wanted, window)
    if config.checkpointing == "auto" and free is not None and free < wanted:
        source.left = needed(True)
    return memory.sparingly(evaluation.model, shape, config.evaluated_block, config.checkpointing, **how)


def _advice(region: Region, config: DragConfig) -> str:
    """What would need less memory, without what is done already."""
    cures = ["a smaller picture"]
    if region.window:
        cures.append("a smaller mask")
    elif region.editable.all():
        cures.append("a mask around what shall move")
    elif not config.window:
        cures.append("window=on")
    if not region.locked:
        cures.append("background=lock")
    if config.checkpointing == "off":
        cures.append("checkpointing=auto")
    return f"Use {' or '.join(cures)}"
