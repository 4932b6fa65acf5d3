"""Rows as tables: by method, against the first method, by kind, and how far each metric agrees with the truth."""

from __future__ import annotations

import csv
import io
import statistics
from collections.abc import Callable, Sequence

import numpy as np

from ..demo.evaluate import interval
from .methods import METHODS
from .metrics.ranks import by_picture, spearman
from .rows import Row

COLUMNS: dict[str, tuple[str, str]] = {
    "ratio": ("error ratio", ".2f"),
    "done": ("done", ".2f"),
    "dai_1": ("DAI(1)", ".4f"),
    "dai_20": ("DAI(20)", ".4f"),
    "md": ("MD, px", ".1f"),
    "md2": ("MD2", ".2f"),
    "left": ("left by its tracker, px", ".1f"),
    "if": ("IF", ".3f"),
    "outside": ("outside, of 255", ".2f"),
    "tres": ("TReS", ".1f"),
    "musiq": ("MUSIQ", ".1f"),
    "topiq": ("TOPIQ", ".3f"),
    "evaluations": ("U-Net evaluations", ".0f"),
    "gradients": ("of these for gradients", ".0f"),
    "seconds": ("s", ".1f"),
}
"""Of the table by method: name and format of each column; those of which no row has a number are left out."""
ENOUGH = 3
"""Drags from which on a median, or a difference drag by drag, has an interval."""
COMPARED = ("ratio", "done", "dai_1", "dai_20", "md", "md2", "if", "outside")
LOWER_IS_BETTER = {
    "ratio", "dai_1", "dai_5", "dai_10", "dai_20", "dai_authors", "md", "md2", "m_md", "left", "outside", "if_s2s", "true_lpips",
}  # fmt: skip
AGAINST_TRUTH = (
    "dai_1", "dai_5", "dai_10", "dai_20", "dai_authors", "md", "md2", "m_md", "left",
    "if", "if_bg", "if_s2t", "if_s2s", "psnr", "outside",
    "tres", "musiq", "topiq",
)  # fmt: skip


