"""GoodDrag Compare: pictures under a slider in the node, and all of them in a labelled grid."""

import math
import string

import numpy as np
import torch
from comfy_api.v0_0_2 import io
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from . import host, notices, pictures
from .types import CATEGORY

SOCKETS = string.ascii_lowercase[:6]
MOST = 36
"""Pictures in all."""
GROUND, INK = (24, 25, 28), (235, 235, 235)


class Compare(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        more = f"Another one, up to {len(SOCKETS)}; a batch counts as so many pictures."
        return io.Schema(
            node_id="GoodDrag_Compare",
            display_name="GoodDrag Compare",
            category=CATEGORY,
            description="Lays two pictures over each other with a slider between them, in the node. All that are connected come "
            "out as one grid, each with its label.",
            search_aliases=["compare", "slider", "before after", "grid", "side by side"],
            is_output_node=True,
            inputs=[
                io.Image.Input("a", tooltip="The first picture, at the left of the slider."),
                io.Image.Input("b", tooltip="The second, at its right."),
                *(io.Image.Input(name, optional=True, tooltip=more) for name in SOCKETS[2:]),
                io.String.Input(
                    "labels",
                    multiline=True,
                    default="",
                    tooltip="One line for each picture; those without have the name of their socket.",
                ),
                io.Int.Input(
                    "columns",
                    default=0,
                    min=0,
                    max=MOST,
                    tooltip="Of the grid; 0 takes as many as make it about square.",
                ),
            ],
            outputs=[io.Image.Output(display_name="grid", tooltip="All pictures, each in the size of the first.")],
        )

    @classmethod
    @notices.shown
    def execute(cls, a, b, labels="", columns=0, **more) -> io.NodeOutput:
        given = {"a": a, "b": b, **{name: more[name] for name in SOCKETS[2:] if more.get(name) is not None}}
        shown, names = [], []
        for name, images in given.items():
            batch = pictures.each(images, name)
            shown += batch
            names += [name] if len(batch) == 1 else [f"{name} {i}" for i in range(1, len(batch) + 1)]
        if len(shown) > MOST:
            raise ValueError(
                f"there are {len(shown)} pictures; {MOST} can be compared, so connect fewer or take some of a batch"
            )
        lines = labels.splitlines()
        if len(lines) > len(names):
            notices.tell(f"`labels` has {len(lines)} lines for {len(names)} pictures; the last ones are left out.")
        names = [lines[i].strip() if i < len(lines) and lines[i].strip() else name for i, name in enumerate(names)]
        page = [{"image": host.temporary(picture, cls), "label": label} for picture, label in zip(shown, names)]
        return io.NodeOutput(_grid(shown, names, columns), ui={"gooddrag_compare": page})


def _grid(shown: list[Tensor], names: list[str], columns: int) -> Tensor:
    width, height = shown[0].shape[2], shown[0].shape[1]
    columns = min(columns or math.ceil(math.sqrt(len(shown))), len(shown))
    gap, font = max(4, width // 64), ImageFont.load_default(max(11, min(width, height) // 20))
    strip = math.ceil(font.size * 1.7)
    rows = math.ceil(len(shown) / columns)
    grid = Image.new("RGB", (gap + columns * (width + gap), gap + rows * (height + strip + gap)), GROUND)
    draw = ImageDraw.Draw(grid)
    for i, (picture, name) in enumerate(zip(shown, names)):
        x, y = gap + i % columns * (width + gap), gap + i // columns * (height + strip + gap)
        fitted = _within(host.to_pillow(picture), (width, height))
        grid.paste(fitted, (x + (width - fitted.width) // 2, y + (height - fitted.height) // 2))
        draw.text((x + width / 2, y + height + strip / 2), _cut(name, font, width), INK, font, anchor="mm")
    return torch.from_numpy(np.asarray(grid).astype(np.float32) / 255)[None]


def _within(picture: Image.Image, size: tuple[int, int]) -> Image.Image:
    scale = min(size[0] / picture.width, size[1] / picture.height)
    fitted = (max(1, round(scale * picture.width)), max(1, round(scale * picture.height)))
    return picture if picture.size == fitted else picture.resize(fitted, Image.Resampling.LANCZOS)


def _cut(name: str, font: ImageFont.FreeTypeFont, width: int) -> str:
    """What of a label fits."""
    if font.getlength(name) <= width:
        return name
    while name and font.getlength(f"{name}..") > width:
        name = name[:-1]
    return f"{name}.."
