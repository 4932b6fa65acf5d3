"""GoodDrag Points: what is dragged, and where to."""

import numpy as np
import torch
from comfy_api.v0_0_2 import io, ui

from ..gooddrag.geometry import DragPoints, check_fit
from ..gooddrag.overlay import draw_points
from ..gooddrag.value import EXAMPLE
from . import host
from .types import CATEGORY, DragPointsType


class Points(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="GoodDrag_Points",
            display_name="GoodDrag Points",
            category=CATEGORY,
            description="Pairs of a handle and the target it is dragged to, in pixels of the picture, and the region that may "
            "change.",
            search_aliases=["drag points", "handles", "targets"],
            inputs=[
                io.Image.Input("image", tooltip="The picture that the points are placed on."),
                io.Mask.Input(
                    "mask",
                    optional=True,
                    tooltip="White may change, black stays. Resized if it has another size. Without it the whole picture "
                    "may change.",
                ),
                DragPointsType.Input(
                    "suggestion",
                    optional=True,
                    tooltip="Used while the text below is empty, for example the demo scene's own drag.",
                ),
                io.String.Input(
                    "points",
                    multiline=True,
                    default="",
                    placeholder=EXAMPLE,
                    tooltip='JSON: {"pairs": [{"handle": [x, y], "target": [x, y]}]}, a plain list of pairs, or Drag100\'s '
                    '{"points": [handle, target, ..]}. In pixels from the top left corner.',
                ),
            ],
            outputs=[
                DragPointsType.Output(display_name="points"),
                io.Mask.Output(
                    display_name="mask", tooltip="The region that may change; all of the picture if none was given."
                ),
                io.Image.Output(display_name="overlay", tooltip="The picture with the arrows drawn on it."),
            ],
        )

    @classmethod
    def execute(cls, image, points, mask=None, suggestion=None) -> io.NodeOutput:
        image = host.one_picture(image)
        size = (image.shape[2], image.shape[1])
        if points.strip() or suggestion is None:
            points = DragPoints.from_json(points or "[]", *size)
        else:
            points = suggestion
        mask = host.one_mask(mask, size)
        check_fit(points, mask, size)
        editable = np.ones(size[::-1], bool) if mask is None else mask.cpu().numpy() > 0
        overlay = host.to_images([draw_points(host.to_pillow(image), points, editable)])
        out = torch.from_numpy(editable).float()[None]
        return io.NodeOutput(points, out, overlay, ui=ui.PreviewImage(overlay, cls=cls))
