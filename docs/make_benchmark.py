"""Writes the tables of docs/benchmark.md from the rows in docs/benchmark/: ``python docs/make_benchmark.py``.

With ``DIR`` of a bench run and the name of its world (``plain`` or ``shifted``) the rows are taken from there first:
``python docs/make_benchmark.py plain=DIR shifted=DIR``. What the text says of the tables is written by people.
"""

from __future__ import annotations

import json
import re
import statistics
import sys
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

from gooddrag.bench.figures.published import PUBLISHED_DAI_1  # noqa: E402
from gooddrag.bench.figures.shown import table  # noqa: E402
from gooddrag.bench.methods import METHODS  # noqa: E402
from gooddrag.bench.metrics.dai import GAMMAS  # noqa: E402
from gooddrag.bench.metrics.ranks import by_picture  # noqa: E402
from gooddrag.bench.tables import LOWER_IS_BETTER, by_sample, paired, report, told  # noqa: E402
from gooddrag.demo.evaluate import interval  # noqa: E402

PAGE, FOLDER = HERE / "benchmark.md", HERE / "benchmark"
DIFFERENCES_PAGE = FOLDER / "differences.md"
WORLDS = {"plain": "demo", "shifted": "shifted"}
OURS = ("exact-source", "warp-start")
"""Not of the paper, and not run on every drag."""
EVERYWHERE = tuple(name for name, m in METHODS.items() if name not in OURS and not m.worldly)
MEASURES = {
    "dai_1": "DAI, gamma 1",
    "dai_5": "gamma 5",
    "dai_10": "gamma 10",
    "dai_20": "gamma 20",
    "dai_authors": "DAI by the authors' script",
    "md": "MD",
    "md2": "MD2",
    "m_md": "m-MD",
    "left": "what its own tracker says is left",
    "if": "IF (SSIM)",
    "if_bg": "IF_bg",
    "if_s2t": "IF_s2t",
    "if_s2s": "IF_s2s",
    "psnr": "PSNR to the original",
    "outside": "change outside",
}
DIFFERENCES = (
    ("ratio", "error ratio", np.mean, "+.2f"),
    ("ratio", "error ratio", np.median, "+.2f"),
    ("done", "drag done", np.mean, "+.2f"),
    ("dai_1", "DAI(1)", np.mean, "+.3f"),
    ("dai_20", "DAI(20)", np.mean, "+.3f"),
    ("md", "MD, px", np.mean, "+.1f"),
    ("md2", "MD2, px", np.mean, "+.1f"),
    ("if", "IF", np.mean, "+.4f"),
    ("if_s2t", "IF_s2t", np.mean, "+.3f"),
    ("outside", "outside, of 255", np.mean, "+.2f"),
)
PICKED = [
    f"{world}: {what}"
    for world in WORLDS.values()
    for what in ("ratio, median, mean", "better than nothing", "mean less GoodDrag's")
]
BEFORE_DIFFERENCES = """# Paired differences

Each method minus GoodDrag on the same drags, with 95 % bootstrap intervals over drags; bold where the interval leaves zero out.
Lower is better but for *drag done*, IF and IF_s2t. Nothing is corrected for the number of intervals: of twenty differences that are
none, one is bold.
"""
Row = dict
Worlds = dict[str, list[Row]]


def file(world: str) -> Path:
    return FOLDER / f"results-{world}.jsonl"


def rows(world: str) -> list[Row]:
    """One for each drag and method, in the order of the drags."""
    every = [json.loads(line) for line in file(world).read_text().splitlines()]
    if len({r["key"] for r in every}) > 1:
        sys.exit(f"the rows of {world} are of several settings")
    found: dict[tuple[str, str], Row] = {(r["sample"], r["method"]): r for r in every if "error" not in r}
    places = {name: i for i, name in enumerate(dict.fromkeys(sample for sample, _ in found))}
    order = list(METHODS)
    return sorted(found.values(), key=lambda r: (places[r["sample"]], order.index(r["method"])))


