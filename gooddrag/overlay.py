"""Drawing what was asked and what was reached onto a picture."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from .method.trace import DragTrace
from .picture.geometry import DragPoints

COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#F0E442", "#FFFFFF")
"""Okabe and Ito's palette, which differs for colour-blind eyes too; pair i has colour i modulo 8."""


def colour(index: int) -> str:
    return COLOURS[index % len(COLOURS)]


def shade_outside(image: Image.Image, mask: np.ndarray) -> Image.Image:
    """Darken what may not change; ``mask`` ``(H, W)`` bool is True where it may."""
    dark = Image.blend(image, Image.new("RGB", image.size), 0.55)
    return Image.composite(image, dark, Image.fromarray(mask.astype(np.uint8) * 255))


def draw_points(image: Image.Image, points: DragPoints, mask: np.ndarray | None = None) -> Image.Image:
    """The picture with numbered arrows from handles to targets, a pin for each anchor, and what the mask protects darkened."""
    image = image.convert("RGB") if mask is None else shade_outside(image.convert("RGB"), mask)
    canvas, width = _Canvas(image), _line(image)
    for i, (handle, target, moves) in enumerate(zip(points.handles, points.targets, points.moving)):
        if moves:
            canvas.arrow(handle, target, colour(i), width)
            canvas.dot(handle, colour(i), 2.2 * width)
        else:
            canvas.pin(handle, colour(i), 2.2 * width)
        canvas.label(handle, str(i + 1))
    return image


def draw_result(image: Image.Image, trace: DragTrace, upto: int | None = None, title: str = "") -> Image.Image:
    """The picture with each target as a ring, or a pin where it is an anchor, the path of each handle, and its last place as a
    dot.

    ``upto`` draws the state after that many drag operations, ``title`` stands in the upper left corner. A picture that was scaled
    after the drag has the paths scaled alike.
    """
    image = image.convert("RGB")
    canvas, width = _Canvas(image), _line(image)
    scale = np.divide(image.size, (trace.points.width, trace.points.height))
    seen = [t.handles for t in trace.trackings if upto is None or t.operation <= upto]
    for i, moves in enumerate(trace.points.moving):
        path = [tuple(scale * handles[i]) for handles in (trace.points.handles, *seen)]
        target = scale * trace.points.targets[i]
        canvas.polyline(path, colour(i), max(1, width - 1))
        if moves:
            canvas.ring(target, colour(i), 3 * width, width)
        else:
            canvas.pin(target, colour(i), 2 * width)
        if moves or path[-1] != path[0]:
            canvas.dot(path[-1], colour(i), 2 * width)
        canvas.label(path[-1], str(i + 1))
    canvas.label((0, 0), title)
    return image


def _line(image: Image.Image) -> int:
    return max(2, round(min(image.size) / 160))


class _Canvas:
    """Strokes with a dark rim, so that they show on any picture."""

    def __init__(self, image: Image.Image):
        self.draw = ImageDraw.Draw(image)
        self.font = ImageFont.load_default(max(10, round(min(image.size) / 26)))

    def polyline(self, path, fill: str, width: int) -> None:
        if len(path) > 1:
            self.draw.line(path, fill="black", width=width + 2, joint="curve")
            self.draw.line(path, fill=fill, width=width, joint="curve")

    def arrow(self, start, end, fill: str, width: int) -> None:
        self.polyline([start, end], fill, width)
        way = np.subtract(end, start)
        length = float(np.hypot(*way))
        if length > 0:
            along = way / length * min(length, 4.5 * width)
            across = np.array((-along[1], along[0])) * 0.6
            head = [tuple(end), tuple(np.subtract(end, along) + across), tuple(np.subtract(end, along) - across)]
            self.draw.polygon(head, fill=fill, outline="black")

    def dot(self, at, fill: str, radius: float) -> None:
        x, y = at
        self.draw.ellipse([x - radius, y - radius, x + radius, y + radius], fill=fill, outline="black")

    def pin(self, at, fill: str, radius: float) -> None:
        """Its point is ``at`` the place, its head above."""
        x, y = at
        head = y - 2.5 * radius
        self.draw.polygon([(x - radius, head), (x + radius, head), (x, y)], fill=fill, outline="black")
        self.dot((x, head), fill, radius)

    def ring(self, at, fill: str, radius: float, width: int) -> None:
        x, y = at
        self.draw.ellipse([x - radius, y - radius, x + radius, y + radius], outline="black", width=width + 1)
        self.draw.ellipse([x - radius, y - radius, x + radius, y + radius], outline=fill, width=width)

    def label(self, at, text: str) -> None:
        offset = self.font.size * 0.45
        self.draw.text(
            (at[0] + offset, at[1] + offset), text, fill="white", font=self.font, stroke_width=2, stroke_fill="black"
        )
