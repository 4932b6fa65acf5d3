"""Brush strokes and rectangles, painted tile by tile: a pixel is looked at only where an edge passes near it.

Every segment of a stroke and every rectangle is a *figure* with a depth: how far inside it a place lies, in pixels,
negative outside. From one pixel to the next a depth changes by at most 1, so its value in the middle of a square bounds
it everywhere in the square. From a square around the picture downwards, a square that a figure fills is painted at once,
figures that would not show in it are left out there, and the rest goes on to its quarters.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from .value import Shape
from .work import Work

TILE = 16
"""Side of the squares in which pixels are looked at."""
SLACK = 1e-3  # pixels, so that rounding never leaves out what shows
EDGE = 1e-6  # pixels over which a hard edge falls off when figures are compared

KIND = "brush strokes and rectangles"
BATCH, PART, PAIR, RUN, SQUARE, LEAF = 1_100_000, 100_000, 140, 110_000, 5_500, 2_800  # costs, see ``work``
FILL, PIXEL = 1_500, 0.5
PAIRS, LEAVES = 1 << 16, 128  # at once


@dataclass(frozen=True)
class Figures:
    """``ends`` ``(n, 4)`` are x0, y0, x1, y1 of segments or of rectangles; ``radius`` ``(n,)`` is how far a segment
    reaches, ``fall`` ``(n,)`` the width of its soft edge, 0 if it is hard. Figures of one ``run`` ``(n,)`` follow each
    other and all add, or all erase if ``erase[run]``."""

    ends: np.ndarray
    radius: np.ndarray
    fall: np.ndarray
    rectangle: np.ndarray
    run: np.ndarray
    erase: np.ndarray

    @classmethod
    def of(cls, shapes: Sequence[tuple[Shape, bool]]) -> Figures:
        """Of brushes and rectangles, and whether each erases."""
        ends, counts = [], []
        for shape, _ in shapes:
            points = np.array(shape.points, np.float64)
            segments = np.hstack([points[:-1], points[1:]]) if len(points) > 1 else np.hstack([points, points])
            new = np.ones(len(segments), bool)
            new[1:] = (segments[1:] != segments[:-1]).any(1)
            ends.append(segments[new])
            counts.append(len(ends[-1]))
        radius = np.array([s.size / 2 for s, _ in shapes])
        core = radius * np.array([s.hardness for s, _ in shapes])
        soft = np.array([s.kind == "brush" and s.hardness < 1 for s, _ in shapes])
        erase = np.array([e for _, e in shapes])
        starts = np.flatnonzero(np.append(True, erase[1:] != erase[:-1]))
        run = np.searchsorted(starts, np.arange(len(shapes)), side="right") - 1
        columns = (radius, np.where(soft, radius - core, 0), np.array([s.kind == "rectangle" for s, _ in shapes]), run)
        return cls(np.vstack(ends), *(np.repeat(column, counts) for column in columns), erase[starts])

    def depth(self, which: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Of the figures ``which`` ``(n,)`` at places that broadcast to ``(n, ..)``."""
        lead = (slice(None), *(None,) * (x.ndim - 1))
        x0, y0, x1, y1 = (column[lead] for column in self.ends[which].T)
        dx, dy, px, py = x1 - x0, y1 - y0, x - x0, y - y0
        length = dx * dx + dy * dy
        # in place where it is large: t = clip(p d / d d, 0, 1), and the depth is radius - |p - t d|
        t = px * dx + py * dy
        t /= np.where(length > 0, length, 1)
        np.clip(t, 0, 1, out=t)
        depth = t * dx
        np.subtract(px, depth, out=depth)
        depth *= depth
        t *= dy
        np.subtract(py, t, out=t)
        t *= t
        depth += t
        np.sqrt(depth, out=depth)
        np.subtract(self.radius[which][lead], depth, out=depth)
        if (box := self.rectangle[which]).any():
            x, y, x0, y0, x1, y1 = x[box], y[box], x0[box], y0[box], x1[box], y1[box]
            inside = (x - np.minimum(x0, x1), np.maximum(x0, x1) - x, y - np.minimum(y0, y1), np.maximum(y0, y1) - y)
            depth[box] = np.minimum(np.minimum(inside[0], inside[1]), np.minimum(inside[2], inside[3]))
        return depth

    def alpha(self, which: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """How much of a pixel at whole coordinates the figures cover, float32 in 0..1; see ``depth``."""
        depth, fall = self.depth(which, x, y), self.fall[which]
        if not (soft := fall > 0).any():
            return (depth >= 0).astype(np.float32)
        depth[~soft] = depth[~soft] >= 0
        depth /= np.where(soft, fall, 1)[:, None, None]
        return np.clip(depth, 0, 1, out=depth).astype(np.float32)


@dataclass(frozen=True)
class _Squares:
    """Figures in squares of one size: ``figure`` ``(n,)`` shows in the square at ``row`` and ``col`` ``(n,)``, counted
    in squares. All of one square lie together, in the order in which they are painted."""

    size: int
    row: np.ndarray
    col: np.ndarray
    figure: np.ndarray

    def quarters(self, height: int, width: int) -> _Squares:
        """The same figures in squares of half the size, those that have a part in the picture."""
        first = _starts(self.row, self.col)
        count = np.diff(np.append(first, len(self.row)))
        start, count = np.repeat(first, count)[:, None], np.repeat(count, count)[:, None]
        part = np.arange(4)
        place = 4 * start + part * count + (np.arange(len(self.row))[:, None] - start)

        def arranged(values: np.ndarray) -> np.ndarray:
            out = np.empty(place.size, np.int32)
            out[place] = values
            return out

        row, col = arranged(2 * self.row[:, None] + part // 2), arranged(2 * self.col[:, None] + part % 2)
        seen = (row * (self.size // 2) < height) & (col * (self.size // 2) < width)
        return _Squares(self.size // 2, row[seen], col[seen], arranged(self.figure[:, None])[seen])

    def parts(self) -> Iterator[_Squares]:
        """Whole squares, so many that about ``PAIRS`` figures are in them."""
        first = _starts(self.row, self.col)
        cuts = first[np.searchsorted(first, np.arange(PAIRS, len(self.row), PAIRS), side="right") - 1]
        for start, stop in itertools.pairwise([0, *np.unique(cuts[cuts > 0]).tolist(), len(self.row)]):
            yield _Squares(self.size, self.row[start:stop], self.col[start:stop], self.figure[start:stop])


def _starts(*keys: np.ndarray) -> np.ndarray:
    """Where one of the keys is another than before."""
    new = np.zeros(len(keys[0]), bool)
    new[:1] = True
    for key in keys:
        new[1:] |= key[1:] != key[:-1]
    return np.flatnonzero(new)


def paint(mask: np.ndarray, shapes: Sequence[tuple[Shape, bool]], work: Work) -> None:
    """Paint brushes and rectangles, each with whether it erases, in their order on ``mask`` ``(height, width)``, whose
    sides are multiples of ``TILE``."""
    work.spend(BATCH, KIND)
    figures = Figures.of(shapes)
    size = TILE << max(0, math.ceil(math.log2(max(mask.shape) / TILE)))
    every = np.arange(len(figures.run), dtype=np.int32)
    waiting = [_Squares(size, np.zeros_like(every), np.zeros_like(every), every)]
    filled, small = [], []
    while waiting:
        squares, full = _seen(figures, waiting.pop(), work)
        filled.append(full)
        if squares.size == TILE:
            small.append(squares)
        else:
            waiting.extend(squares.quarters(*mask.shape).parts())
    full = np.vstack(filled)
    full = full[np.argsort(full[:, 0], kind="stable")]
    row, col, figure = (np.concatenate([getattr(s, name) for s in small]) for name in ("row", "col", "figure"))
    order = np.argsort(figures.run[figure], kind="stable")
    squares = _Squares(TILE, row[order], col[order], figure[order])
    # the runs one after the other, each where it fills and then where it has edges
    runs = np.arange(len(figures.erase) + 1)
    fills, edges = np.searchsorted(full[:, 0], runs), np.searchsorted(figures.run[squares.figure], runs)
    for run, erase in enumerate(figures.erase):
        for _, size, row, col in full[fills[run] : fills[run + 1]].tolist():
            work.spend(FILL + PIXEL * size * size, KIND)
            mask[row * size : (row + 1) * size, col * size : (col + 1) * size] = not erase
        _edges(mask, figures, squares, range(edges[run], edges[run + 1]), erase, work)


def _seen(figures: Figures, squares: _Squares, work: Work) -> tuple[_Squares, np.ndarray]:
    """What can be seen of the figures: without those that do not show in a square, and the squares that one fills,
    ``(m, 4)`` of its run, the square's size, row and column."""
    size, figure = squares.size, squares.figure
    work.spend(PART + PAIR * len(figure), KIND)
    depth = figures.depth(figure, squares.col * size + (size - 1) / 2, squares.row * size + (size - 1) / 2)
    reach = (size - 1) / 2 * math.sqrt(2) + SLACK
    fall, run = np.maximum(figures.fall, EDGE)[figure], figures.run[figure]
    low, high = (depth - reach) / fall, (depth + reach) / fall  # bounds of the alpha, before it is cut at 0 and 1

    # in each square, for each run: what is there at least, and the last run that fills it
    first = _starts(squares.row, squares.col, run)
    least = np.maximum.reduceat(low, first) if len(first) else low
    square = np.searchsorted(_starts(squares.row, squares.col), first, side="right") - 1
    last = np.full(len(first), -1)
    fills = np.flatnonzero(least >= 1)
    last[square[fills]] = fills
    last = last[square]
    # after it only what has the other sign changes anything, and what follows that
    order = np.arange(len(first))
    begin = np.searchsorted(square, square)
    other = (order > last) & (figures.erase[run[first]] != figures.erase[run[first][last]])
    live = (last < 0) | ((order > last) & (np.maximum.accumulate(np.where(other, order, -1)) >= begin))
    count = np.diff(np.append(first, len(figure)))
    keep = np.repeat(live, count) & (high > 0) & (high >= np.repeat(least, count))

    top = first[np.unique(last[last >= 0])]
    full = np.stack([run[top], np.full(len(top), size), squares.row[top], squares.col[top]], 1)
    return _Squares(size, squares.row[keep], squares.col[keep], figure[keep]), full


def _edges(mask, figures: Figures, squares: _Squares, which: range, erase: bool, work: Work) -> None:
    """Paint the figures of one run in the tiles where they have an edge."""
    tiles = mask.reshape(mask.shape[0] // TILE, TILE, mask.shape[1] // TILE, TILE).swapaxes(1, 2)
    within = np.arange(TILE, dtype=np.float64)
    for start in which[::LEAVES]:
        part = slice(start, min(start + LEAVES, which.stop))
        row, col = squares.row[part], squares.col[part]
        first = _starts(row, col)
        work.spend(RUN + SQUARE * len(first) + LEAF * len(row), KIND)
        x, y = col[:, None, None] * TILE + within, row[:, None, None] * TILE + within[:, None]
        alpha = np.maximum.reduceat(figures.alpha(squares.figure[part], x, y), first)
        at = row[first], col[first]
        tiles[at] = np.minimum(tiles[at], 1 - alpha) if erase else np.maximum(tiles[at], alpha)
