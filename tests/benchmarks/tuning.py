"""What a LoRA is worth once the source is read from its inversion: LoRAs of several costs in the demo world, and in the shifted
one, whose pictures the model has not seen.

Drags are the first of the benchmark (``gooddrag.bench``); its first 18 are short, two of each kind. Every finished one is kept in
``.work/tuning``, so that a run that was stopped goes on.
"""

from __future__ import annotations

import argparse
import statistics
from pathlib import Path

from gooddrag.config import PRESETS, DragConfig

from . import first
from .report import Report

KEPT = Path(__file__).resolve().parent.parent.parent / ".work" / "tuning"
WORLDS = {"demo world": False, "shifted": True}
SHARED = DragConfig(background="lock", window=True)
DENOISED, READ = "gooddrag", "exact-source"
"""Methods of the benchmark: the source denoised again, or read from its inversion."""
TUNED = ("lora_rank", "lora_steps", "lora_learning_rate", "lora_batch")
BALANCED = {name: getattr(PRESETS["balanced"], name) for name in TUNED}
VARIANTS = {
    "70 steps of 4, the paper's; the source denoised": ({}, DENOISED),
    "the same; the source read from its inversion": ({}, READ),
    "70 steps of 1; read": ({"lora_batch": 1}, READ),
    "70 steps of 1 at twice the rate; read": ({"lora_batch": 1, "lora_learning_rate": 1e-3}, READ),
    "70 steps of 1, rank 4, the preset best's; read": ({"lora_rank": 4, "lora_batch": 1}, READ),
    "20 steps of 1 at twice the rate, rank 4, the preset balanced's; read": (BALANCED, READ),
    "none; read": ({"lora_steps": 0}, READ),
    "none; denoised": ({"lora_steps": 0}, DENOISED),
}


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--drags", type=int, default=18, help="of each world")
    parser.add_argument("--processes", type=int, default=2, help="each uses one thread")


def _drags(drags: int, processes: int) -> dict[tuple[str, str], list[dict]]:
    """Rows of the drags by world and variant, in the order of the drags."""
    from gooddrag.bench.run import run as bench
    from gooddrag.bench.work import Job
    from gooddrag.command.models import Loader

    loras: dict[str, dict[str, str]] = {}  # the methods of a LoRA share it, and run together
    for words, (changes, method) in VARIANTS.items():
        loras.setdefault("-".join(f"{k}-{v}" for k, v in changes.items()) or "paper", {})[words] = method
    found = {}
    for name, methods in loras.items():
        changes, _ = VARIANTS[next(iter(methods))]
        for world, shift in WORLDS.items():
            options = {"limit": drags, "scenes": 8, "long": 9, "shift": shift}
            out = KEPT / f"{name}{'-shifted' * shift}"
            job = Job(
                "demo", tuple(methods.values()), "demo", Loader("demo", "cpu"), SHARED.replace(**changes), out, options
            )
            rows = bench(job, workers=processes, rows_alone=True)
            for words, method in methods.items():
                found[world, words] = [r for r in rows if r["method"] == method]
    return found


def _tflop(changes: dict, unit: dict[str, float]) -> float:
    return sum(first.edit(SHARED.replace(**changes), unit, naive=False).values())


def _short(row: dict) -> dict:
    return {name: row[name] for name in ("sample", "ratio", "done", "outside", "gradients")}


def run(args: argparse.Namespace) -> Report:
    import numpy as np

    from gooddrag.demo.evaluate import interval

    found = _drags(args.drags, args.processes)
    unit = first.units("sd15", 512)
    authors = sum(first.edit(DragConfig(), unit, naive=True).values())
    header = [f"| LoRA, {args.drags} drags a world | TFLOP | times fewer |"]
    for world in WORLDS:
        header.append(f" {world}: ratio, median, mean | less that of row 1 [95 %] | outside (of 255) |")
    lines = ["".join(header), "|---" * (3 + 3 * len(WORLDS)) + "|"]
    for words, (changes, _) in VARIANTS.items():
        cost = _tflop(changes, unit)
        cells = [words, f"{cost:.0f}", f"{authors / cost:.1f}"]
        for world in WORLDS:
            rows, base = found[world, words], found[world, next(iter(VARIANTS))]
            ratios = [r["ratio"] for r in rows]
            differences = [a["ratio"] - b["ratio"] for a, b in zip(rows, base, strict=True)]
            low, high = interval(differences, np.mean)
            cells.append(f"{statistics.median(ratios):.2f}, {statistics.fmean(ratios):.2f}")
            cells.append(f"{statistics.fmean(differences):+.3f} [{low:+.3f}, {high:+.3f}]" if rows is not base else "")
            cells.append(f"{statistics.median(r['outside'] for r in rows):.2f}")
        lines.append(f"| {' | '.join(cells)} |")
    return Report(
        "\n".join(lines), {"rows": {f"{w}: {v}": [_short(r) for r in rows] for (w, v), rows in found.items()}}
    )
