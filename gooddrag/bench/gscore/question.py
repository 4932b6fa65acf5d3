"""What the judge is asked, and how its reply is read."""

from __future__ import annotations

import io
import json
import math
import re
import string
from collections.abc import Sequence

import numpy as np
from PIL import Image

from ...overlay import draw_points
from ..sample import Sample
from .endpoints import Part

LONGEST = 1024
"""Pixels of the longer side that is sent."""
THOUGHT = re.compile(r"\A\s*<think>.*?</think>", re.DOTALL)
LETTERS = string.ascii_uppercase

_TASK = (
    "You judge drag edits. Somebody drew arrows on a picture: what lies where an arrow begins shall be moved to where it ends, and "
    "everything else shall stay as it was, as far as a natural picture allows."
)
_RULES = (
    "Rate each result from 0 (useless) to 10 (perfect). Consider whether what lay where an arrow begins is now where it ends, "
    "whether the picture looks natural, without smears, doubled or torn parts, and whether the rest is still that of the original. "
    "Use the whole scale; results may be equal. Answer with one JSON object that has a number for each letter, such as {example}, "
    "and nothing else."
)


def question(sample: Sample, results: Sequence[np.ndarray]) -> list[Part]:
    """Words and pictures; the results are called A, B, C .. in the order in which they are given."""
    original = _small(sample.picture)
    fx, fy = original.width / sample.size[0], original.height / sample.size[1]

    def seen(point: tuple[float, float]) -> str:
        return f"({(point[0] + 0.5) * fx - 0.5:.0f}, {(point[1] + 0.5) * fy - 0.5:.0f})"

    arrows = "; ".join(f"from {seen(p)} to {seen(q)}" for p, q in sample.points.arrows)
    allowed = "" if sample.mask is None else " Only what is not shaded may change."
    asked = draw_points(Image.fromarray(sample.picture), sample.points, sample.mask)
    parts: list[Part] = [
        f"{_TASK}\n\nThe original, {original.width} x {original.height} pixels:",
        _png(original),
        f"The original with the arrows, in pixels from the upper left: {arrows}.{allowed}",
        _png(_small(asked)),
    ]
    for letter, result in zip(LETTERS, results):
        parts += [f"Result {letter}:", _png(_small(result))]
    example = json.dumps({letter: 5 + i / 2 for i, letter in enumerate(LETTERS[: len(results)])})
    return [*parts, _RULES.replace("{example}", example)]


def _small(picture: np.ndarray | Image.Image) -> Image.Image:
    """As it is shown."""
    image = (picture if isinstance(picture, Image.Image) else Image.fromarray(picture)).convert("RGB")
    image.thumbnail((LONGEST, LONGEST), Image.Resampling.LANCZOS)
    return image


def _png(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format="png")
    return buffer.getvalue()


def read(reply: str, count: int) -> list[float]:
    """The numbers of a reply, in the order of the letters. Strict: one JSON object, at most within a code fence or after what a
    model thought aloud (``<think>``), with just these letters and numbers from 0 to 10. Raises ``ValueError`` that says what it
    is instead."""
    text = THOUGHT.sub("", reply, count=1).strip()
    if fenced := re.fullmatch(r"```(?:json)?\s*(.*?)\s*```", text, re.DOTALL):
        text = fenced[1]
    wanted = list(LETTERS[:count])

    def once(pairs: list[tuple[str, object]]) -> dict:
        names = [name for name, _ in pairs]
        if len(set(names)) < len(names):
            raise ValueError(f"the reply rates a letter twice: {text[:120]!r}")
        return dict(pairs)

    try:
        given = json.loads(text, object_pairs_hook=once)
    except (json.JSONDecodeError, RecursionError):
        raise ValueError(f"the reply is no JSON object: {' '.join(reply.split())[:120]!r}") from None
    if not isinstance(given, dict) or sorted(given) != wanted:
        raise ValueError(f"the reply does not rate {', '.join(wanted)} and nothing else: {text[:120]!r}")
    for letter, value in given.items():
        if (
            isinstance(value, bool)
            or not isinstance(value, (int, float))
            or not math.isfinite(value)
            or not 0 <= value <= 10
        ):
            raise ValueError(f"{letter} is {str(value)[:40]!r}, not a number from 0 to 10")
    return [float(given[letter]) for letter in wanted]
