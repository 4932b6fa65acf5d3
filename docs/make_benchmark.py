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

from gooddrag.bench.figures.shown import table  # noqa: E402
from gooddrag.bench.methods import METHODS  # noqa: E402
from gooddrag.bench.metrics.ranks import by_picture  # noqa: E402
from gooddrag.bench.tables import LOWER_IS_BETTER, by_sample, paired, report, told  # noqa: E402
from gooddrag.demo.evaluate import interval  # noqa: E402

PAGE, FOLDER = HERE / "benchmark.md", HERE / "benchmark"
WORLDS = {"plain": "demo", "shifted": "shifted"}
OURS = ("exact-source", "warp-start")
"""Not of the paper, and not run on every drag."""
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
    ("ratio", np.mean, "+.2f"),
    ("ratio", np.median, "+.2f"),
    ("dai_1", np.mean, "+.3f"),
    ("dai_20", np.mean, "+.3f"),
    ("md", np.mean, "+.1f"),
)
Row = dict
Worlds = dict[str, list[Row]]


def rows(world: str) -> list[Row]:
    """One for each drag and method, in the order of the drags."""
    found: dict[tuple[str, str], Row] = {}
    for line in (FOLDER / f"results-{world}.jsonl").read_text().splitlines():
        row = json.loads(line)
        if "error" not in row:
            found[row["sample"], row["method"]] = row
    places = {name: i for i, name in enumerate(dict.fromkeys(sample for sample, _ in found))}
    order = list(METHODS)
    return sorted(found.values(), key=lambda r: (places[r["sample"]], order.index(r["method"])))


def whole(rows: list[Row]) -> list[Row]:
    """Of the drags that every method has which is run on all."""
    by = by_sample(rows, "dai_1")
    everywhere = {name for name, m in METHODS.items() if name not in OURS and not m.worldly}
    return [r for r in rows if everywhere <= set(by[r["sample"]])]


def numbers(rows: list[Row], name: str) -> list[float]:
    return [r[name] for r in rows if isinstance(r.get(name), (int, float))]


def drags(worlds: Worlds) -> str:
    def count(world: str) -> str:
        samples = {r["sample"]: r["kind"] for r in worlds[world]}
        long = sum(kind.startswith("long") for kind in samples.values())
        return f"{len(samples)} drags, {long} of them long"

    return f"The tables hold {count('plain')}, of the demo world, and {count('shifted')}, of the shifted one."


def methods(worlds: Worlds) -> str:
    header = ["method"]
    for words in ("demo world", "shifted"):
        header += [f"{words}: error ratio", "DAI(1)", "MD, px", "better than nothing"]
    lines = []
    for name, method in METHODS.items():
        cells, evaluations = [method.words], []
        for world in worlds.values():
            own = [r for r in world if r["method"] == name]
            ratio = numbers(own, "ratio")
            if not ratio:
                cells += [""] * 4
                continue
            low, high = interval(ratio)
            part = f" ({len(own)} drags)" if len(own) < len({r["sample"] for r in world}) else ""
            cells.append(f"{statistics.median(ratio):.2f} [{low:.2f}, {high:.2f}]{part}")
            cells += [f"{statistics.median(numbers(own, 'dai_1')):.4f}", f"{statistics.median(numbers(own, 'md')):.1f}"]
            cells.append(f"{sum(x < 1 for x in ratio) / len(ratio):.0%}")
            evaluations += numbers(own, "evaluations")
        if evaluations:
            lines.append([*cells, "none" if METHODS[name].worldly else f"{statistics.median(evaluations):.0f}"])
    return table([*header, "U-Net evaluations"], lines)


def differences(worlds: Worlds) -> str:
    header = [
        "minus GoodDrag",
        " ",
        "error ratio, mean",
        "error ratio, median",
        "DAI(1), mean",
        "DAI(20), mean",
        "MD, mean, px",
    ]
    lines = []
    for name, method in METHODS.items():
        for world, own in worlds.items():
            cells = []
            for measure, of, form in DIFFERENCES:
                apart = [b - a for a, b in paired(own, "gooddrag", name, measure)]
                if name in ("gooddrag", "nothing") or len(apart) < 3:
                    cells.append("")
                    continue
                low, high = interval(apart, of)
                cell = f"{of(apart):{form}} [{low:{form}}, {high:{form}}]"
                cells.append(f"**{cell}**" if low > 0 or high < 0 else cell)
            if any(cells):
                lines.append([method.words, WORLDS[world], *cells])
    return table(header, lines)


def lengths(worlds: Worlds) -> str:
    names = [n for n, m in METHODS.items() if n not in ("nothing", *OURS) and not m.worldly]
    lines = []
    for world, own in worlds.items():
        for long in (False, True):
            part = [r for r in own if r["kind"].startswith("long") == long]
            medians = [numbers([r for r in part if r["method"] == n], "ratio") for n in names]
            cells = [f"{statistics.median(v):.2f}" if len(v) > 2 else "" for v in medians]
            samples = len({r["sample"] for r in part})
            lines.append([f"{WORLDS[world]}, {'long' if long else 'short'}", str(samples), *cells])
    return table(["", "drags", *names], lines)


def ranks(worlds: Worlds) -> str:
    lines = []
    for name, words in MEASURES.items():
        cells = []
        for world in worlds.values():
            own = [r for r in world if r["method"] not in ("nothing", *OURS)]
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


def main() -> None:
    for given in sys.argv[1:]:
        world, folder = given.split("=", 1)
        (FOLDER / f"results-{world}.jsonl").write_text((Path(folder) / "results.jsonl").read_text())
    every = {world: rows(world) for world in WORLDS}
    worlds = {world: whole(own) for world, own in every.items()}
    for world, own in worlds.items():
        count = len({r["sample"] for r in own})
        (FOLDER / f"{world}.md").write_text(report(own, f"The {WORLDS[world]} world, {count} drags"))
    page = PAGE.read_text()
    for make in (drags, methods, differences, lengths, ranks, starts):
        start, end = f"<!-- {make.__name__} -->", f"<!-- end of {make.__name__} -->"
        if start not in page or end not in page:
            sys.exit(f"{PAGE.name} has no place for {make.__name__}: {start} and {end}")
        made = f"{start}\n{make(every if make is starts else worlds)}\n{end}"
        page = re.sub(f"{re.escape(start)}.*?{re.escape(end)}", lambda _, made=made: made, page, flags=re.S)
    PAGE.write_text(page)


if __name__ == "__main__":
    main()
