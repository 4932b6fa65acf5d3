"""The contact sheet: one HTML file with every edit, to filter by kind and method and to look at side by side.

Small pictures are in the page itself; those beside it, in ``pictures``, are shown when one is opened, if they still lie there.
What was asked is drawn over the picture by the page, and below stands what the figures mean.
"""

from __future__ import annotations

import base64
import html
import io
import json
from collections.abc import Callable, Sequence
from pathlib import Path

from PIL import Image

from .asked import reader
from .methods import METHODS
from .rows import PICTURES, Row
from .stored import stored
from .tables import named, values

THUMB = 192
"""Longer side of a small picture in pixels."""
SHOWN = {
    "ratio": "lower is better: what is left, inside of the region, of the error of doing nothing; 1: no better than nothing",
    "done": "1 is best: how much of its way the content has gone",
    "dai_1": "lower is better: how much of what lay around the handle is missing around the target (the paper's Eq. 10)",
    "md": "lower is better: how far from the target the content is found by its features, in pixels",
    "if": "higher is more faithful: how alike result and picture are; 1: they are the same, as where nothing was done",
    "outside": "lower is better: mean change outside of the region, in levels of 255",
    "seconds": "lower is better: what this edit took, without tuning and inversion",
}
"""Figures below a picture, and what each means."""


def sheet(rows: Sequence[Row], title: str, picture: Callable[[str, str], Path]) -> str:
    """``picture(method, sample)`` is where a picture lies, in a benchmark's folder; of those that are missing or damaged a dash is
    shown."""
    asked = reader(picture("original", "").parents[2])
    samples: dict[str, dict] = {}
    for row in rows:
        place = samples.setdefault(row["sample"], {"name": row["sample"], "kind": row["kind"], "cells": []})
        figures = [f"{_head(k, [row])} {row[k]:.3g}" for k in SHOWN if isinstance(row.get(k), (int, float))]
        place["cells"].append(
            _cell(row["method"], METHODS[row["method"]].words, row["sample"], picture, figures, row.get("error"))
        )
    for name, place in samples.items():
        place["asked"] = asked(name)
        around = [("original", "the picture"), ("truth", "the true result")]
        first, last = (_cell(m, words, name, picture, []) for m, words in around)
        place["cells"] = [first, *place["cells"], *([last] if last["small"] else [])]
    meanings = [[_head(k, rows), words] for k, words in SHOWN.items() if values(rows, k)]
    data = {"samples": list(samples.values()), "meanings": meanings}
    # "</" would end the script that holds the data, and "<!--<script" hide its end
    return _PAGE.replace("%TITLE%", html.escape(title)).replace("%DATA%", json.dumps(data).replace("<", "\\u003c"))


def _head(name: str, rows: Sequence[Row]) -> str:
    return "seconds" if name == "seconds" else named(name, rows)


def _cell(
    method: str, words: str, sample: str, picture: Callable, figures: list[str], error: str | None = None
) -> dict:
    path = picture(method, sample)
    small = ""
    if image := stored(path):
        image.thumbnail((THUMB, THUMB), Image.Resampling.LANCZOS)
        buffer = io.BytesIO()
        image.save(buffer, format="JPEG", quality=86)
        small = "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode()
    large = f"{PICTURES}/{path.parent.name}/{path.name}"
    return {"method": method, "words": words, "small": small, "large": large, "figures": figures, "error": error or ""}


_PAGE = (Path(__file__).parent / "sheet.html").read_text(encoding="utf-8")
