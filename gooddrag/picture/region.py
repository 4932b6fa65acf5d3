"""What may change: the surroundings of the arrows, what a person painted, or everything.

``web/points/region.mjs`` does the same for the page; a test compares the two.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable

import numpy as np

from .mask import combine, rasterise
from .value import Point, Shape, Value, is_anchor
from .work import nothing

MAX_SIZE = 10_000
"""Of a brush."""


def around(arrows: Iterable[tuple[Point, Point]], width: int, height: int) -> tuple[Shape, ...]:
    """A brush stroke along each ``(handle, target)``, a quarter of the picture's shorter side and the arrow's length wide.

    What is attached to a handle moves along: a joint lies about as far away as the arrow is long. Anchors widen nothing.
    """
    return tuple(
        Shape("brush", (handle, target), size=_size(handle, target, min(width, height) / 4))
        for handle, target in arrows
        if not is_anchor(handle, target)
    )


def editable(
    value: Value,
    arrows: Iterable[tuple[Point, Point]],
    given: np.ndarray | None,
    width: int,
    height: int,
    check: Callable[[], None] = nothing,
) -> np.ndarray | None:
    """The mask ``(height, width)`` in 0..1 for the ``arrows`` that are dragged; None edits everything.

    ``given`` is the connected mask. It is the region of "auto" and "whole"; without it "auto" is ``around`` the arrows.
    ``check`` may raise to end a long drawing; see ``mask.rasterise``.
    """
    if value.region == "own":
        drawn = rasterise(value.shapes, width, height, check) if value.shapes else None
        return combine(drawn, given, value.mode)
    if given is None and value.region == "auto":
        shapes = around(arrows, width, height)
        return rasterise(shapes, width, height, check) if shapes else None
    return given


def _size(handle: Point, target: Point, least: float) -> float:
    dx, dy = target[0] - handle[0], target[1] - handle[1]
    return float(min(max(math.floor(least + math.sqrt(dx * dx + dy * dy) + 0.5), 1), MAX_SIZE))