def whole(rows: list[Row]) -> list[Row]:
    """Of the drags that every method has which is run on all."""
    by = by_sample(rows, "dai_1")
    left = [name for name in by if not set(EVERYWHERE) <= set(by[name])]
    if left:
        print("without a row of every method, not in the tables:", *left)
    return [r for r in rows if set(EVERYWHERE) <= set(by[r["sample"]])]


def numbers(rows: list[Row], name: str) -> list[float]:
    return [r[name] for r in rows if isinstance(r.get(name), (int, float))]


def drags(worlds: Worlds) -> str:
    def count(world: str) -> str:
        samples = {r["sample"]: r["kind"] for r in worlds[world]}
        long = sum(kind.startswith("long") for kind in samples.values())
        return f"{len(samples)} drags, {long} of them long"

    return f"The tables hold {count('plain')}, of the demo world, and {count('shifted')}, of the shifted one."


def methods(worlds: Worlds) -> str:
    header = ["", "error ratio: median [95 %]", "mean", "better than nothing", "drag done", "DAI(1), mean", "MD, px"]
    header += ["IF", "U-Net evaluations (with gradient)"]
    parts = []
    for world, own in worlds.items():
        lines = []
        for name in (*EVERYWHERE, *(n for n, m in METHODS.items() if m.worldly)):
            mine = [r for r in own if r["method"] == name]
            ratio = numbers(mine, "ratio")
            if not ratio:
                continue
            low, high = interval(ratio)
            part = f" ({len(mine)} drags)" if len(mine) < len({r["sample"] for r in own}) else ""
            middle = {n: statistics.median(numbers(mine, n)) for n in ("done", "md", "if", "evaluations", "gradients")}
            cost = f"{middle['evaluations']:.0f} ({middle['gradients']:.0f})"
            cells = [METHODS[name].words + part, f"{statistics.median(ratio):.2f} [{low:.2f}, {high:.2f}]"]
            cells += [f"{statistics.fmean(ratio):.2f}", f"{sum(x < 1 for x in ratio) / len(ratio):.0%}"]
            cells += [f"{middle['done']:.2f}", f"{statistics.fmean(numbers(mine, 'dai_1')):.3f}", f"{middle['md']:.1f}"]
            lines.append([*cells, f"{middle['if']:.3f}", "none" if METHODS[name].worldly else cost])
        parts.append(table([f"the {WORLDS[world]} world", *header[1:]], lines))
    return "\n\n".join(parts)


def accuracy(worlds: Worlds) -> str:
    """Table 1 of the paper, DAI's means at four radii."""
    header = [f"DAI({g})" for g in GAMMAS]
    lines = []
    for name in ("dragdiffusion", "dragdiffusion-210", "sde-drag", "without-aldd", "without-ip", "gooddrag"):
        cells = []
        for own in worlds.values():
            mine = [r for r in own if r["method"] == name]
            cells += [f"{statistics.fmean(numbers(mine, f'dai_{g}')):.3f}" for g in GAMMAS]
        paper = PUBLISHED_DAI_1.get(name)
        lines.append([METHODS[name].words, *cells, f"{paper:.3f}" if paper else ""])
    heads = [f"{WORLDS[world]}: {h}" for world in worlds for h in header]
    return table(["mean", *heads, "the paper's DAI(1), Drag100"], lines)


def _apart(own: list[Row], name: str, measure: str, of, form: str) -> str:
    """Of pairs with GoodDrag; bold where the interval leaves zero out."""
    apart = [b - a for a, b in paired(own, "gooddrag", name, measure)]
    if len(apart) < 3:
        return ""
    low, high = interval(apart, of)
    cell = f"{of(apart):{form}} [{low:{form}}, {high:{form}}]"
    return f"**{cell}**" if low > 0 or high < 0 else cell


