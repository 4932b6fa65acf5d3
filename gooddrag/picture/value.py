"""The editor's value: one versioned JSON string with the pairs and the mask's shapes.

``docs/points.schema.json`` publishes the format; ``web/points/value.mjs`` reads it by the same rules, so that the page and
the server accept and refuse the same strings. Coordinates are pixels of the picture; see ``geometry``.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field

VERSION = 2
"""What is written; version 1, which had no ``region``, is read too."""
MAX_LENGTH = 1_000_000  # of the string, in UTF-16 code units as JavaScript counts
MAX_DEPTH = 32
MAX_LISTED = 1000  # pairs in a value; fewer can be dragged at once
MAX_SHAPES = 5000
MAX_SHAPE_POINTS = 200_000  # in all shapes together
LIMIT = 1e6  # of a coordinate's size
MODES = ("replace", "union", "intersect")
REGIONS = ("auto", "own", "whole")

EXAMPLE = '{"pairs": [{"handle": [60, 64], "target": [84, 72]}]}'
BLANK = " \t\n\r"

Point = tuple[float, float]


@dataclass(frozen=True)
class Pair:
    """A handle and its target; a pair that is ``off`` is kept and not dragged."""

    handle: Point
    target: Point
    off: bool = False


def is_anchor(handle: Point, target: Point) -> bool:
    """A pair that lies on one pixel is an anchor, which the page draws as a pin: what is there must stay."""

    def pixel(point: Point) -> tuple[int, int]:
        return math.floor(point[0] + 0.5), math.floor(point[1] + 0.5)

    return pixel(handle) == pixel(target)


@dataclass(frozen=True)
class Shape:
    """One step of drawing the mask. ``kind``: "brush" (a stroke ``size`` wide, whose edge falls off over the outer
    ``1 - hardness`` of its radius), "lasso", "rectangle" (two opposite corners), "fill", "clear", "invert" or "grow"
    (by ``size`` pixels, negative shrinks). The first three take away instead of adding if ``erase``."""

    kind: str
    points: tuple[Point, ...] = ()
    erase: bool = False
    size: float = 0.0
    hardness: float = 1.0


@dataclass(frozen=True)
class Value:
    """What the editor holds. ``region`` says what may change: "auto" around the arrows, "own" as ``shapes`` say, "whole"
    everything; see ``region.editable``. ``mode`` says how ``shapes`` and a connected mask are combined; ``size`` is the
    (width, height) of the picture they were made for, None if unknown."""

    pairs: tuple[Pair, ...] = ()
    shapes: tuple[Shape, ...] = ()
    mode: str = "union"
    size: tuple[int, int] | None = None
    region: str = "auto"


@dataclass
class _Budget:
    """Points that may still be read."""

    left: int = field(default=MAX_SHAPE_POINTS)


def parse(text: str) -> Value:
    """Read a value; blank text is the empty one. Besides this project's own form, ``[[handle, target], ..]``, Drag100's
    ``{"points": [handle, target, ..]}`` and lists of ``{"x": .., "y": ..}`` as KJNodes writes them are understood.
    Raises ``ValueError`` that names what is wrong."""
    if not text.strip(BLANK):
        return Value()
    if len(text.encode("utf-16-le", "surrogatepass")) // 2 > MAX_LENGTH:
        raise ValueError(f"the points are longer than {MAX_LENGTH} characters; remove some shapes or pairs")
    if _depth(text) > MAX_DEPTH:
        raise ValueError(f"the points are nested deeper than {MAX_DEPTH} levels; an example is {EXAMPLE}")
    try:
        # every number a float, as in JavaScript; NaN and Infinity are no JSON
        data = json.loads(text, parse_int=float, parse_constant=_no_constant)
    except ValueError as error:
        raise ValueError(f"the points are not valid JSON ({str(error)[:120]}); an example is {EXAMPLE}") from None
    if isinstance(data, dict) and "pairs" in data:
        return _own_form(data)
    if isinstance(data, dict) and "points" in data:
        return Value(_consecutive(data["points"], '"points"'))
    if isinstance(data, list):
        if data and isinstance(data[0], dict) and "x" in data[0]:
            return Value(_consecutive(data, "the list"))
        return Value(_pairs(data))
    raise ValueError(f"the points hold no list of pairs; an example is {EXAMPLE}")


def dump(value: Value) -> str:
    """The string that ``parse`` reads, without what is at its default."""
    data: dict = {"version": VERSION}
    if value.size:
        data["width"], data["height"] = value.size
    data["pairs"] = [
        {"handle": list(p.handle), "target": list(p.target), **({"off": True} if p.off else {})} for p in value.pairs
    ]
    if value.shapes or value.mode != Value.mode or value.region != Value.region:
        shapes = [_dump_shape(s) for s in value.shapes]
        data["mask"] = {"region": value.region, "mode": value.mode, "shapes": shapes}
    return json.dumps(data, separators=(",", ":"))


def _dump_shape(s: Shape) -> dict:
    data: dict = {"kind": s.kind}
    if s.points:
        data["points"] = [list(p) for p in s.points]
    if s.erase:
        data["erase"] = True
    if s.kind in ("brush", "grow"):
        data["size"] = s.size
    if s.kind == "brush" and s.hardness != 1:
        data["hardness"] = s.hardness
    return data


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is no number in JSON")


def _depth(text: str) -> int:
    """How deep brackets are nested, outside strings."""
    depth = deepest = 0
    inside = escaped = False
    for c in text:
        if inside:
            if escaped:
                escaped = False
            elif c == "\\":
                escaped = True
            elif c == '"':
                inside = False
        elif c == '"':
            inside = True
        elif c in "[{":
            depth += 1
            deepest = max(deepest, depth)
        elif c in "]}":
            depth -= 1
    return deepest


def _own_form(data: dict) -> Value:
    version = data.get("version", float(VERSION))
    if isinstance(version, bool) or not isinstance(version, float) or version not in (1, VERSION):
        raise ValueError(
            f"the points have version {_short(version)}, this pack reads versions 1 to {VERSION}; update the pack"
        )
    size = None
    if data.get("width") is not None or data.get("height") is not None:
        size = (_side(data.get("width"), "width"), _side(data.get("height"), "height"))
    shapes, mode, region = (), Value.mode, None
    if data.get("mask") is not None:
        shapes, mode, region = _mask(data["mask"], version)
    if (
        region is None
    ):  # without shapes everything could change in version 1, and the arrows' surroundings can since then
        region = "own" if shapes else "whole" if version == 1 else "auto"
    return Value(_pairs(data["pairs"]), shapes, mode, size, region)


def _pairs(items: object) -> tuple[Pair, ...]:
    if not isinstance(items, list):
        raise ValueError(f"the points hold no list of pairs; an example is {EXAMPLE}")
    if len(items) > MAX_LISTED:
        raise ValueError(f"{len(items)} pairs were given, at most {MAX_LISTED} can be listed; remove some")
    return tuple(_pair(item, i + 1) for i, item in enumerate(items))


def _pair(item: object, number: int) -> Pair:
    if isinstance(item, dict):
        handle, target, off = item.get("handle"), item.get("target"), item.get("off", False)
        if not isinstance(off, bool):
            raise ValueError(f"pair {number}: off is {_short(off)}; it must be true or false")
    elif isinstance(item, list) and len(item) == 2:
        (handle, target), off = item, False
    else:
        raise ValueError(f"pair {number} is {_short(item)}; give [[handle x, handle y], [target x, target y]]")
    return Pair(_point(handle, f"handle {number}"), _point(target, f"target {number}"), off)


def _consecutive(items: object, what: str) -> tuple[Pair, ...]:
    if not isinstance(items, list) or len(items) % 2:
        raise ValueError(f"{what} must list handle, target, handle, target, .. and so have an even length")
    return _pairs([list(pair) for pair in zip(items[::2], items[1::2])])


def _point(item: object, what: str) -> Point:
    if isinstance(item, dict):
        item = [item.get("x"), item.get("y")]
    if not isinstance(item, list) or len(item) != 2 or not all(type(v) is float for v in item):
        raise ValueError(f"{what} is {_short(item)}; give two numbers [x, y] in pixels of the picture")
    x, y = item
    if not (math.isfinite(x) and math.isfinite(y)) or max(abs(x), abs(y)) > LIMIT:
        raise ValueError(f"{what} is ({x:g}, {y:g}), which is not a finite number of pixels")
    return x, y


def _side(item: object, what: str) -> int:
    if type(item) is not float or not item.is_integer() or not 1 <= item <= 65536:
        raise ValueError(f"{what} is {_short(item)}; it must be a whole number of pixels from 1 to 65536")
    return int(item)


def _number(item: object, what: str, low: float, high: float) -> float:
    if type(item) is not float or not low <= item <= high:
        raise ValueError(f"{what} is {_short(item)}; it must be a number from {low:g} to {high:g}")
    return item


def _mask(data: object, version: float) -> tuple[tuple[Shape, ...], str, str | None]:
    if not isinstance(data, dict):
        raise ValueError(f"mask is {_short(data)}; it must hold region, mode and shapes")
    region = data.get("region") if version > 1 else None  # to version 1 a word like any other
    if "region" in data and version > 1 and region not in REGIONS:
        raise ValueError(f"the mask's region is {_short(region)}; it must be one of {', '.join(REGIONS)}")
    mode = data.get("mode", Value.mode)
    if mode not in MODES:
        raise ValueError(f"the mask's mode is {_short(mode)}; it must be one of {', '.join(MODES)}")
    shapes = data.get("shapes", [])
    if not isinstance(shapes, list) or len(shapes) > MAX_SHAPES:
        raise ValueError(f"the mask's shapes must be a list of at most {MAX_SHAPES}")
    budget = _Budget()
    return tuple(_shape(shape, i + 1, budget) for i, shape in enumerate(shapes)), mode, region


_LEAST_POINTS = {"brush": 1, "lasso": 3, "rectangle": 2, "fill": 0, "clear": 0, "invert": 0, "grow": 0}


def _shape(data: object, number: int, budget: _Budget) -> Shape:
    what = f"shape {number}"
    kind = data.get("kind") if isinstance(data, dict) else None
    if not isinstance(kind, str) or kind not in _LEAST_POINTS:
        raise ValueError(f"{what} is {_short(data)}; its kind must be one of {', '.join(_LEAST_POINTS)}")
    least = _LEAST_POINTS[kind]
    points: tuple[Point, ...] = ()
    if least:
        items = data.get("points")
        if not isinstance(items, list) or len(items) < least or (kind == "rectangle" and len(items) != 2):
            raise ValueError(
                f"{what}, a {kind}, needs {'exactly 2' if kind == 'rectangle' else f'at least {least}'} points"
            )
        budget.left -= len(items)
        if budget.left < 0:
            raise ValueError(f"the mask's shapes have more than {MAX_SHAPE_POINTS} points; clear some")
        points = tuple(_point(p, f"{what}, point {i + 1}") for i, p in enumerate(items))
    erase = data.get("erase", False)
    if not isinstance(erase, bool):
        raise ValueError(f"{what}: erase is {_short(erase)}; it must be true or false")
    size, hardness = 0.0, 1.0
    if kind == "brush":
        size = _number(data.get("size"), f"{what}: size", 0.5, 10_000)
        hardness = _number(data.get("hardness", 1.0), f"{what}: hardness", 0, 1)
    elif kind == "grow":
        size = _number(data.get("size"), f"{what}: size", -256, 256)
    return Shape(kind, points, erase, size, hardness)


def _short(item: object) -> str:
    """A value in a message, never more than a few words."""
    text = json.dumps(item, ensure_ascii=True)
    return text if len(text) <= 60 else text[:57] + "..."
