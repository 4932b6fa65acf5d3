"""Tables 1 and 2 of the paper from the rows of a benchmark, beside what the paper reports for Drag100.

The paper's methods come first, in its order; whatever else was measured follows.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..finished import NOTE
from ..gscore.scoring import means
from ..gscore.scoring import rows as gscore_rows
from ..methods import METHODS
from ..metrics.dai import GAMMAS
from ..reading import parsed, text
from ..rows import read
from ..tables import over, told
from .shown import table

THE_PAPERS = {
    "dragdiffusion": "DragDiffusion",
    "dragdiffusion-210": "DragDiffusion*",
    "sde-drag": "SDE-Drag",
    "draggan": "DragGAN",
    "gooddrag": "GoodDrag",
}
PUBLISHED_DAI_1 = {"dragdiffusion": 0.1477, "dragdiffusion-210": 0.1189, "gooddrag": 0.0696}
PUBLISHED_GSCORE = {"dragdiffusion": 6.87, "dragdiffusion-210": 6.90, "gooddrag": 7.94}
PUBLISHED_OF = "Drag100"
"""The pictures that the paper's figures are of."""


@dataclass(frozen=True)
class Table:
    """``show`` takes a benchmark's folder and gives rows and words. Raises ``ValueError`` for one without what it needs."""

    words: str
    show: Callable[[Path], tuple[list[dict], str]]


def _same_pictures(folder: Path) -> bool:
    """Whether a benchmark was run on those of the paper, as far as its dataset's name tells."""
    try:
        dataset = parsed(text(folder / NOTE))["dataset"]
        return Path(dataset).name.lower() == PUBLISHED_OF.lower()
    except (OSError, ValueError, KeyError, TypeError):
        return False


def _theirs(folder: Path, what: str) -> str:
    """The head of the paper's column."""
    return f"the paper's {what}, of {PUBLISHED_OF if _same_pictures(folder) else f'other pictures ({PUBLISHED_OF})'}"


def _columns(rows: list[dict], names: list[str], form: str, published: dict[str, float], head: list[str]) -> tuple:
    """Numbers, what they are means over, and words: the table, and what it leaves out."""
    lines, numbers, without = [], [], []
    measured = dict.fromkeys(r["method"] for r in rows if isinstance(r.get("method"), str))
    more = [m for m in measured if m not in THE_PAPERS]
    for method in (*THE_PAPERS, *more):
        own = [r for r in rows if r.get("method") == method and all(isinstance(r.get(n), (int, float)) for n in names)]
        words = THE_PAPERS.get(method) or (METHODS[method].words if method in METHODS else method)
        if not own:
            without += [words] if method in measured else []
            continue
        of = {n: [r[n] for r in own] for n in names}
        numbers.append({"method": method, "drags": len(own)} | {n: float(np.mean(v)) for n, v in of.items()})
        there = f"{published[method]:{form}}" if method in published else ""
        lines.append([words, str(len(own)), *(told(v, form) for v in of.values()), there])
    if not lines:
        raise ValueError(f"no row of these has {names[0]} of any method")
    parts = [table(["method", "drags", *head], lines)]
    if any(n["method"] not in published for n in numbers):
        listed = ", ".join(THE_PAPERS[method] for method in published)
        parts.append(f"The paper's table has {listed}; the other rows are of methods that were measured beside them.")
    if without:
        parts.append(f"Left out, since none of their edits succeeded: {', '.join(without)}.")
    counts = {n["drags"] for n in numbers}
    of = (
        over(*counts)
        if len(counts) == 1
        else "over each row's own drags, with 95 % intervals: rows are not of the same drags"
    )
    return numbers, of, "\n\n".join(parts)


def _of_one_run(folder: Path, rows: list[dict], key_of: Callable[[dict], object]) -> list[dict]:
    """Rows of the settings that were run last, where a folder says which. Raises ``ValueError`` where all are of others."""
    try:
        key = parsed(text(folder / NOTE))["key"]
    except (OSError, ValueError, KeyError, TypeError):
        if len({key_of(r) for r in rows}) > 1:
            raise ValueError(
                f"{folder} has rows of several settings, and no sound {NOTE} that says which ran last"
            ) from None
        return rows
    found = [r for r in rows if key_of(r) == key]
    if rows and not found:
        raise ValueError(
            f"all {len(rows)} rows in {folder} are of other edits than those that were run last, or of an older version that did "
            "not say of which; run the same command again, or bench with the settings that they are of"
        )
    return found


def accuracy(folder: Path) -> tuple[list[dict], str]:
    rows = _of_one_run(folder, read(folder), lambda r: r.get("key"))
    if not rows:
        raise ValueError(f"{folder} has no results*.jsonl with rows; python -m gooddrag bench writes them")
    names = [f"dai_{gamma}" for gamma in GAMMAS]
    heads = [f"DAI({gamma})" for gamma in GAMMAS] + [_theirs(folder, "DAI(1)")]
    numbers, drags, lines = _columns(rows, names, ".4f", PUBLISHED_DAI_1, heads)
    return numbers, f"Drag accuracy, Eq. 10, means {drags}; lower is better:\n\n{lines}"


def quality(folder: Path) -> tuple[list[dict], str]:
    scores = [r for r in gscore_rows(folder) if "scores" in r]
    found = _of_one_run(folder, scores, lambda r: r["asked"].get("edits"))
    if not found:
        raise ValueError(f"{folder} has no gscore.jsonl with scores; python -m gooddrag gscore writes them")
    rows = [
        {"method": method, "sample": sample, "gscore": value}
        for method, of in means(found).items()
        for sample, value in of.items()
    ]
    numbers, drags, lines = _columns(rows, ["gscore"], ".2f", PUBLISHED_GSCORE, ["GScore", _theirs(folder, "GScore")])
    judges = " and ".join(sorted({r["asked"]["judge"] for r in found}))
    return numbers, f"Quality by {judges}, 0 to 10, means {drags}; higher is better:\n\n{lines}"


TABLES = {"table-1": Table("DAI at four radii", accuracy), "table-2": Table("GScore", quality)}
"""By the number that the paper gives them."""