def orderings(worlds: Worlds) -> str:
    """What the paper's claims are judged by."""
    chosen = (
        ("ratio", np.median, "+.2f"),
        ("ratio", np.mean, "+.2f"),
        ("dai_1", np.mean, "+.3f"),
        ("md", np.mean, "+.0f"),
    )
    header = ["minus GoodDrag", "world", "error ratio, median", "mean", "DAI(1), mean", "MD, mean, px"]
    lines = [
        [METHODS[name].words, WORLDS[world], *cells]
        for name in EVERYWHERE
        if name not in ("gooddrag", "warp")
        for world, own in worlds.items()
        if any(cells := [_apart(own, name, *what) for what in chosen])
    ]
    return table(header, lines)


def differences(worlds: Worlds) -> str:
    header = ["minus GoodDrag", "world"]
    header += [f"{words}, {'mean' if of is np.mean else 'median'}" for _, words, of, _ in DIFFERENCES]
    lines = []
    for name, method in METHODS.items():
        for world, own in worlds.items():
            cells = [_apart(own, name, measure, of, form) for measure, _, of, form in DIFFERENCES]
            if name != "gooddrag" and any(cells):
                lines.append([method.words, WORLDS[world], *cells])
    return table(header, lines)


def lengths(worlds: Worlds) -> str:
    names = [n for n in EVERYWHERE if n != "nothing"]
    lines = []
    for world, long, part in _by_length(worlds):
        cells = []
        for n in names:
            apart = [b - a for a, b in paired(part, "gooddrag", n, "ratio")]
            low, high = interval(apart, np.median)
            cell = f"{statistics.median(numbers([r for r in part if r['method'] == n], 'ratio')):.2f}"
            cells.append(f"**{cell}**" if n != "gooddrag" and (low > 0 or high < 0) else cell)
        lines.append([f"{WORLDS[world]}, {'long' if long else 'short'}", str(len({r["sample"] for r in part})), *cells])
    return table(["", "drags", *names], lines)


def _by_length(worlds: Worlds):
    for world, own in worlds.items():
        for long in (False, True):
            if part := [r for r in own if r["kind"].startswith("long") == long]:
                yield world, long, part


def traces(worlds: Worlds) -> str:
    """How GoodDrag's drags ended."""
    header = [
        "",
        "operations, median",
        "its tracker arrived",
        "error ratio of these",
        "did not",
        "error ratio of these",
    ]
    header += ["pixels left by the tracker", "content not within 20 px of the target by MD though the tracker arrived"]
    lines = []
    for world, long, part in _by_length(worlds):
        mine = [r for r in part if r["method"] == "gooddrag"]
        there, not_there = ([r for r in mine if (r["ended"] == "reached") == arrived] for arrived in (True, False))
        cells = [f"{statistics.median(numbers(mine, 'operations')):.0f}"]
        for some in (there, not_there):
            cells += [str(len(some)), f"{statistics.median(numbers(some, 'ratio')):.2f}" if some else ""]
        cells.append(f"{statistics.median(numbers(not_there, 'left')):.0f}" if not_there else "")
        cells.append(str(sum(r["md"] > 20 for r in there)))
        lines.append([f"{WORLDS[world]}, {'long' if long else 'short'}", *cells])
    return table(header, lines)


def ranks(worlds: Worlds) -> str:
    lines = []
    for name, words in MEASURES.items():
        cells = []
        for world in worlds.values():
            # DragDiffusion* is mostly DragDiffusion's own edit once more
            own = [
                r for r in world if r["method"] in EVERYWHERE and r["method"] not in ("nothing", "dragdiffusion-210")
            ]
            sign = 1 if name in LOWER_IS_BETTER else -1
            found = by_picture(by_sample(own, "ratio"), by_sample(own, name))
            cells.append(told([sign * x for x in found.values()]))
        lines.append([words, *cells])
    return table(["measure", "demo world", "shifted world"], lines)


