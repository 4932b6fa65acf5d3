"""One drag to be judged: a picture, where its parts shall go, and, where it is known, the true result."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from ..picture.geometry import DragPoints


@dataclass(frozen=True)
class Sample:
    """``picture`` and ``truth`` ``(H, W, 3)`` uint8, ``mask`` ``(H, W)`` bool, True where it may change, None for everywhere.
    ``rendered``, of a world that can be drawn: the truth when a fraction of the drag has been done. Raises ``ValueError`` when
    sizes do not fit."""

    name: str
    picture: np.ndarray
    points: DragPoints
    mask: np.ndarray | None = None
    kind: str = ""
    prompt: str = ""
    truth: np.ndarray | None = None
    rendered: Callable[[float], np.ndarray] | None = None

    def __post_init__(self) -> None:
        height, width = self.picture.shape[:2]
        if (self.points.width, self.points.height) != (width, height):
            raise ValueError(
                f"the points belong to a {self.points.width}x{self.points.height} picture, the picture is {width}x{height}"
            )
        if self.mask is not None and self.mask.shape != (height, width):
            raise ValueError(f"the mask is {self.mask.shape[1]}x{self.mask.shape[0]}, the picture {width}x{height}")
        if self.mask is not None and not self.mask.any():
            raise ValueError("the mask is empty, so nothing may change")
        if self.truth is not None and self.truth.shape != self.picture.shape:
            size = f"{self.truth.shape[1]}x{self.truth.shape[0]}"
            raise ValueError(f"the true result is {size}, the picture {width}x{height}")
        if not any(self.points.moving):
            raise ValueError("no point moves, so there is nothing to judge")

    @property
    def size(self) -> tuple[int, int]:
        """(width, height)."""
        return self.picture.shape[1], self.picture.shape[0]


@dataclass(frozen=True)
class Entry:
    """A sample that is read or drawn when it is its turn. ``load`` raises ``ValueError`` for a malformed one."""

    name: str
    kind: str
    load: Callable[[], Sample]


@dataclass(frozen=True)
class Dataset:
    """Samples by name, in an order that is always the same. Every worker opens it again."""

    name: str
    entries: tuple[Entry, ...]

    def __post_init__(self) -> None:
        if not self.entries:
            raise ValueError(f"{self.name} has no samples to judge")
        names = [e.name for e in self.entries]
        if len(set(names)) < len(names):
            twice = sorted({n for n in names if names.count(n) > 1})
            raise ValueError(f"{self.name} has several samples named {', '.join(twice)}")

    def __iter__(self) -> Iterator[Entry]:
        return iter(self.entries)

    def __len__(self) -> int:
        return len(self.entries)

    def __getitem__(self, name: str) -> Entry:
        return next(e for e in self.entries if e.name == name)
