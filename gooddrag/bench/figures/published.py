"""Tables 1 and 2 of the paper from the rows of a benchmark, beside what the paper reports for Drag100."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..gscore.scoring import means
from ..gscore.scoring import rows as gscore_rows
from ..metrics.dai import GAMMAS
from ..rows import read
from ..tables import told
from .shown import table

METHODS = {
    "dragdiffusion": "DragDiffusion",
    "dragdiffusion-210": "DragDiffusion*",
    "sde-drag": "SDE-Drag",
    "draggan": "DragGAN",
    "gooddrag": "GoodDrag",
}
PUBLISHED_DAI_1 = {"dragdiffusion": 0.1477, "dragdiffusion-210": 0.1189, "gooddrag": 0.0696}
PUBLISHED_GSCORE = {"dragdiffusion": 6.87, "dragdiffusion-210": 6.90, "gooddrag": 7.94}


@dataclass(frozen=True)
class Table:
    """``show`` takes a benchmark's folder and gives rows and words. Raises ``ValueError`` for one without what it needs."""

    words: str
    show: Callable[[Path], tuple[list[dict], str]]


def _columns(rows: list[dict], names: list[str], form: str, published: dict[str, float], head: list[str]) -> tuple:
    lines, numbers = [], []
    for method, words in METHODS.items():
        own = [r for r in rows if r.get("method") == method and all(isinstance(r.get(n), (int, float)) for n in names)]
        if not own:
            continue
        of = {n: [r[n] for r in own] for n in names}
        numbers.append({"method": method, "drags": len(own)} | {n: float(np.mean(v)) for n, v in of.items()})
        there = f"{published[method]:{form}}" if method in published else ""
        cells = [told(v, form) if len(v) > 1 else f"{v[0]:{form}}" for v in of.values()]
        lines.append([words, str(len(own)), *cells, there])
    if not lines:
        raise ValueError(f"no row of these has {names[0]} of any of {', '.join(METHODS)}")
    return numbers, table(["method", "drags", *head], lines)


def accuracy(folder: Path) -> tuple[list[dict], str]:
    rows = read(folder)
    if not rows:
        raise ValueError(f"{folder} has no results*.jsonl with rows; python -m gooddrag bench writes them")
    names = [f"dai_{gamma}" for gamma in GAMMAS]
    heads = [f"DAI({gamma})" for gamma in GAMMAS] + ["the paper's DAI(1) on Drag100"]
    numbers, lines = _columns(rows, names, ".4f", PUBLISHED_DAI_1, heads)
    return numbers, f"Drag accuracy, Eq. 10, means with 95 % intervals, lower is better:\n\n{lines}"


def quality(folder: Path) -> tuple[list[dict], str]:
    found = [r for r in gscore_rows(folder) if "scores" in r]
    if not found:
        raise ValueError(f"{folder} has no gscore.jsonl with scores; python -m gooddrag gscore writes them")
    rows = [
        {"method": method, "sample": sample, "gscore": value}
        for method, of in means(found).items()
        for sample, value in of.items()
    ]
    numbers, lines = _columns(rows, ["gscore"], ".2f", PUBLISHED_GSCORE, ["GScore", "the paper's on Drag100"])
    judges = " and ".join(sorted({r["asked"]["judge"] for r in found}))
    return (
        numbers,
        f"Quality by {judges}, 0 to 10, means over samples with 95 % intervals, higher is better:\n\n{lines}",
    )


TABLES = {"table-1": Table("DAI at four radii", accuracy), "table-2": Table("GScore", quality)}
"""By the number that the paper gives them."""
