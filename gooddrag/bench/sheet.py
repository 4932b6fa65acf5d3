"""The contact sheet: one HTML file with every edit, to filter by kind and method and to look at side by side.

Small pictures are in the page itself; those beside it, in ``pictures``, are shown when one is opened, if they still lie there.
"""

from __future__ import annotations

import base64
import html
import io
import json
from collections.abc import Callable, Sequence
from pathlib import Path

from PIL import Image

from .methods import METHODS
from .rows import PICTURES, Row
from .stored import stored
from .tables import named

THUMB = 192
"""Longer side of a small picture in pixels."""
SHOWN = ("ratio", "done", "dai_1", "md", "if", "outside", "seconds")


def sheet(rows: Sequence[Row], title: str, picture: Callable[[str, str], Path]) -> str:
    """``picture(method, sample)`` is where a picture lies; of those that are missing or damaged a dash is shown."""
    samples: dict[str, dict] = {}
    for row in rows:
        place = samples.setdefault(row["sample"], {"name": row["sample"], "kind": row["kind"], "cells": []})
        figures = [f"{named(k, [row])} {row[k]:.3g}" for k in SHOWN if isinstance(row.get(k), (int, float))]
        place["cells"].append(
            _cell(row["method"], METHODS[row["method"]].words, row["sample"], picture, figures, row.get("error"))
        )
    for name, place in samples.items():
        around = [("original", "the picture"), ("truth", "the true result")]
        first, last = (_cell(m, words, name, picture, []) for m, words in around)
        place["cells"] = [first, *place["cells"], *([last] if last["small"] else [])]
    data = {"samples": list(samples.values())}
    # "</" would end the script that holds the data
    return _PAGE.replace("%TITLE%", html.escape(title)).replace("%DATA%", json.dumps(data).replace("</", "<\\/"))


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
