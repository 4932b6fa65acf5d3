"""Figure 13: information preservation, and why it needs more than one gradient step in an operation."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from PIL import Image

from ...overlay import draw_points
from ..judge import Judge
from ..methods import METHODS, Prepared
from ..tables import over, told
from .shown import Shown, table

COMPARED = {"without-ip": "without IP", "ip-once": "IP, J = 1", "gooddrag": "IP, J = 3"}


def show(pictures: Iterator[Prepared]) -> Shown:
    rows, grid = [], []
    for prepared in pictures:
        sample = prepared.sample
        asked = draw_points(Image.fromarray(sample.picture), sample.points, sample.mask)
        shown = [np.asarray(asked)]
        with prepared.fitted():
            prepared.inversion()
        judge = Judge(prepared)
        for name, words in COMPARED.items():
            with prepared.fitted():
                edited = METHODS[name].edit(prepared)
            row = judge.row(edited)
            kept = {k: row[k] for k in ("ratio", "done", "left", "md", "dai_1") if k in row}
            rows.append({"sample": sample.name, "method": words, **kept})
            shown.append(edited.picture)
        grid.append([*shown, *([] if sample.truth is None else [sample.truth])])

    def of(words: str, name: str) -> np.ndarray:
        return np.array([r[name] for r in rows if r["method"] == words], dtype=float)

    known = [name for name in ("ratio", "done", "left", "md") if name in rows[0]]
    lines = [[words, *(told(of(words, name), ".2f") for name in known)] for words in COMPARED.values()]
    heads = {"ratio": "error ratio", "done": "done", "left": "left, px", "md": "MD, px"}
    finding = "\n\n".join(
        [
            f"Means {over(len(grid))}:",
            table(["", *(heads[name] for name in known)], lines),
        ]
    )
    titles = ["asked", *COMPARED.values(), *(["truth"] if len(grid[0]) > 4 else [])]
    return Shown(rows, finding, (2 * len(titles), 2.1 * len(grid)), lambda figure: _draw(figure, grid, titles))


def _draw(figure, grid: list[list[np.ndarray]], titles: list[str]) -> None:
    axes = figure.subplots(len(grid), len(titles), squeeze=False)
    for row, pictures in zip(axes, grid):
        for axis, picture in zip(row, pictures):
            axis.imshow(picture)
            axis.set_axis_off()
    for axis, words in zip(axes[0], titles):
        axis.set_title(words, fontsize=9)
