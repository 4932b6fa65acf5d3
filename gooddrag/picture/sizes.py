"""Points and pictures of different sizes: what happens to a value that was made for another size than the picture has.

``web/points/sizes.mjs`` is the same for the page; a test compares the two.
"""

from __future__ import annotations

import dataclasses
import math

from .value import Pair, Point, Shape, Value, is_anchor

Size = tuple[int, int]
"""(width, height) in pixels."""

BRUSH = (0.5, 10_000.0)  # what a value may hold, see ``value``
GROWTH = 256.0


def same_shape(a: Size, b: Size) -> bool:
    """Whether one picture can be the other one resized: the same aspect ratio, up to a pixel of rounding in the longest side."""
    return abs(a[0] * b[1] - a[1] * b[0]) <= max(*a, *b)


def alike(a: Size, b: Size) -> bool:
    """``same_shape``, also for one that was enlarged after it had been rounded to whole pixels: up to a quarter of a percent. One
    that is the other with an autoencoder's padding is not alike."""
    if same_shape(a, b):
        return True
    padded = any(tuple(-(-side // 8) * 8 for side in x) == tuple(y) for x, y in ((a, b), (b, a)))
    return not padded and abs(a[0] * b[1] / (a[1] * b[0]) - 1) <= 0.0025


def for_picture(value: Value, size: Size) -> Value:
    """``value`` in pixels of a picture of ``size``.

    A value that names no size is in this picture's pixels already. One that was made for a picture of the same aspect ratio is
    rescaled, arrows and mask. Raises ``ValueError`` that names both sizes when the aspect ratio is another one, since then
    nobody can know what is meant.
    """
    size = (int(size[0]), int(size[1]))
    if value.size is None or tuple(value.size) == size or not (value.pairs or value.shapes):
        return dataclasses.replace(value, size=size)
    if same_shape(value.size, size):
        return rescaled(value, size)
    raise ValueError(
        f"the points were placed on a {value.size[0]}x{value.size[1]} picture, but the picture that arrives is "
        f"{size[0]}x{size[1]}: press 'Fit to picture' or 'Keep the pixels' in the editor of GoodDrag Points, or give `width` and "
        "`height` of this picture"
    )


def apart(handle: Point, target: Point, direction: Point, size: Size) -> tuple[Point, Point]:
    """An arrow's ends in a picture of ``size``, at least a pixel apart: where both have come to lie on one pixel, which would
    make it an anchor, the target is a pixel further along ``direction``, or where the picture ends the handle a pixel
    further back."""
    if not is_anchor(handle, target):
        return handle, target
    longest = max(abs(direction[0]), abs(direction[1]))
    step = direction[0] / longest, direction[1] / longest

    def inside(x: float, y: float) -> Point:
        return min(max(x, 0.0), size[0] - 1.0), min(max(y, 0.0), size[1] - 1.0)

    ahead = handle[0] + step[0], handle[1] + step[1]
    if inside(*handle) != handle:
        return handle, ahead
    ahead = inside(*ahead)
    return (inside(target[0] - step[0], target[1] - step[1]), target) if is_anchor(handle, ahead) else (handle, ahead)


def rescaled(value: Value, size: Size) -> Value:
    """``value``, which names its size, stretched to a picture of ``size``: points move with what they lie on, what was in the
    picture stays in it, arrows and anchors stay what they are, brushes and growths scale with the geometric mean of both
    factors."""
    old = value.size
    fx, fy = size[0] / old[0], size[1] / old[1]
    mean = math.sqrt(fx * fy)

    def along(x: float, factor: float, side: int, new: int) -> float:
        moved = (x + 0.5) * factor - 0.5
        return min(max(moved, 0.0), new - 1.0) if 0 <= x <= side - 1 else moved

    def point(p: Point) -> Point:
        return along(p[0], fx, old[0], size[0]), along(p[1], fy, old[1], size[1])

    def shape(s: Shape) -> Shape:
        drawn = s.size
        if s.kind == "brush":
            drawn = min(max(drawn * mean, BRUSH[0]), BRUSH[1])
        elif s.kind == "grow":
            drawn = min(max(drawn * mean, -GROWTH), GROWTH)
        return dataclasses.replace(s, points=tuple(map(point, s.points)), size=drawn)

    def ends(p: Pair) -> Pair:
        handle, target = point(p.handle), point(p.target)
        if is_anchor(p.handle, p.target):
            return dataclasses.replace(p, handle=handle, target=handle)
        handle, target = apart(handle, target, (p.target[0] - p.handle[0], p.target[1] - p.handle[1]), size)
        return dataclasses.replace(p, handle=handle, target=target)

    pairs = tuple(map(ends, value.pairs))
    return dataclasses.replace(value, pairs=pairs, shapes=tuple(map(shape, value.shapes)), size=size)
