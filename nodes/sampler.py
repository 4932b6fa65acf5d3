"""GoodDrag Sampler: alternating drag and denoising."""

import reprlib
import time

import torch
from comfy_api.v0_0_2 import io

from ..gooddrag.config import BACKGROUNDS, DragConfig
from ..gooddrag.method.batch import at_once, drag_batch, gradient_bytes
from ..gooddrag.method.drag import drag
from ..gooddrag.picture.geometry import check_fit
from . import belonging, conditioning, control, families, host, last_run, latents, lent, masks, notices, patches
from .presets import configured, preset_input, tell_of_another
from .types import CATEGORY, DragPointsType, InversionType, StateType, TraceType, TraceValue, result_for_page, several

START = ("picture", "last run")

FIELDS = {
    "operations": "operations",
    "operations_per_step": "operations_per_step",
    "gradient_steps": "gradient_steps",
    "learning_rate": "learning_rate",
    "background": "background",
    "mask_weight": "mask_weight",
    "drag_size": "drag_size",
    "supervision_radius": "supervision_radius",
    "tracking_radius": "tracking_radius",
    "patience": "patience",
    "information_preserving": "information_preserving",
    "mutual_attention": "mutual_blocks",
    "window": "window",
    "exact_source": "exact_source",
    "warp_start": "warp_start",
    "warp_from": "warp_from",
}

LATER = {"exact_source": False, "warp_start": False, "warp_from": 0.0}
"""Inputs that a prompt from before they were there does not have, and what it means."""