def as_csv(rows: Sequence[Row]) -> str:
    names = list(dict.fromkeys(name for row in rows for name in row if name not in ("key", "picture")))
    out = io.StringIO()
    writer = csv.DictWriter(out, names, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def report(rows: Sequence[Row], title: str) -> str:
    """All tables as Markdown."""
    good = [r for r in rows if "error" not in r]
    failed = [r for r in rows if "error" in r]
    parts = [f"# {title}"]
    if good:
        parts.append(by_method(good))
        parts += [table for table in (against_first(good), by_kind(good), agreement(good)) if table]
    if failed:
        lines = [f"* {r['sample']}, {r['method']}: {r['error']}" for r in failed]
        parts.append("\n".join([f"{len(failed)} of {len(rows)} failed:", "", *lines]))
    return "\n\n".join(parts) + "\n"


def named(name: str, rows: Sequence[Row]) -> str:
    """A column's name; IF with what it was measured by."""
    by = sorted({r["if_by"] for r in rows if name == "if" and "if_by" in r})
    return COLUMNS[name][0] + (f" by {' and '.join(by)}" if by else "")


def _methods(rows: Sequence[Row]) -> list[str]:
    return list(dict.fromkeys(r["method"] for r in rows))


def values(rows: Sequence[Row], name: str) -> list[float]:
    return [r[name] for r in rows if isinstance(r.get(name), (int, float))]


def by_method(rows: Sequence[Row]) -> str:
    """Medians with 95 % intervals."""
    shown = {name: how for name, how in COLUMNS.items() if values(rows, name)}
    better = bool(values(rows, "ratio"))
    head = ["method", "drags", *(named(name, rows) for name in shown), *(["better than nothing"] if better else [])]
    lines = [_line(head), _line(["---"] * len(head))]
    for method in _methods(rows):
        own = [r for r in rows if r["method"] == method]
        cells = [METHODS[method].words, str(len(own))]
        for name, (_, form) in shown.items():
            cells.append(_median(values(own, name), form, with_interval=name in COMPARED))
        if better:
            ratios = values(own, "ratio")
            cells.append(f"{sum(r < 1 for r in ratios) / len(ratios):.0%}" if ratios else "")
        lines.append(_line(cells))
    drags = max(len([r for r in rows if r["method"] == m]) for m in _methods(rows))
    words = "Medians, with 95 % intervals of the bootstrap over drags" if drags >= ENOUGH else few(drags)
    return "\n".join([f"{words}:", "", *lines])


def _median(numbers: Sequence[float], form: str, *, with_interval: bool) -> str:
    if not numbers:
        return ""
    middle = f"{statistics.median(numbers):{form}}"
    if not with_interval or len(numbers) < ENOUGH:
        return middle
    low, high = interval(numbers)
    return f"{middle} [{low:{form}}, {high:{form}}]"


def paired(rows: Sequence[Row], first: str, second: str, name: str) -> list[tuple[float, float]]:
    """The figures of two methods on the samples that both have."""

    def of(method: str) -> dict[str, float]:
        return {r["sample"]: r[name] for r in rows if r["method"] == method and isinstance(r.get(name), (int, float))}

    a, b = of(first), of(second)
    return [(a[s], b[s]) for s in a if s in b]


def against_first(rows: Sequence[Row], of: Callable = np.mean) -> str:
    """Paired differences to the first method; bold where the interval leaves zero out. A sentence where no two methods have
    enough drags in common."""
    first, *others = _methods(rows)
    shown = [name for name in COMPARED if values(rows, name)]
    if not others or not shown:
        return ""
    most = max(len(paired(rows, first, method, name)) for method in others for name in shown)
    if most < ENOUGH:
        there = "there is one" if most == 1 else f"there are {most}"
        return (
            f"Differences to {METHODS[first].words} drag by drag take {ENOUGH} drags that both methods have; {there}."
        )
    head = ["method", *(named(name, rows) for name in shown)]
    lines = [_line(head), _line(["---"] * len(head))]
    for method in others:
        cells = [METHODS[method].words]
        for name in shown:
            pairs = paired(rows, first, method, name)
            if len(pairs) < ENOUGH:
                cells.append("")
                continue
            differences = [b - a for a, b in pairs]
            middle, (low, high) = of(differences), interval(differences, of)
            form = "+" + COLUMNS[name][1]
            cell = f"{middle:{form}} [{low:{form}}, {high:{form}}]"
            cells.append(f"**{cell}**" if low > 0 or high < 0 else cell)
        lines.append(_line(cells))
    words = f"Mean paired differences to {METHODS[first].words} with 95 % intervals, bold where zero is outside:"
    return "\n".join([words, "", *lines])


def by_kind(rows: Sequence[Row], name: str = "ratio") -> str:
    """Medians of one figure by kind and method."""
    kinds = list(dict.fromkeys(r["kind"] for r in rows))
    if len(kinds) < 2 or not values(rows, name):
        return ""
    methods = _methods(rows)
    lines = [_line(["kind", "drags", *methods]), _line(["---"] * (2 + len(methods)))]
    for kind in kinds:
        own = [r for r in rows if r["kind"] == kind]
        cells = [kind, str(len({r["sample"] for r in own}))]
        cells += [
            _median(values([r for r in own if r["method"] == m], name), ".2f", with_interval=False) for m in methods
        ]
        lines.append(_line(cells))
    return "\n".join([f"{COLUMNS[name][0].capitalize()} by kind, medians:", "", *lines])


def agreement(rows: Sequence[Row], truth: str = "ratio") -> str:
    """Spearman's rank correlation of each metric with the true error: over all edits, and the mean over drags of that between
    methods (Eq. 11, 12). The edit that does nothing is left out: it would be easy to tell."""
    rows = [r for r in rows if r["method"] != "nothing" and isinstance(r.get(truth), (int, float))]
    if len(rows) < 4:
        return ""
    lines = [_line(["metric", "over all edits", "between the methods of a drag", "drags"]), _line(["---"] * 4)]
    wanted = by_sample(rows, truth)
    for name in AGAINST_TRUTH:
        have = [r for r in rows if isinstance(r.get(name), (int, float))]
        if len(have) < 4:
            continue
        sign = 1 if name in LOWER_IS_BETTER else -1
        overall = sign * spearman(values(have, name), values(have, truth))
        within = [sign * rho for rho in by_picture(wanted, by_sample(rows, name)).values()]
        lines.append(_line([name, f"{overall:+.2f}", told(within) if within else "", str(len(within))]))
    words = "Rank correlation of each metric with the true error; +1: it orders edits as the truth does, 0: not at all:"
    return "\n".join([words, "", *lines])


def by_sample(rows: Sequence[Row], name: str) -> dict[str, dict[str, float]]:
    """One figure by sample and method."""
    found: dict[str, dict[str, float]] = {}
    for row in rows:
        if isinstance(row.get(name), (int, float)):
            found.setdefault(row["sample"], {})[row["method"]] = row[name]
    return found


def few(drags: int) -> str:
    """What a table of fewer than ``ENOUGH`` drags shows."""
    return "One drag, without intervals" if drags == 1 else f"Medians of {drags} drags, too few for intervals"


def over(count: int, of: str = "drag") -> str:
    """What ``told`` figures are means of."""
    return f"over {count} {of}s, with 95 % intervals" if count > 1 else f"of one {of}, without an interval"


def told(numbers: Sequence[float], form: str = "+.2f") -> str:
    """The mean with its 95 % interval; a single number has none."""
    if len(numbers) == 1:
        return f"{numbers[0]:{form}}"
    low, high = interval(numbers, np.mean)
    return f"{np.mean(numbers):{form}} [{low:{form}}, {high:{form}}]"


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"
