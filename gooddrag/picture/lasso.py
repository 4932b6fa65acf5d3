"""The inside of a lasso's outline, by rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from .value import Point
from .work import Work

KIND = "lasso outlines"
OUTLINE, EDGE, CROSSING, PIXEL = 900_000, 60, 30, 3.5  # costs, see ``work``
BAND = 1 << 20  # pixels at once
CROSSINGS = 1 << 20  # at once


def inside(points: Sequence[Point], width: int, height: int, work: Work) -> Iterator[tuple[slice, slice, np.ndarray]]:
    """Bands of rows and columns of the picture with what is inside of the outline there, bool.

    Even-odd: a pixel is inside if a ray to the right crosses the outline an odd number of times.
    """
    work.spend(OUTLINE, KIND)
    x0, y0 = np.array(points, np.float64).T
    dx, dy = np.roll(x0, -1) - x0, np.roll(y0, -1) - y0
    y1 = np.roll(y0, -1)
    left, right = (int(min(max(v, 0), width)) for v in (np.floor(x0.min()), np.ceil(x0.max()) + 1))
    top, bottom = (int(min(max(v, 0), height)) for v in (np.ceil(y0.min()), np.ceil(y0.max())))
    if left >= right:
        return
    columns, one = right - left, np.uint8(1)
    step = max(1, BAND // (columns + 1))
    for start in range(top, bottom, step):
        stop = min(start + step, bottom)
        rows = stop - start
        work.spend(PIXEL * rows * columns + EDGE * len(x0), KIND)
        # an edge crosses the rows from the first at or below its upper end to the last above its lower end
        first = np.clip(np.ceil(np.minimum(y0, y1)), start, stop).astype(np.int64)
        count = np.clip(np.ceil(np.maximum(y0, y1)), start, stop).astype(np.int64) - first
        odd = np.zeros(rows * (columns + 1), np.uint8)
        edges = np.flatnonzero(count)
        ends = np.cumsum(count[edges])
        for part in np.split(edges, np.searchsorted(ends, np.arange(CROSSINGS, count.sum(), CROSSINGS))):
            many = count[part]
            work.spend(CROSSING * int(many.sum()), KIND)
            edge = np.repeat(part, many)
            row = np.arange(len(edge)) - np.repeat(np.cumsum(many) - many, many) + first[edge]
            cross = x0[edge] + (row - y0[edge]) * dx[edge] / dy[edge]
            col = np.clip(np.ceil(cross), left, right).astype(np.int64) - left  # the pixels before it change sides
            np.add.at(odd, (row - start) * (columns + 1) + col, one)
        # from the right, so that a pixel counts the crossings beyond it
        parity = np.bitwise_xor.accumulate((odd & 1).reshape(rows, columns + 1)[:, :0:-1], axis=1)[:, ::-1]
        yield slice(start, stop), slice(left, right), parity.view(bool)
