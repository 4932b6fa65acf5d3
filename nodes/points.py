"""GoodDrag Points: the editor of what is dragged, where to, and which region may change."""

import numpy as np
import torch
from comfy_api.v0_0_2 import io

from ..gooddrag.overlay import draw_points
from ..gooddrag.picture.geometry import DragPoints, check_fit, protected_handles
from ..gooddrag.picture.region import editable
from ..gooddrag.picture.value import EXAMPLE, is_anchor, parse
from . import host, masks, notices, pictures
from .types import CATEGORY, DragPointsType

ALIASES = [
    *("drag points", "handles", "targets", "points editor", "mask editor", "move part of image", "move object", "pose"),
    *("puppet", "puppet warp", "warp", "liquify", "deform", "drag edit", "anchor", "pin"),
]


class Points(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="GoodDrag_Points",
            display_name="GoodDrag Points",
            category=CATEGORY,
            description="An editor on the picture: drag arrows from handles to targets, and paint the region that may change.",
            search_aliases=ALIASES,
            inputs=[
                io.Image.Input("image", tooltip="The picture that the points are placed on."),
                io.Mask.Input(
                    "mask",
                    optional=True,
                    tooltip="White may change, black stays. Combined with what is painted in the editor. Resized if it has "
                    "another size. Without either the region around the arrows may change. With a suggestion connected it "
                    "belongs to that, and is left out when you draw arrows of your own.",
                ),
                DragPointsType.Input(
                    "suggestion",
                    optional=True,
                    tooltip="Used while there are no arrows, for example the demo scene's own drag.",
                ),
                io.String.Input(
                    "json",
                    optional=True,
                    force_input=True,
                    tooltip=f"Replaces what is in the editor, for driving the node from others. For example {EXAMPLE}",
                ),
                io.String.Input(
                    "points",
                    default="",
                    socketless=True,
                    extra_dict={"widgetType": "GOODDRAG_EDITOR"},  # no tooltip: it would hang over the picture
                ),
            ],
            outputs=[
                DragPointsType.Output(display_name="points"),
                io.Mask.Output(
                    display_name="mask",
                    tooltip="The region that may change: around the arrows, unless you paint or connect another, or choose "
                    "the whole picture.",
                ),
                io.Image.Output(display_name="overlay", tooltip="The picture with the arrows drawn on it."),
            ],
        )

    @classmethod
    @notices.shown
    def execute(cls, image, points, mask=None, suggestion=None, json=None) -> io.NodeOutput:
        image = pictures.one(image)
        suggestion = None if suggestion is None else host.one_drag(suggestion, "suggestion")
        size = (image.shape[2], image.shape[1])
        value = parse(points if json is None else json)
        placed = DragPoints.from_value_or(value, suggestion, *size)
        # a demo scene's mask fits its own drag; around another one it would protect what shall move
        own = any(not p.off and not is_anchor(p.handle, p.target) for p in value.pairs)
        given = None if suggestion is not None and own else masks.given(mask, size)
        check_fit(placed, given, size)

        arrows = zip(placed.handles, placed.targets)
        region = editable(value, arrows, None if given is None else given.cpu().numpy(), *size, host.check_interrupted)
        region = np.ones(size[::-1], np.float32) if region is None else region.astype(np.float32)
        out = torch.from_numpy(region)
        may_change = masks.editable(out)
        check_fit(placed, may_change, size)
        overlay = host.to_images([draw_points(host.to_pillow(image), placed, may_change.numpy() > 0)])
        arrived = {
            "image": host.temporary(image, cls),
            "protected": protected_handles(placed, may_change),
            "mask": None if given is None else host.temporary_shade(given, cls),
            "suggestion": []
            if suggestion is None
            else [{"handle": h, "target": t} for h, t in zip(suggestion.handles, suggestion.targets)],
        }
        return io.NodeOutput(placed, out[None], overlay, ui={"gooddrag_points": [arrived]})
