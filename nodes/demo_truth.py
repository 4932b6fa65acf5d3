"""GoodDrag Demo Truth: the true result of a demo scene's drag, while that is the drag that was made."""

import numpy as np
import torch
from comfy_api.v0_0_2 import io
from PIL import Image, ImageDraw

from . import notices, pictures
from .types import CATEGORY, DragPointsType, several

UNKNOWN = "No truth is known\nfor a drag of your own."


class DemoTruth(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="GoodDrag_DemoTruth",
            display_name="GoodDrag Demo Truth",
            category=CATEGORY,
            description="Passes the true result of a demo scene's drag on, as long as that drag is the one that is made. "
            "For arrows of your own nobody knows the truth, and a picture says so.",
            search_aliases=["drag truth", "ground truth", "demo"],
            inputs=[
                io.Image.Input("truth", tooltip="From GoodDrag Demo Model."),
                DragPointsType.Input("suggestion", tooltip="The scene's own drag, from GoodDrag Demo Model."),
                DragPointsType.Input("points", tooltip="What is dragged, from GoodDrag Points or Variants."),
            ],
            outputs=[io.Image.Output(display_name="truth", tooltip="The truth, or a picture that says there is none.")],
        )

    @classmethod
    @notices.shown
    def execute(cls, truth, suggestion, points) -> io.NodeOutput:
        if suggestion in several(points):
            return io.NodeOutput(truth)
        truth = pictures.one(truth, "truth")
        return io.NodeOutput(_words(UNKNOWN, truth.shape[2], truth.shape[1]))


def _words(text: str, width: int, height: int) -> torch.Tensor:
    """A picture ``(1, height, width, 3)`` with a text in its middle."""
    picture = Image.new("RGB", (width, height), (38, 40, 46))
    ImageDraw.Draw(picture).multiline_text(
        (width / 2, height / 2), text, (220, 220, 220), anchor="mm", align="center", font_size=max(10, width // 14)
    )
    return torch.from_numpy(np.asarray(picture).astype(np.float32) / 255)[None]
