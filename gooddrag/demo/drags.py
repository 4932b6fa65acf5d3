"""Drags in the demo world whose true result is known: the same scene with one parameter changed."""

from __future__ import annotations

import dataclasses
import itertools
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from PIL import Image, ImageFilter

from ..picture.geometry import DragPoints
from ..picture.value import Point
from . import world
from .world import Scene


@dataclass(frozen=True)
class _Kind:
    """A parameter of the scene, the range it lives in, how far it is dragged, and what is taken hold of."""

    field: str
    low: float
    high: float
    least: float
    most: float
    anchors: tuple[str, ...]
    needs_hat: bool | None = None
    roam: tuple[float, float] | None = None  # the range of a long drag
    held_far: tuple[str, ...] = ()  # what a long drag takes hold of, where ``anchors`` might leave the picture


_FEET = ("foot_l", "foot_r")
_KINDS = {
    "move": _Kind(
        "x", 98, 158, 28, 48, ("nose", "hand_l", "hand_r", *_FEET), roam=world.ROAM_X, held_far=("nose", *_FEET)
    ),
    "lean": _Kind("head_dx", -18, 18, 24, 32, ("nose", "eye_l", "eye_r")),
    "ears": _Kind("ear_len", 22, 66, 24, 38, ("ear_l", "ear_r")),
    "arm": _Kind("arm_", -0.75, 0.95, 0.6, 1.1, ("hand_",), roam=world.ROAM_ARM),
    "tail": _Kind("tail_up", -0.2, 0.6, 0.45, 0.75, ("tail",)),
    "mouth": _Kind("mouth", 3, 30, 22, 26, ("chin",)),
    "hat": _Kind("hat_h", 24, 62, 22, 34, ("hat",), needs_hat=True),
    "sun": _Kind("sun_y", 26, 96, 28, 50, ("sun",), roam=world.ROAM_Y),
    "cloud": _Kind("cloud_y", 26, 96, 28, 50, ("cloud",), roam=world.ROAM_Y),
}
KINDS = tuple(_KINDS)
"""move the whole creature, lean its head over, stretch its ears, swing an arm or the tail, open or close the mouth,
stretch the hat, move the sun or the cloud in the background."""
LONG_KINDS = tuple(name for name, kind in _KINDS.items() if kind.roam)
"""Those that go further, when they use nearly all of their range, than two alternations of the paper's settings finish."""
_LONG = (0.88, 1.0)
"""Of the range that a parameter lives in: how far it is dragged by a long drag."""


@dataclass(frozen=True)
class Drag:
    """A scene, and the change of one of its parameters by ``amount``."""

    kind: str
    seed: int
    before: Scene
    field: str
    amount: float
    anchors: tuple[str, ...]

    def scene(self, fraction: float = 1.0) -> Scene:
        """The scene when ``fraction`` of the drag has been done."""
        value = getattr(self.before, self.field) + fraction * self.amount
        return dataclasses.replace(self.before, **{self.field: value})

    def picture(self, fraction: float = 0.0) -> np.ndarray:
        """``(256, 256, 3)`` uint8: the picture before the drag, or when ``fraction`` of it has been done."""
        return world.render(self.scene(fraction))

    @cached_property
    def points(self) -> DragPoints:
        def at(scene: Scene) -> tuple[Point, ...]:
            places = world.anchors(scene)
            return tuple((round(places[a][0]), round(places[a][1])) for a in self.anchors)

        return DragPoints(at(self.before), at(self.scene()), world.SIZE, world.SIZE)

    @cached_property
    def mask(self) -> np.ndarray:
        """``(256, 256)`` bool: where before and after differ, and 10 pixels around."""
        difference = np.abs(self.picture(0).astype(int) - self.picture(1).astype(int)).max(axis=2) > 6
        image = Image.fromarray(difference.astype(np.uint8) * 255)
        image = image.filter(ImageFilter.MinFilter(3)).filter(ImageFilter.MaxFilter(23))
        return np.asarray(image) > 0


def drag(kind: str, seed: int, *, long: bool = False) -> Drag:
    """The drag number ``seed`` of a kind; the same pair gives the same drag. ``long``: over nearly all of the parameter's range.
    Raises ``ValueError`` for another kind, and for one that cannot be long."""
    kinds = LONG_KINDS if long else KINDS
    if kind not in kinds:
        raise ValueError(f"the kind of {'long ' * long}drag is {kind[:60]!r}; it must be one of {', '.join(kinds)}")
    k = _KINDS[kind]
    rng = np.random.default_rng((seed, KINDS.index(kind), 11 if long else 7))
    for attempt in itertools.count():
        scene = world.scene(seed + 100_000 * attempt)
        if k.needs_hat is None or bool(scene.has_hat) == k.needs_hat:
            break
    field, anchors = k.field, (k.held_far if long else ()) or k.anchors
    if kind == "arm":  # the arm that is not beside the tail
        side = "l" if scene.side > 0 else "r"
        field, anchors = f"arm_{side}", (f"hand_{side}",)
    low, high = k.roam if long else (k.low, k.high)
    least, most = ((high - low) * share for share in _LONG) if long else (k.least, k.most)
    amount = rng.uniform(least, most)
    start = rng.uniform(low, high - amount)
    if rng.random() < 0.5:
        start, amount = start + amount, -amount
    return Drag(kind, seed, dataclasses.replace(scene, **{field: float(start)}), field, float(amount), anchors)
