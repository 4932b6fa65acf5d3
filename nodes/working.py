"""Large pictures: GoodDrag Fit makes the working picture, GoodDrag Carry Back puts its edit into the whole one."""

import torch
from comfy_api.v0_0_2 import io

from ..gooddrag.picture import seam
from ..gooddrag.picture.geometry import MIN_SIDE
from ..gooddrag.picture.working import carried_back, resized, working_size
from . import masks, notices, pictures
from .types import CATEGORY


class Fit(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="GoodDrag_Fit",
            display_name="GoodDrag Fit",
            category=CATEGORY,
            description="Makes a large picture as small as the model likes it, for LoRA Tune and DDIM Inversion. Points and mask "
            "stay on the large picture; GoodDrag Carry Back puts the edit into it.",
            search_aliases=["resize", "working size", "large photo", "high resolution"],
            inputs=[
                io.Image.Input("image", tooltip="The large picture. One that is small enough is handed on as it is."),
                io.Int.Input(
                    "size",
                    default=768,
                    min=MIN_SIDE,
                    max=8192,
                    step=8,
                    tooltip="The picture gets as many pixels as a square with this side has. 768 and less for Stable "
                    "Diffusion 1.x, 1024 for SDXL. Higher keeps more detail of what moves, and needs more memory.",
                ),
            ],
            outputs=[io.Image.Output(display_name="image", tooltip="For LoRA Tune and DDIM Inversion.")],
        )

    @classmethod
    @notices.shown
    def execute(cls, image, size) -> io.NodeOutput:
        image = pictures.one(image).movedim(-1, 1)
        small = working_size((image.shape[-1], image.shape[-2]), size)
        return io.NodeOutput(resized(image, small).clamp(0, 1).movedim(1, -1).contiguous())


class CarryBack(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="GoodDrag_CarryBack",
            display_name="GoodDrag Carry Back",
            category=CATEGORY,
            description="Puts the edit of a smaller picture into the whole one: inside the mask enlarged where something changed, "
            "elsewhere the original with all its detail; outside the mask to the last bit.",
            search_aliases=["paste", "stitch", "upscale", "full resolution", "large photo"],
            inputs=[
                io.Image.Input("image", tooltip="The large original, as GoodDrag Fit got it."),
                io.Image.Input("edited", tooltip="From GoodDrag Decode, at any size: also enlarged by a model."),
                io.Mask.Input(
                    "mask",
                    optional=True,
                    tooltip="From GoodDrag Points: white is taken from the edit, black from `image`. Without it all is the edit.",
                ),
                io.Int.Input(
                    "feather",
                    default=seam.FEATHER,
                    min=0,
                    max=64,
                    tooltip="Pixels of `edited`, inside the mask's hard edges, over which edit and original are blended.",
                ),
                io.Image.Input(
                    "source",
                    optional=True,
                    tooltip="From GoodDrag Decode: the original's detail stays wherever `edited` is the same, whatever both "
                    "have lost in the VAE.",
                ),
            ],
            outputs=[io.Image.Output(display_name="image", tooltip="In the original's size.")],
        )

    @classmethod
    @notices.shown
    def execute(cls, image, edited, feather, mask=None, source=None) -> io.NodeOutput:
        original = pictures.one(image)
        mask = masks.given(mask, (original.shape[2], original.shape[1]))
        edits = [e.movedim(-1, 1) for e in pictures.each(edited, "edited")]
        height, width = edits[0].shape[-2:]
        if min(width, height) < MIN_SIDE and min(original.shape[1:3]) > min(width, height):
            notices.tell(
                f"`edited` is {width}x{height}, smaller than any picture that is dragged ({MIN_SIDE} a side), so that the edit is "
                "nearly flat: connect GoodDrag Decode's."
            )
        if source is not None:
            source = pictures.one(source, "source").to(original).movedim(-1, 1)
        original = original.movedim(-1, 1)
        try:
            full = [carried_back(e.to(original), original, mask, feather, source)[0] for e in edits]
        except ValueError as error:
            raise ValueError(f"{error}: `edited` and `source` come from what GoodDrag Fit made of `image`") from None
        return io.NodeOutput(torch.stack(full).movedim(1, -1).contiguous())
