"""GoodDrag Decode: the edited picture in its exact size, and what happened drawn on it."""

from collections.abc import Iterator

from comfy_api.v0_0_2 import io
from PIL import Image

from ..gooddrag.overlay import draw_result, paste_outside
from . import host, latents, masks, notices, pictures
from .types import CATEGORY, TraceType, TraceValue, points_for_page, several


class Decode(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="GoodDrag_Decode",
            display_name="GoodDrag Decode",
            category=CATEGORY,
            description="Decodes the edited latent and crops it to the size of the original picture, or of its enlargement. "
            "With `image` and `mask` the original's own pixels are put back outside the mask; with `trace` the handles' paths are "
            "drawn.",
            search_aliases=["vae decode", "drag"],
            inputs=[
                io.Vae.Input("vae", tooltip="The VAE that belongs to the model."),
                io.Latent.Input("latent", tooltip="From GoodDrag Sampler, also enlarged or refined by other nodes."),
                io.Image.Input(
                    "image",
                    optional=True,
                    tooltip="The original. With a mask, its pixels replace the decoded ones outside.",
                ),
                io.Mask.Input(
                    "mask", optional=True, tooltip="White is taken from the edit, black from `image`, grey is blended."
                ),
                TraceType.Input("trace", optional=True, tooltip="From GoodDrag Sampler, for the two other pictures."),
                io.Int.Input(
                    "feather",
                    default=4,
                    min=0,
                    max=64,
                    tooltip="Pixels over which edit and original are blended at the mask's hard edges; 0 leaves them hard.",
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
        results = host.to_pillow_list(latents.without_padding(host.decode(vae, latent["samples"]), latent))
        size = results[0].size
        mask = masks.given(mask, size)
        if mask is not None and image is None:
            notices.tell(
                "`mask` does nothing without `image`: connect the original, whose pixels are put back outside."
            )
        elif mask is not None:
            masks.editable(mask)
            original = host.to_pillow(pictures.one(image))
            if original.size != size:
                raise ValueError(
                    f"`image` is {original.width}x{original.height} but the edit {size[0]}x{size[1]}; connect the picture that was "
                    "inverted, scaled like the latent (ImageScale) if that was scaled, or none"
                )
            results = [paste_outside(result, original, mask.cpu().numpy(), feather) for result in results]
        image_out = host.to_images(results)
        overlays, frames, shown = results, results, {}
        traces = () if trace is None else several(trace)
        if traces and len(traces) != len(results):
            raise ValueError(
                f"`latent` holds {len(results)} pictures but `trace` is of {len(traces)}; connect both to the same sampler, or no "
                "`trace` behind nodes that change the batch"
            )
        if traces and not latents.belongs(latent["samples"], _size(traces[0])):
            notices.tell(
                "`latent` was cut, turned or made smaller, so that the paths of `trace` cannot be drawn on it."
            )
        elif traces:
            overlays = [draw_result(result, t.trace) for result, t in zip(results, traces)]
            frames = []
            for overlay, t in zip(overlays, traces):
                frames += [draw_result(frame.resize(size), t.trace, n) for n, frame in _frames(vae, t)]
                frames.append(overlay)
            after = {"image": host.temporary(image_out[-1:], cls), "points": points_for_page(traces[-1].trace.points)}
            shown = {"gooddrag_after": [after]}
        return io.NodeOutput(image_out, host.to_images(overlays), host.to_images(frames), ui=shown)


def _size(trace: TraceValue) -> tuple[int, int]:
    return trace.trace.points.width, trace.trace.points.height


def _frames(vae, trace: TraceValue) -> Iterator[tuple[int, Image.Image]]:
    """The picture after each denoising step that was dragged, with the drag operations so far."""
    for operation, z in trace.frames:
        latent = {"samples": z, latents.SIZE: _size(trace)}
        yield operation, host.to_pillow(latents.without_padding(host.decode(vae, z), latent))
