"""The demo world as a dataset: held-out drags whose true result is drawn."""

from __future__ import annotations

import numpy as np

from ...demo.drags import KINDS, LONG_KINDS, drag
from ...demo.drags import Drag as TrueDrag
from ..sample import Dataset, Entry, Sample

FIRST = 2000
"""Number of the first scene; those from 1000 on chose the presets and the blocks."""
LONG = "long "
"""What the kind of a long drag begins with."""


def world(scenes: int, long: int, *, shift: bool = False) -> Dataset:
    """``scenes`` drags of every kind and ``long`` long ones of every kind that can be long: more than two alternations finish.

    ``shift``: red and blue of the picture and of the truth change places, so that the model has seen no such pictures and LoRA and
    fidelity to the source begin to matter, as on photographs.
    """
    entries = []
    for number in range(max(scenes, long)):
        for kind in KINDS * (number < scenes):
            entries.append(_entry(kind, number, shift, is_long=False))
        for kind in LONG_KINDS * (number < long):
            entries.append(_entry(kind, number, shift, is_long=True))
    return Dataset("demo, channels swapped" if shift else "demo", tuple(entries))


def _entry(kind: str, number: int, shift: bool, *, is_long: bool) -> Entry:
    seed = FIRST + number
    name = f"{'long-' * is_long}{kind}-{seed}{'-shifted' * shift}"
    words = LONG * is_long + kind
    return Entry(name, words, lambda: _sample(name, words, drag(kind, seed, long=is_long), shift))


def _sample(name: str, kind: str, chosen: TrueDrag, shift: bool) -> Sample:
    def draw(fraction: float) -> np.ndarray:
        picture = chosen.picture(fraction)
        return np.ascontiguousarray(picture[..., ::-1]) if shift else picture

    return Sample(name, draw(0.0), chosen.points, chosen.mask, kind, truth=draw(1.0), rendered=draw)
