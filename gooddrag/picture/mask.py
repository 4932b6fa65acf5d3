"""The mask that the editor's shapes describe, as pixels.

A pixel is judged at its centre, which has whole coordinates. ``web/points/raster.mjs`` does the same arithmetic for the
page; a test compares the two.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from . import morphology, tiles
from .lasso import inside
from .value import Shape
from .work import Work, nothing

STEP = 1  # what a step costs for a pixel, see ``work``


def rasterise(shapes: Sequence[Shape], width: int, height: int, check: Callable[[], None] = nothing) -> np.ndarray:
    """Draw the shapes in their order on an empty mask: ``(height, width)`` float32 in 0..1, 1 is fully editable.

    ``check`` is called many times a second and may raise, which ends the drawing. Raises ``ValueError`` when the shapes
    would take longer than about two seconds; see ``work``.
    """
    return _Drawing(width, height, Work((width, height), check)).draw(shapes)


class _Drawing:
    """A mask while it is drawn, with sides that are multiples of a tile. It holds ``1 - mask`` while ``inverted``, so
    that inverting costs nothing and brushes add where they would erase."""

    def __init__(self, width: int, height: int, work: Work):
        self.size, self.work = (width, height), work
        self.mask = np.zeros([math.ceil(side / tiles.TILE) * tiles.TILE for side in (height, width)], np.float32)
        self.inverted = False

    def draw(self, shapes: Sequence[Shape]) -> np.ndarray:
        # what lies below a fill is not seen
        whole = max((i for i, s in enumerate(shapes) if s.kind in ("fill", "clear")), default=-1)
        self.inverted = whole >= 0 and shapes[whole].kind == "fill"
        waiting: list[tuple[Shape, bool]] = []
        for shape in shapes[whole + 1 :]:
            if shape.kind in ("brush", "rectangle"):
                waiting.append((shape, shape.erase != self.inverted))
            elif shape.kind == "invert":
                self.inverted = not self.inverted
            else:
                self.paint(waiting)
                waiting = []
                if shape.kind == "grow":
                    self.grow(shape.size)
                else:
                    self.lasso(shape)
        self.paint(waiting)
        mask = self.mask[: self.size[1], : self.size[0]]
        return 1 - mask if self.inverted else np.ascontiguousarray(mask)

    def paint(self, shapes: list[tuple[Shape, bool]]) -> None:
        if shapes:
            tiles.paint(self.mask, shapes, self.work)

    def lasso(self, shape: Shape) -> None:
        for rows, cols, region in inside(shape.points, *self.size, self.work):
            np.copyto(self.mask[rows, cols], shape.erase == self.inverted, where=region)

    def grow(self, radius: float) -> None:
        mask = self.mask[: self.size[1], : self.size[0]]
        self.work.spend(STEP * mask.size, morphology.KIND)
        region = mask < 1 if self.inverted else mask > 0
        mask[:] = morphology.grow(region, radius, self.work)
        self.inverted = False


def combine(drawn: np.ndarray | None, given: np.ndarray | None, mode: str) -> np.ndarray | None:
    """The editor's mask and a connected one, each ``(height, width)`` in 0..1 or None, as one; None edits everything."""
    if drawn is None or given is None:
        return given if drawn is None else drawn
    if mode == "union":
        return np.maximum(drawn, given)
    return np.minimum(drawn, given) if mode == "intersect" else drawn
