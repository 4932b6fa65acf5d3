"""Where samples come from: the demo world, Drag100, DragBench in both forms, and folders with true results.

``opened`` takes a name or a folder and finds out which it is. Nothing of a dataset is copied or changed.
"""

from __future__ import annotations

from pathlib import Path

from ..sample import Dataset
from . import folders
from .world import world

DEMO = "demo"
MOST = {"limit": 10**9, "scenes": 10_000, "long": 10_000}
"""Of the options that are numbers; a scene is nine drags, all of which are listed before the first is drawn."""


def check(options: dict) -> None:
    """Raise ``ValueError`` unless ``opened`` takes these options."""
    for name, value in options.items():
        least = int(name == "limit")
        if (name == "shift" and isinstance(value, bool)) or (name == "limit" and value is None):
            continue
        if (
            name not in MOST
            or isinstance(value, bool)
            or not isinstance(value, int)
            or not least <= value <= MOST[name]
        ):
            raise ValueError(f"{name} = {str(value)[:40]} is no option of a dataset")


def opened(name: str, *, limit: int | None = None, scenes: int = 8, long: int = 9, shift: bool = False) -> Dataset:
    """The dataset ``"demo"`` or that of a folder. ``limit``: only its first samples.

    ``scenes``, ``long`` and ``shift`` are the demo world's: scenes for each kind of drag, for each kind that can be long, and
    whether its colour channels are swapped. Raises ``ValueError`` for a folder of which no sample's form is known.
    """
    dataset = world(scenes, long, shift=shift) if name == DEMO else folders.read(Path(name))
    if limit is None:
        return dataset
    return Dataset(dataset.name, dataset.entries[:limit])
