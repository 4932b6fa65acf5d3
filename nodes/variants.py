"""GoodDrag Variants: one drag, by several lengths."""

import math

from comfy_api.v0_0_2 import io

from . import host, notices
from .types import CATEGORY, DragPointsType

MOST = 16
"""Pictures. A number that another node gives is not held to the widget's limits."""


class Variants(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="GoodDrag_Variants",
            display_name="GoodDrag Variants",
            category=CATEGORY,
            description="The same arrows, longer and shorter. The sampler drags all of them, as many at once as the memory holds, "
            "and gives a batch of pictures to choose from.",
            search_aliases=["drag variants", "drag sweep", "how far", "batch"],
            inputs=[
                DragPointsType.Input("points", tooltip="From GoodDrag Points."),
                io.Int.Input("count", default=4, min=1, max=MOST, tooltip="How many pictures."),
                io.Float.Input(
                    "shortest",
                    default=0.25,
                    min=0.0,
                    max=3.0,
                    step=0.05,
                    tooltip="Length of the arrows in the first picture: 1 is as they were drawn. Never less than a pixel.",
                ),
                io.Float.Input(
                    "longest",
                    default=1.0,
                    min=0.0,
                    max=3.0,
                    step=0.05,
                    tooltip="In the last picture; above 1 goes beyond the targets, up to the picture's border.",
                ),
            ],
            outputs=[
                DragPointsType.Output(
                    display_name="points", tooltip="For GoodDrag Sampler, whose outputs become batches."
                )
            ],
        )

    @classmethod
    @notices.shown
    def execute(cls, points, count, shortest, longest) -> io.NodeOutput:
        points = host.one_drag(points, "points")
        if not isinstance(count, int) or not 1 <= count <= MOST:
            raise ValueError(f"`count` is {count}, allowed are 1 to {MOST} pictures, a whole number")
        for name, length in {"shortest": shortest, "longest": longest}.items():
            if not math.isfinite(length):
                raise ValueError(f"`{name}` is {length}; give a share of the arrows' length, 1 for all of it")
        amounts = [longest - (longest - shortest) * i / max(count - 1, 1) for i in reversed(range(count))]
        return io.NodeOutput(tuple(points.lengthened(amount) for amount in amounts))
