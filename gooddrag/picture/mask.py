"""The mask that the editor's shapes describe, as pixels.

A pixel is judged at its centre, which has whole coordinates. ``web/points/raster.mjs`` does the same arithmetic for the
page; a test compares the two.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np

from .value import Point, Shape


def rasterise(shapes: Sequence[Shape], width: int, height: int) -> np.ndarray:
    """Draw the shapes in their order on an empty mask: ``(height, width)`` float32 in 0..1, 1 is fully editable."""
    mask = np.zeros((height, width), np.float32)
    for shape in shapes:
        if shape.kind == "fill":
            mask[:] = 1
        elif shape.kind == "clear":
            mask[:] = 0
        elif shape.kind == "invert":
            np.subtract(1, mask, out=mask)
        elif shape.kind == "grow":
            mask = grow(mask > 0, shape.size).astype(np.float32)
        else:
            _DRAW[shape.kind](mask, shape)
    return mask


def combine(drawn: np.ndarray | None, given: np.ndarray | None, mode: str) -> np.ndarray | None:
    """The editor's mask and a connected one, each ``(height, width)`` in 0..1 or None, as one; None edits everything."""
    if drawn is None or given is None:
        return given if drawn is None else drawn
    if mode == "union":
        return np.maximum(drawn, given)
    return np.minimum(drawn, given) if mode == "intersect" else drawn


def _box(mask: np.ndarray, points: Sequence[Point], margin: float) -> tuple[slice, slice]:
    """The part of the mask around ``points``, a whole pixel wider than ``margin``."""
    xs, ys = [p[0] for p in points], [p[1] for p in points]

    def span(low: float, high: float, limit: int) -> slice:
        start = int(min(max(np.floor(low - margin), 0), limit))
        return slice(start, max(start, int(min(max(np.ceil(high + margin) + 1, 0), limit))))

    return span(min(ys), max(ys), mask.shape[0]), span(min(xs), max(xs), mask.shape[1])


def _blend(area: np.ndarray, alpha: np.ndarray, erase: bool) -> None:
    if erase:
        np.minimum(area, 1 - alpha, out=area)
    else:
        np.maximum(area, alpha, out=area)


def _brush(mask: np.ndarray, shape: Shape) -> None:
    radius = shape.size / 2
    core = radius * shape.hardness
    points = shape.points if len(shape.points) > 1 else shape.points * 2
    for (x0, y0), (x1, y1) in itertools.pairwise(points):
        rows, cols = _box(mask, ((x0, y0), (x1, y1)), radius)
        px = np.arange(cols.start, cols.stop)[None, :] - x0
        py = np.arange(rows.start, rows.stop)[:, None] - y0
        dx, dy = x1 - x0, y1 - y0
        length = dx * dx + dy * dy
        t = np.clip((px * dx + py * dy) / length, 0, 1) if length > 0 else 0.0
        distance = np.sqrt((px - t * dx) ** 2 + (py - t * dy) ** 2)
        if shape.hardness >= 1:
            alpha = (distance <= radius).astype(np.float32)
        else:
            alpha = np.clip((radius - distance) / (radius - core), 0, 1).astype(np.float32)
        _blend(mask[rows, cols], alpha, shape.erase)


def _lasso(mask: np.ndarray, shape: Shape) -> None:
    """Even-odd: a pixel is inside if a ray to the right crosses the outline an odd number of times."""
    rows, cols = _box(mask, shape.points, 0)
    x = np.arange(cols.start, cols.stop)[None, :]
    y = np.arange(rows.start, rows.stop)[:, None]
    inside = np.zeros((y.shape[0], x.shape[1]), bool)
    for (x0, y0), (x1, y1) in zip(shape.points, (*shape.points[1:], shape.points[0])):
        if y0 == y1:
            continue
        crosses = (y0 <= y) != (y1 <= y)
        inside ^= crosses & (x0 + (y - y0) * (x1 - x0) / (y1 - y0) > x)
    _blend(mask[rows, cols], inside.astype(np.float32), shape.erase)


def _rectangle(mask: np.ndarray, shape: Shape) -> None:
    rows, cols = _box(mask, shape.points, 0)
    (x0, x1), (y0, y1) = (sorted(p[i] for p in shape.points) for i in (0, 1))
    x = np.arange(cols.start, cols.stop)[None, :]
    y = np.arange(rows.start, rows.stop)[:, None]
    inside = (x >= x0) & (x <= x1) & (y >= y0) & (y <= y1)
    _blend(mask[rows, cols], inside.astype(np.float32), shape.erase)


_DRAW = {"brush": _brush, "lasso": _lasso, "rectangle": _rectangle}


def grow(region: np.ndarray, radius: float) -> np.ndarray:
    """``region`` ``(h, w)`` bool and all pixels within ``radius`` of it; a negative radius takes away what is within
    its size of the outside. The picture's border is no outside."""
    if radius < 0:
        return ~grow(~region, -radius)
    if radius < 1 or not region.any():
        return region.copy()
    height, width = region.shape
    # vertical distance to the nearest pixel of the region, then the circle column by column
    far = height + width
    vertical = np.where(region, 0, far).astype(np.int32)
    for y in range(1, height):
        np.minimum(vertical[y], vertical[y - 1] + 1, out=vertical[y])
    for y in range(height - 2, -1, -1):
        np.minimum(vertical[y], vertical[y + 1] + 1, out=vertical[y])
    square = vertical.astype(np.float64) ** 2
    grown = square <= radius * radius
    for dx in range(1, int(radius) + 1):
        near = square <= radius * radius - dx * dx
        if dx < width:
            grown[:, dx:] |= near[:, :-dx]
            grown[:, :-dx] |= near[:, dx:]
    return grown
