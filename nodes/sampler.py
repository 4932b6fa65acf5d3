"""GoodDrag Sampler: alternating drag and denoising."""

from comfy_api.v0_0_2 import io

from ..gooddrag.config import BACKGROUNDS, DragConfig
from ..gooddrag.drag import drag
from ..gooddrag.geometry import check_fit
from . import host
from .types import CATEGORY, DragPointsType, InversionType, TraceType, TraceValue, result_for_page


class Sampler(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        d = DragConfig()
        return io.Schema(
            node_id="GoodDrag_Sampler",
            display_name="GoodDrag Sampler",
            category=CATEGORY,
            description="Drags the handles to their targets while the picture is denoised (GoodDrag, arXiv 2404.07206). "
            "The defaults are the paper's, except that the region outside the mask is locked.",
            search_aliases=["drag", "aldd", "gooddrag", "dragdiffusion"],
            inputs=[
                io.Model.Input("model", tooltip="The same model that the inversion was made with."),
                InversionType.Input("inversion", tooltip="From GoodDrag DDIM Inversion."),
                DragPointsType.Input("points", tooltip="From GoodDrag Points: what is dragged, and where to."),
                io.Mask.Input(
                    "mask",
                    optional=True,
                    tooltip="White may change, black stays. Without it the whole picture may change.",
                ),
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
            ],
            outputs=[
                io.Latent.Output(
                    display_name="latent", tooltip="For GoodDrag Decode, VAE Decode, or a KSampler to refine it."
                ),
                TraceType.Output(display_name="trace", tooltip="What happened, for GoodDrag Decode to draw."),
            ],
        )

    @classmethod
    def execute(
        cls,
        model,
        inversion,
        points,
        operations,
        operations_per_step,
        gradient_steps,
        learning_rate,
        background,
        mask_weight,
        drag_size,
        supervision_radius,
        tracking_radius,
        patience,
        information_preserving,
        mutual_attention,
        mask=None,
    ) -> io.NodeOutput:
        host.unet_config(model)
        config = DragConfig(
            inference_steps=inversion.schedule.steps,
            strength=inversion.schedule.strength,
            operations=operations,
            operations_per_step=operations_per_step,
            gradient_steps=gradient_steps,
            learning_rate=learning_rate,
            patience=patience,
            drag_size=drag_size,
            supervision_radius=supervision_radius,
            tracking_radius=tracking_radius,
            information_preserving=information_preserving,
            background=background,
            mask_weight=mask_weight,
            mutual_blocks=DragConfig.mutual_blocks if mutual_attention else (),
        )
        mask = host.one_mask(mask, inversion.size)
        check_fit(points, mask, inversion.size)
        with host.diffusers_model(model, inversion.latent.shape) as borrowed:
            result = drag(borrowed, inversion, points, host.plain(mask), config, host.callback(model))
        frames = [(operation, host.from_model(model, z)) for operation, z in result.previews]
        latent = {"samples": host.from_model(model, result.latent), host.SIZE: inversion.size}
        shown = {"text": [result.trace.summary()], "gooddrag_result": [result_for_page(result.trace)]}
        return io.NodeOutput(latent, TraceValue(result.trace, frames), ui=shown)
