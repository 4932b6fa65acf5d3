"""GoodDrag Decode: the edited picture in its exact size, and what happened drawn on it."""

from collections.abc import Iterator

import torch
import torch.nn.functional as F
from comfy_api.v0_0_2 import io
from comfy_execution.graph_utils import ExecutionBlocker
from PIL import Image
from torch import Tensor

from ..gooddrag.overlay import draw_result
from ..gooddrag.picture import seam
from . import host, latents, masks, notices, pictures
from .types import CATEGORY, TraceType, TraceValue, points_for_page, several

NO_SOURCE = "`source` of GoodDrag Decode is the picture undragged, which `trace` brings: connect GoodDrag Sampler's"


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
                    default=seam.FEATHER,
                    min=0,
                    max=64,
                    tooltip="Pixels inside the mask's hard edges over which edit and original are blended; 0 leaves them hard.",
                ),
            ],
            outputs=[
                io.Image.Output(display_name="image"),
                io.Image.Output(
                    display_name="overlay", tooltip="The result with targets (rings), handles (dots) and their paths."
                ),
                io.Image.Output(
                    display_name="trajectory",
                    tooltip="A batch: the picture after each denoising step that was dragged; of variants one after the other. For "
                    "Save Animated WEBP, or Create Video.",
                ),
                io.Image.Output(
                    display_name="source",
                    tooltip="The picture undragged, as the model draws it: what differs in `image` was dragged. Needs `trace`.",
                ),
            ],
        )

    @classmethod
    @notices.shown
    def execute(cls, vae, latent, feather, image=None, mask=None, trace=None) -> io.NodeOutput:
        samples = latents.samples(latent)
        images = latents.without_padding(host.decode(vae, samples), {**latent, "samples": samples}).float().clamp(0, 1)
        size = (images.shape[2], images.shape[1])
        original = None if image is None else _original(image, size)
        mask, traces = masks.given(mask, size), () if trace is None else several(trace)
        if mask is not None and original is None:
            notices.tell(
                "`mask` does nothing without `image`: connect the original, whose pixels are put back outside."
            )
        elif mask is not None:
            if traces and traces[0].kept is not None and latents.belongs(samples, _size(traces[0])):
                kept = F.interpolate(traces[0].kept[None, None], mask.shape, mode="nearest")[0, 0]
                mask = torch.maximum(mask, kept.to(mask))
            images = seam.pasted(images, original.to(images), seam.share(mask.to(images), feather))
        overlays, trajectory, shown = images, images, {}
        source: Tensor | ExecutionBlocker = ExecutionBlocker(NO_SOURCE)
        if traces and len(traces) != len(images):
            raise ValueError(
                f"`latent` holds {len(images)} pictures but `trace` is of {len(traces)}; connect both to the same sampler, or no "
                "`trace` behind nodes that change the batch"
            )
        if traces and not latents.belongs(samples, _size(traces[0])):
            notices.tell(
                "`latent` was cut, turned or made smaller, so that the paths of `trace` cannot be drawn on it."
            )
        elif traces:
            drawn: list[Image.Image] = []
            frames: list[Image.Image] = []
            for number, (result, t) in enumerate(zip(host.to_pillow_list(images), traces), 1):
                title = f"{number} of {len(traces)}" if len(traces) > 1 else ""
                drawn.append(draw_result(result, t.trace, title=title))
                frames += [draw_result(frame.resize(size), t.trace, n, title) for n, frame in _frames(vae, t)]
                frames.append(drawn[-1])
            overlays, trajectory = host.to_images(drawn), _even(host.to_images(frames))
            after = {"image": host.temporary(images[-1:], cls), "points": points_for_page(traces[-1].placed)}
            shown = {"gooddrag_after": [after]}
        if traces:
            source = _decoded(vae, traces[-1], traces[-1].source).float().clamp(0, 1)
        return io.NodeOutput(images, overlays, trajectory, source, ui=shown)


def _original(image: Tensor, size: tuple[int, int]) -> Tensor:
    """The picture whose pixels may be put back. Raises ``ValueError`` for one that is not as large as the edit."""
    original = pictures.one(image)
    height, width = original.shape[1:3]
    if (width, height) != size:
        raise ValueError(
            f"`image` is {width}x{height} but the edit {size[0]}x{size[1]}; connect the picture that was "
            "inverted, scaled like the latent (ImageScale) if that was scaled, or none; GoodDrag Carry Back "
            "puts the edit into a larger one"
        )
    return original


def _size(trace: TraceValue) -> tuple[int, int]:
    return trace.trace.points.width, trace.trace.points.height


def _frames(vae, trace: TraceValue) -> Iterator[tuple[int, Image.Image]]:
    """The picture after each denoising step that was dragged, with the drag operations so far."""
    for operation, z in trace.frames:
        host.check_interrupted()
        yield operation, host.to_pillow(_decoded(vae, trace, z))


def _decoded(vae, trace: TraceValue, z: Tensor) -> Tensor:
    """A latent of the run that ``trace`` is of, as ``(1, H, W, 3)``."""
    return latents.without_padding(host.decode(vae, z), {"samples": z, latents.SIZE: _size(trace)})


def _even(images: Tensor) -> Tensor:
    """Pictures ``(b, H, W, 3)`` as video codecs take them, with the last row and column repeated where sides are odd."""
    height, width = images.shape[1:3]
    return F.pad(images.movedim(-1, 1), (0, width % 2, 0, height % 2), mode="replicate").movedim(1, -1)