def starts(worlds: Worlds) -> str:
    """Whether a warped latent is a better start, of short drags and of long ones; over all that were run from both."""
    header = ["drags", "number"]
    for words in ("from the latent: ratio, median, mean", "from the warped one"):
        header += [words, "better than nothing", "gradients"]
    lines = []
    for world, own in worlds.items():
        for long in (False, True):
            part = [r for r in own if r["kind"].startswith("long") == long]
            both = by_sample([r for r in part if r["method"] in ("gooddrag", "warp-start")], "ratio")
            samples = {name for name, found in both.items() if len(found) == 2}
            if not samples:
                continue
            cells = [f"{WORLDS[world]}, {'at least' if long else 'below'} 50 pixels", str(len(samples))]
            for name in ("gooddrag", "warp-start"):
                chosen = [r for r in part if r["method"] == name and r["sample"] in samples]
                ratio = numbers(chosen, "ratio")
                cells.append(f"{statistics.median(ratio):.2f}, {statistics.fmean(ratio):.2f}")
                cells.append(f"{sum(x < 1 for x in ratio)}")
                cells.append(f"{statistics.median(numbers(chosen, 'gradients')):.0f}")
            apart = [b - a for a, b in paired(part, "gooddrag", "warp-start", "ratio")]
            for of in (np.mean, np.median):
                low, high = interval(apart, of)
                cells.append(f"{of(apart):+.2f} [{low:+.2f}, {high:+.2f}]")
            lines.append(cells)
    return table([*header, "ratio's difference, mean", "median"], lines)


def picked(worlds: Worlds) -> str:
    """Of several edits of one drag the one that a measure likes best, without the truth."""
    several = (
        ("gooddrag", "warp"),
        ("gooddrag", "dragdiffusion"),
        ("gooddrag", "dragdiffusion", "sde-drag"),
        ("gooddrag", "ip-once", "dragdiffusion", "sde-drag", "warp"),
    )
    header = ["attempts", "picked by", "evaluations", *PICKED]
    lines = []
    for names in several:
        for measure in ("md2", "if_bg"):
            cells, cost = [], 0.0
            for own in worlds.values():
                by = {name: {r["sample"]: r for r in own if r["method"] == name} for name in names}
                sign = 1 if measure in LOWER_IS_BETTER else -1
                chosen = [
                    min((by[name][s] for name in names), key=lambda r, sign=sign: sign * r[measure])
                    for s in by["gooddrag"]
                ]
                ratio = np.array(numbers(chosen, "ratio"))
                apart = ratio - np.array(numbers(list(by["gooddrag"].values()), "ratio"))
                low, high = interval(apart, np.mean)
                cells += [f"{np.median(ratio):.2f}, {ratio.mean():.2f}", f"{(ratio < 1).mean():.0%}"]
                cells.append(f"{apart.mean():+.2f} [{low:+.2f}, {high:+.2f}]")
                cost += sum(statistics.fmean(numbers(list(of.values()), "evaluations")) for of in by.values())
            lines.append([", ".join(names), MEASURES[measure], f"{cost / len(worlds):.0f}", *cells])
    return table(header, lines)


def main() -> None:
    for given in sys.argv[1:]:
        world, folder = given.split("=", 1)
        file(world).write_text((Path(folder) / "results.jsonl").read_text())
    every = {world: rows(world) for world in WORLDS}
    worlds = {world: whole(own) for world, own in every.items()}
    for world, own in worlds.items():
        count = len({r["sample"] for r in own})
        (FOLDER / f"{world}.md").write_text(report(own, f"The {WORLDS[world]} world, {count} drags"))
    DIFFERENCES_PAGE.write_text(f"{BEFORE_DIFFERENCES}\n{differences(worlds)}\n")
    page = PAGE.read_text()
    for make in (drags, methods, orderings, accuracy, lengths, traces, ranks, picked, starts):
        start, end = f"<!-- {make.__name__} -->", f"<!-- end of {make.__name__} -->"
        if start not in page or end not in page:
            sys.exit(f"{PAGE.name} has no place for {make.__name__}: {start} and {end}")
        given = every if make is starts else worlds
        made = f"{start}\n{make(given)}\n{end}"
        page = re.sub(f"{re.escape(start)}.*?{re.escape(end)}", lambda _, made=made: made, page, flags=re.S)
    PAGE.write_text(page)


if __name__ == "__main__":
    main()
