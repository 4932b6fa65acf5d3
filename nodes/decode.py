"""GoodDrag Decode: the edited picture in its exact size, and what happened drawn on it."""

import torch
from comfy_api.v0_0_2 import io

from ..gooddrag.overlay import draw_result, paste_outside
from . import host
from .types import CATEGORY, TraceType, points_for_page


class Decode(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="GoodDrag_Decode",
            display_name="GoodDrag Decode",
            category=CATEGORY,
            description="Decodes the edited latent and crops it to the size of the original picture. With `image` and `mask` the "
            "original's own pixels are put back outside the mask; with `trace` the handles' paths are drawn.",
            search_aliases=["vae decode", "drag"],
            inputs=[
                io.Vae.Input("vae", tooltip="The VAE that belongs to the model."),
                io.Latent.Input("latent", tooltip="From GoodDrag Sampler."),
                io.Image.Input(
                    "image",
                    optional=True,
                    tooltip="The original. With a mask, its pixels replace the decoded ones outside.",
                ),
                io.Mask.Input("mask", optional=True, tooltip="White is taken from the edit, black from `image`."),
                TraceType.Input("trace", optional=True, tooltip="From GoodDrag Sampler, for the two other pictures."),
                io.Int.Input(
                    "feather",
                    default=4,
                    min=0,
                    max=64,
                    tooltip="Pixels over which edit and original are blended at the mask's border; 0 is a hard edge.",
                ),
            ],
            outputs=[
                io.Image.Output(display_name="image"),
                io.Image.Output(
                    display_name="overlay", tooltip="The result with targets (rings), handles (dots) and their paths."
                ),
                io.Image.Output(
                    display_name="trajectory",
                    tooltip="A batch: the picture after each denoising step that was dragged.",
                ),
            ],
        )

    @classmethod
    def execute(cls, vae, latent, feather, image=None, mask=None, trace=None) -> io.NodeOutput:
        samples = latent["samples"]
        size = latent.get(host.SIZE, (samples.shape[-1] * 8, samples.shape[-2] * 8))
        result = host.to_pillow(host.decode(vae, samples, size))
        if image is not None and mask is not None:
            original = host.to_pillow(host.one_picture(image))
            if original.size != result.size:
                raise ValueError(
                    f"`image` is {original.width}x{original.height} but the edit {result.width}x{result.height}; "
                    "connect the picture that was inverted"
                )
            result = paste_outside(result, original, host.one_mask(mask, size).cpu().numpy() > 0, feather)
        overlay, frames = result, [result]
        if trace is not None:
            overlay = draw_result(result, trace.trace)
            frames = [
                draw_result(host.to_pillow(host.decode(vae, frame, size)), trace.trace, operation)
                for operation, frame in trace.frames
            ] + [overlay]
        image_out = host.to_images([result])
        shown = {}
        if trace is not None:
            after = {"image": host.temporary(image_out, cls), "points": points_for_page(trace.trace.points)}
            shown = {"gooddrag_after": [after]}
        trajectory = torch.cat([host.to_images([f]) for f in frames])
        return io.NodeOutput(image_out, host.to_images([overlay]), trajectory, ui=shown)
