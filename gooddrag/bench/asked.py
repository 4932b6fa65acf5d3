"""What a drag asked for, as a page draws it over the picture: arrows, pins, and a shade over what may not change."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image, ImageFilter

from ..overlay import colour
from .finished import Finished
from .sample import Sample

CLEAR, RIM, DARK = (0, 0, 0, 0), (255, 255, 255, 255), (0, 0, 0, 140)
"""The region that may change, its rim, and what lies outside."""
SIDE = 512
"""Longer side of a shade in pixels; a page scales it to its pictures."""


def reader(folder: Path) -> Callable[[str], dict | None]:
    """Of a benchmark's folder: gives ``drawn`` of a sample's name, None for one that cannot be read."""
    try:
        samples = Finished.open(folder).samples
    except ValueError:
        return lambda name: None

    def asked(name: str) -> dict | None:
        try:
            return drawn(samples[name].load())
        except (ValueError, StopIteration):
            return None

    return asked


def drawn(sample: Sample) -> dict:
    """``size`` (width, height), ``pairs`` in pixels of the picture, each with its colour and whether it is an anchor, and
    ``shade``, a picture as a data address, empty where all may change."""
    points = sample.points
    pairs = [
        {"handle": handle, "target": target, "anchor": not moves, "colour": colour(i)}
        for i, (handle, target, moves) in enumerate(zip(points.handles, points.targets, points.moving))
    ]
    return {"size": sample.size, "pairs": pairs, "shade": "" if sample.mask is None else _shade(sample.mask)}


def _shade(mask: np.ndarray) -> str:
    region = Image.fromarray(mask.astype(np.uint8) * 255)
    region.thumbnail((SIDE, SIDE), Image.Resampling.NEAREST)
    image = Image.new("RGBA", region.size, DARK)
    image.paste(RIM, mask=region)
    image.paste(CLEAR, mask=region.filter(ImageFilter.MinFilter(5)))
    buffer = io.BytesIO()
    image.quantize(4, method=Image.Quantize.FASTOCTREE).save(buffer, format="png", optimize=True)
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()
