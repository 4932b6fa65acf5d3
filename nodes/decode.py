"""GoodDrag Decode: the edited picture in its exact size, and what happened drawn on it."""

from comfy_api.v0_0_2 import io

from ..gooddrag.overlay import draw_result, paste_outside
from . import host, notices
from .types import CATEGORY, TraceType, points_for_page, several


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
                    tooltip="A batch: the picture after each denoising step that was dragged; of variants one after the other.",
                ),
            ],
        )

    @classmethod
    @notices.shown
    def execute(cls, vae, latent, feather, image=None, mask=None, trace=None) -> io.NodeOutput:
        samples = latent["samples"]
        size = latent.get(host.SIZE, (samples.shape[-1] * 8, samples.shape[-2] * 8))
        results = host.to_pillow_list(host.decode(vae, samples, size))
        if image is not None and mask is not None:
            original = host.to_pillow(host.one_picture(image))
            if original.size != size:
                raise ValueError(
                    f"`image` is {original.width}x{original.height} but the edit {size[0]}x{size[1]}; "
                    "connect the picture that was inverted"
                )
            inside = host.one_mask(mask, size).cpu().numpy() > 0
            results = [paste_outside(result, original, inside, feather) for result in results]
        image_out = host.to_images(results)
        overlays, frames, shown = results, results, {}
        if trace is not None:
            traces = several(trace)
            if len(traces) != len(results):
                raise ValueError(
                    f"`latent` holds {len(results)} pictures but `trace` is of {len(traces)}; connect both to the same sampler"
                )
            overlays = [draw_result(result, t.trace) for result, t in zip(results, traces)]
            frames = []
            for overlay, t in zip(overlays, traces):
                for operation, frame in t.frames:
                    frames.append(draw_result(host.to_pillow(host.decode(vae, frame, size)), t.trace, operation))
                frames.append(overlay)
            after = {"image": host.temporary(image_out[-1:], cls), "points": points_for_page(traces[-1].trace.points)}
            shown = {"gooddrag_after": [after]}
        return io.NodeOutput(image_out, host.to_images(overlays), host.to_images(frames), ui=shown)