class Sampler(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        d = DragConfig()
        return io.Schema(
            node_id="GoodDrag_Sampler",
            display_name="GoodDrag Sampler",
            category=CATEGORY,
            description="Drags the handles to their targets while the picture is denoised (GoodDrag, arXiv 2404.07206). "
            "The defaults are the paper's, except that the region outside the mask is locked and not computed again.",
            search_aliases=[
                "drag",
                "aldd",
                "gooddrag",
                "dragdiffusion",
                "draggan",
                "move part of image",
                "puppet",
                "warp",
                "liquify",
                "deform",
            ],
            inputs=[
                io.Model.Input("model", tooltip="The same model that the inversion was made with."),
                InversionType.Input("inversion", tooltip="From GoodDrag DDIM Inversion."),
                DragPointsType.Input(
                    "points",
                    tooltip="From GoodDrag Points: what is dragged, and where to. "
                    "From GoodDrag Variants: the outputs become batches.",
                ),
                io.Mask.Input(
                    "mask",
                    optional=True,
                    tooltip="Half white and more may change, the rest stays. Without it, or with one that is black everywhere, "
                    "the whole picture may change.",
                ),
                StateType.Input(
                    "state",
                    optional=True,
                    tooltip="From another GoodDrag Sampler on the same inversion: the drag goes on where that one stopped, with "
                    "these points.",
                ),
                preset_input(FIELDS),
                io.Int.Input(
                    "operations",
                    default=d.operations,
                    min=0,
                    max=1000,
                    tooltip="K: drag operations in all. Longer drags need more; it ends by itself when all handles "
                    "have arrived.",
                ),
                io.Int.Input(
                    "operations_per_step",
                    default=d.operations_per_step,
                    min=1,
                    max=1000,
                    tooltip="B: drag operations before each denoising step. As many as `operations` drags before any "
                    "denoising, which gives more artefacts (DragDiffusion).",
                ),
                io.Int.Input(
                    "gradient_steps",
                    default=d.gradient_steps,
                    min=1,
                    max=50,
                    tooltip="J: gradient steps in a drag operation. More move further before each tracking.",
                ),
                io.Float.Input(
                    "learning_rate",
                    default=d.learning_rate,
                    min=0.0001,
                    max=1.0,
                    step=0.001,
                    round=0.0001,
                    tooltip="Step of Adam on the latent. Higher drags faster and disturbs the picture more.",
                ),
                io.Combo.Input(
                    "background",
                    options=list(reversed(BACKGROUNDS)),
                    default="lock",
                    tooltip="Outside the mask: lock writes the unedited picture back, penalty only discourages change "
                    "(the paper's way).",
                ),
                io.Float.Input(
                    "mask_weight",
                    default=d.mask_weight,
                    min=0.0,
                    max=10.0,
                    step=0.01,
                    tooltip="lambda, the weight of the penalty. No effect with lock; 0 lets everything change.",
                    advanced=True,
                ),
                io.Float.Input(
                    "drag_size",
                    default=d.drag_size,
                    min=0.5,
                    max=32.0,
                    step=0.5,
                    tooltip="beta: how far ahead of a handle its content is wanted, in cells of 2 pixels.",
                    advanced=True,
                ),
                io.Int.Input(
                    "supervision_radius",
                    default=d.supervision_radius,
                    min=1,
                    max=32,
                    tooltip="r1: half the side of the patch that is moved, in cells of 2 pixels. 4 is a patch of 18 pixels.",
                    advanced=True,
                ),
                io.Int.Input(
                    "tracking_radius",
                    default=d.tracking_radius,
                    min=1,
                    max=64,
                    tooltip="r2: how far a handle is searched around its last place, in cells of 2 pixels.",
                    advanced=True,
                ),
                io.Int.Input(
                    "patience",
                    default=d.patience,
                    min=1,
                    max=1000,
                    tooltip="The drag ends when no handle has moved for this many operations.",
                    advanced=True,
                ),
                io.Boolean.Input(
                    "information_preserving",
                    default=d.information_preserving,
                    tooltip="On: content is always compared with the original handle (Eq. 8). Off: with its last state "
                    "(Eq. 7), which drifts.",
                    advanced=True,
                ),
                io.Boolean.Input(
                    "mutual_attention",
                    default=True,
                    tooltip="After dragging, the edited picture takes its texture from the original (MasaCtrl). Off gives "
                    "the model more freedom.",
                    advanced=True,
                ),
                io.Combo.Input(
                    "start",
                    options=list(START),
                    default=START[0],
                    tooltip="picture: every run starts from the undragged picture, and the same inputs give the same result. "
                    "last run: goes on where this node stopped the last time in this tab, with as many further operations; queue "
                    "again to drag on, or move a target or add an arrow first. Says so when nothing is kept to go on from.",
                ),
                host.checkpointing_input(),
                io.Boolean.Input(
                    "window",
                    default=True,
                    tooltip="On: only the surroundings of the mask are computed, the rest is taken from the undragged picture; the "
                    "smaller the mask, the faster and the less memory. Off: the whole picture is computed at every step.",
                    advanced=True,
                ),
                io.Boolean.Input(
                    "exact_source",
                    optional=True,
                    default=d.exact_source,
                    tooltip="On: the undragged picture is read from its inversion, so that what nothing drags comes out as it went "
                    "in, with or without a LoRA. Off, as in the paper: it is denoised again, with an error.",
                    advanced=True,
                ),
                io.Boolean.Input(
                    "warp_start",
                    optional=True,
                    default=d.warp_start,
                    tooltip="On: before the first gradient step the noise inside the mask is moved along long arrows, and the drag "
                    "goes on from there, with fewer steps; needs a mask that leaves room around what moves. Off, as in the paper: "
                    "every drag begins at the handles.",
                    advanced=True,
                ),
                io.Float.Input(
                    "warp_from",
                    optional=True,
                    default=d.warp_from,
                    min=0.0,
                    max=8192.0,
                    step=1.0,
                    tooltip="With warp_start: pixels that the longest arrow must have; a shorter drag begins at the handles, where "
                    "it is better off. 0 moves the noise for every drag.",
                    advanced=True,
                ),
                io.Conditioning.Input(
                    "edited",
                    optional=True,
                    tooltip="What the edited picture is told, where that is not `positive` of the inversion: a ControlNet with "
                    "the pose, depth or outline that the result shall have, or another prompt. Without it: the inversion's.",
                ),
            ],
            outputs=[
                io.Latent.Output(
                    display_name="latent",
                    tooltip="For GoodDrag Decode, VAE Decode, or a KSampler, which refines what the mask lets change and "
                    "nothing else.",
                ),
                TraceType.Output(display_name="trace", tooltip="What happened, for GoodDrag Decode to draw."),
                StateType.Output(
                    display_name="state", tooltip="Where the drag stopped, for another GoodDrag Sampler to go on."
                ),
            ],
            hidden=[io.Hidden.unique_id, io.Hidden.extra_pnginfo],
        )

    @classmethod
    def fingerprint_inputs(cls, start=START[0], **_) -> float:
        """With "last run" the node runs whenever it is queued: its own past is an input. What a link brings is not known yet."""
        return 0.0 if start == START[0] else time.monotonic()

    @classmethod
    @notices.shown
    def execute(
        cls,
        model,
        inversion,
        points,
        preset,
        background,
        start,
        checkpointing,
        mask=None,
        state=None,
        edited=None,
        **given,
    ) -> io.NodeOutput:
        family = families.family(model)
        patches.tell(model)
        belonging.check_family(inversion, model)
        value, inversion = inversion, inversion.inversion
        if start not in START:
            raise ValueError(f"`start` is {reprlib.repr(start)}; it must be one of {', '.join(START)}")
        inverted = {"inference_steps": inversion.schedule.steps, "strength": inversion.schedule.strength}
        given = {**LATER, **given, "background": background}
        config = configured(FIELDS, preset, given, checkpointing=checkpointing, **inverted)
        tell_of_another(preset, config)
        mask = masks.editable(masks.given(mask, inversion.size))
        placed = several(points)
        drags = belonging.fitted(placed, inversion.size)
        belonging.tell_of_picture(value, drags)
        for drag_points in drags:
            check_fit(drag_points, mask, inversion.size)
        if len(drags) > 1 and (state is not None or start == START[1]):
            raise ValueError(
                f"`points` holds {len(drags)} variants, and only a single drag can go on: connect the points from before "
                "GoodDrag Variants, or disconnect `state` and set `start` to picture"
            )
        source = value.source(lent.identity(model), family, config)
        who = last_run.runner(cls.hidden)
        if state is None and start == START[1]:
            state = last_run.state(value, who, source)
        if state is None:
            last_run.tell_of_too_few_timesteps(config, len(inversion.schedule.timesteps))
        mask, count = host.plain(mask), at_once(drags, config)
        before = None if state is None else last_run.changed_before(state, mask)
        if before is not None:
            mask = torch.maximum(mask, before)

        def gradients(unet) -> int:
            return gradient_bytes(unet, inversion, mask, config, count)

        other = None
        if edited is not None:
            other = conditioning.told(model, edited, inversion.latent, "edited", size=inversion.size)
        negative = inversion.guidance and inversion.guidance.negative
        texts = [text for text in (inversion.text, other, negative) if text is not None]
        shape = (count, *inversion.latent.shape[1:])
        loaded = lent.diffusers_model(model, shape, gradients=gradients, beside=control.models(*texts))
        with loaded as borrowed, control.running(*texts):
            value.models[source] = belonging.check_model(value, borrowed, state)
            rest = (mask, config, host.callback(model))
            if len(drags) == 1:
                results = [drag(borrowed, inversion, *drags, *rest, state=state, source=source, edited=other)]
            else:
                results = drag_batch(borrowed, inversion, drags, *rest, source=source, edited=other)
        if other is None:
            control.tell_of_own_hint(inversion.text, [r.trace for r in results])
        last = results[-1]
        value.keep(who, last.state)
        undragged = host.from_model(model, last.source)
        traces = tuple(
            TraceValue(r.trace, [(k, host.from_model(model, z)) for k, z in r.previews], p, undragged, before)
            for r, p in zip(results, placed)
        )
        samples = host.from_model(model, torch.cat([r.latent for r in results]))
        lines = [r.trace.summary() for r in results]
        if len(lines) > 1:
            lines = [f"{i}: {line}" for i, line in enumerate(lines, 1)]
        shown = {"text": lines, "gooddrag_result": [result_for_page(traces[-1])]}
        return io.NodeOutput(
            {"samples": samples, latents.SIZE: inversion.size, **latents.noise_mask(mask)},
            traces if len(traces) > 1 else traces[0],
            last.state,
            ui=shown,
        )
