"""Figure 12: is fidelity without AlDD only a matter of fewer drag operations? How far each comes, and what fidelity that costs."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ..judge import Judge
from ..methods import Prepared
from ..methods.alternating import Alternating, alternating
from ..tables import over, told
from .shown import Shown, table

OPERATIONS = (70, 35, 15, 5)
ALDD = "AlDD, 70"


def _methods() -> dict[str, Alternating]:
    return {ALDD: alternating()} | {f"at T, {k}": alternating(at_once=True, operations=k) for k in OPERATIONS}


def show(pictures: Iterator[Prepared]) -> Shown:
    rows = []
    for prepared in pictures:
        with prepared.fitted():
            prepared.inversion()
        judge = Judge(prepared)
        for name, method in _methods().items():
            with prepared.fitted():
                edited = method(prepared)
            row = judge.row(edited)
            kept = {k: row[k] for k in ("ratio", "done", "left", "if", "if_by", "md", "dai_1") if k in row}
            rows.append({"sample": prepared.sample.name, "method": name, **kept})
    known = [name for name in ("ratio", "done", "left", "if", "md") if name in rows[0]]
    words = {
        "ratio": "error ratio",
        "done": "done",
        "left": "left, px",
        "if": f"IF by {rows[0]['if_by']}",
        "md": "MD, px",
    }

    def of(method: str, name: str) -> np.ndarray:
        return np.array([r[name] for r in rows if r["method"] == method], dtype=float)

    lines = [[m, *(told(of(m, name), ".3f" if name == "if" else ".2f") for name in known)] for m in _methods()]
    best = "ratio" if "ratio" in known else "md"
    differences = [
        f"{told(of(m, best) - of(ALDD, best))} at T with {m.partition(', ')[2]}" for m in list(_methods())[1:]
    ]
    finding = "\n\n".join(
        [
            f"Means {over(len(of(ALDD, 'if')))}; the number is that of drag operations at most:",
            table(["method", *(words[name] for name in known)], lines),
            f"Paired differences of the {words[best]} to AlDD: {'; '.join(differences)}.",
        ]
    )
    return Shown(rows, finding, (6.5, 4.5), lambda figure: _draw(figure, of, known, words))


def _draw(figure, of, known: list[str], words: dict) -> None:
    axis = figure.subplots()
    across = "done" if "done" in known else "left"
    places: dict[tuple[float, float], list[str]] = {}
    for method in _methods():
        x, y = np.mean(of(method, across)), np.mean(of(method, "if"))
        places.setdefault((round(x, 2), round(y, 3)), []).append(method)
    for (x, y), methods in places.items():
        ours = ALDD in methods
        colour = "#0072B2" if ours else "#D55E00"
        axis.plot(x, y, "*" if ours else "o", color=colour, markersize=14 if ours else 8)
        # those that nobody could tell apart share a label
        axis.annotate(" = ".join(methods), (x, y), xytext=(0, 9), textcoords="offset points", ha="center", fontsize=9)
    axis.set(xlabel=f"{words[across]}, mean", ylabel=f"{words['if']}, mean")
    axis.margins(0.25)
