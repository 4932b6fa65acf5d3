"""What presets and precisions give and cost: drags of the demo world whose true result is known.

Every finished drag is kept in ``.work/quality``, so that a run that was stopped goes on. Measures are those of
``gooddrag.demo.evaluate``.
"""

from __future__ import annotations

import argparse
import copy
import dataclasses
import hashlib
import json
import statistics
import subprocess
import sys
from functools import partial
from pathlib import Path

from gooddrag import demo
from gooddrag.bench.datasets.world import LONG
from gooddrag.config import PAPER, PRESETS

from .report import Report

ROOT = Path(__file__).resolve().parent.parent.parent
KEPT = ROOT / ".work" / "quality"
FIRST = 1000
"""Number of the first scene: held out from training, and from choosing the presets."""

PENALTY = PRESETS["paper"].replace(window=True)
LOCK = PENALTY.replace(background="lock")
MODES = {
    "paper": ("preset paper: the authors' computation (`tests.parity`), penalty", PRESETS["paper"], "float32"),
    "penalty": ("paper's numbers, penalty in a window", PENALTY, "float32"),
    "lock whole": ("paper's numbers, lock, the whole picture evaluated", LOCK.replace(window=False), "float32"),
    "lock": ("paper's numbers, lock in a window: the fast path", LOCK, "float32"),
    "lock bf16": ("paper's numbers, lock, bf16", LOCK, "bfloat16"),
    "lock fp16": ("paper's numbers, lock, fp16", LOCK, "float16"),
    "balanced": ("preset balanced", PRESETS["balanced"], "float32"),
    "fast": ("preset fast", PRESETS["fast"], "float32"),
    "fast bf16": ("preset fast, bf16", PRESETS["fast"], "bfloat16"),
    "fast fp16": ("preset fast, fp16", PRESETS["fast"], "float16"),
    "best": ("preset best", PRESETS["best"], "float32"),
    "fast latent": ("preset fast without warp_start", PRESETS["fast"].replace(warp_start=False), "float32"),
    "balanced latent": ("preset balanced without warp_start", PRESETS["balanced"].replace(warp_start=False), "float32"),
}

TABLE = ("paper", "lock whole", "lock", "balanced", "fast", "fast bf16", "fast fp16")
"""Of docs/performance.md: 18 drags take a core-hour."""


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--drags", type=int, default=2, help="scenes; each has a drag of every kind")
    parser.add_argument("--processes", type=int, default=2, help="each uses one thread")
    parser.add_argument("--modes", nargs="+", choices=MODES, default=list(TABLE))
    parser.add_argument("--long", action="store_true", help="long drags instead, of every kind that can be long")
    parser.add_argument("--only-table", action="store_true", help="from the drags that are there")


def _in_float32(module, exact, x):
    if hasattr(module, "padding"):  # a window changes it
        exact.padding = module.padding
    return exact(x.float()).to(x.dtype)


def _summed_in_float32(unet):
    """Half precision as a GPU computes it: products of half-precision numbers, summed in float32, the sum rounded. A CPU
    without such arithmetic takes ten times as long for torch's own, which rounds in between."""
    from torch import nn

    for module in unet.modules():
        if isinstance(module, (nn.Conv2d, nn.Linear)):
            exact = copy.deepcopy(module).float()
            module.forward = partial(_in_float32, module, exact)
    return unet


def _settings(mode: str) -> str:
    """Of what is not the paper's, so that rows outlive a new field, and of the model's weights."""
    _, config, dtype = MODES[mode]
    paper = dataclasses.asdict(PAPER)
    changes = {k: v for k, v in dataclasses.asdict(config).items() if v != paper[k]}
    return hashlib.sha256(json.dumps([changes, dtype, demo.version()]).encode()).hexdigest()[:12]


def _known() -> dict[tuple[str, str, int], dict]:
    rows = [json.loads(line) for path in sorted(KEPT.glob("*.jsonl")) for line in path.read_text().splitlines()]
    return {(r["mode"], r["kind"], r["seed"]): r for r in rows if r["settings"] == _settings(r["mode"])}


def _kinds(long: bool) -> tuple[str, ...]:
    from gooddrag.demo.drags import KINDS, LONG_KINDS

    return tuple(LONG + kind for kind in LONG_KINDS) if long else KINDS


def child(part: int, processes: int, drags: int, long: bool, modes: list[str]) -> None:
    import time
    from contextlib import nullcontext

    import torch
    from PIL import Image

    from gooddrag.demo import drag, load, text
    from gooddrag.demo.evaluate import array, measure
    from gooddrag.edit import Edit
    from gooddrag.method import lora
    from gooddrag.method.drag import drag as run_drag
    from gooddrag.method.inversion import invert
    from gooddrag.network import codec
    from gooddrag.network.model import Model

    torch.set_num_threads(1)
    model, vae = load()
    halves = {MODES[m][2] for m in modes} - {"float32"}
    models = {d: Model(_summed_in_float32(load()[0].unet.to(getattr(torch, d)))) for d in halves}
    models["float32"] = model
    KEPT.mkdir(parents=True, exist_ok=True)
    known = _known()
    for number, (seed, kind) in enumerate((s, k) for s in range(FIRST, FIRST + drags) for k in _kinds(long)):
        todo = [m for m in modes if (m, kind, seed) not in known]
        if number % processes != part or not todo:
            continue
        chosen = drag(kind.removeprefix(LONG), seed, long=long)
        z0, std = codec.encode(vae, codec.to_tensor(Image.fromarray(chosen.picture(0))))
        undragged = array(codec.decode(vae, z0, (256, 256)))
        tuned: dict[tuple, lora.LoRA] = {}
        for mode in todo:
            _, config, dtype = MODES[mode]
            # a LoRA is tuned once, in float32, for all modes that tune alike
            key = (config.lora_steps, config.lora_learning_rate, config.lora_batch, config.lora_rank)
            if config.lora_steps and key not in tuned:
                tuned[key] = lora.train_lora(model, z0, text(model), config, seed=seed, std=std)
            start = time.monotonic()
            borrowed = models[dtype]
            with lora.applied(borrowed.unet, tuned[key]) if config.lora_steps else nullcontext():
                inversion = invert(borrowed, z0, text(model), (256, 256), config)
                result = run_drag(borrowed, inversion, chosen.points, torch.from_numpy(chosen.mask), config)
            pictures = (codec.decode(vae, z, (256, 256)) for z in (result.latent, result.source))
            row = measure(chosen, Edit(*pictures, result), undragged, time.monotonic() - start)
            with open(KEPT / f"{part}.jsonl", "a") as file:
                json.dump({"mode": mode, "settings": _settings(mode), **dataclasses.asdict(row), "kind": kind}, file)
                file.write("\n")


def _mean_interval(values: list[float]) -> tuple[float, float]:
    """95 % bootstrap interval of the mean."""
    import numpy as np

    means = np.random.default_rng(0).choice(values, (4000, len(values))).mean(axis=1)
    return float(np.percentile(means, 2.5)), float(np.percentile(means, 97.5))


def table(known: dict[tuple[str, str, int], dict], modes: list[str], kinds: tuple[str, ...]) -> str:
    """All modes over the drags of these ``kinds`` that every one of them has done, and the ratio by kind."""
    done = ({(k, s) for m, k, s in known if m == mode and k in kinds} for mode in modes)
    common = sorted(set.intersection(*done))
    rows = {mode: [known[mode, kind, seed] for kind, seed in common] for mode in modes}

    def less(mode: str, other: str) -> str:
        difference = [a["ratio"] - b["ratio"] for a, b in zip(rows[mode], rows[other])]
        low, high = _mean_interval(difference)
        return f"{statistics.fmean(difference):+.3f} [{low:+.3f}, {high:+.3f}]"

    def middle(mode: str, field: str) -> float:
        return statistics.median(r[field] for r in rows[mode])

    lines = [
        f"| {len(common)} drags | U-Net evaluations | ratio: median, mean | mean less that of row 1 [95 %] "
        "| of row 2 | drag done, median | outside (of 255) | operations used |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for mode in modes:
        words, config, _ = MODES[mode]
        ratios = [r["ratio"] for r in rows[mode]]
        lines.append(
            f"| {words} | {config.evaluations} | {statistics.median(ratios):.2f}, {statistics.fmean(ratios):.2f} | "
            f"{less(mode, modes[0])} | {less(mode, modes[min(1, len(modes) - 1)])} | {middle(mode, 'done'):.2f} | "
            f"{middle(mode, 'outside'):.2f} | {middle(mode, 'operations'):.0f} |"
        )
    lines += ["", f"| ratio by kind, median | {' | '.join(modes)} |", "|---|" + "---|" * len(modes)]
    for kind in kinds:
        values = [[r["ratio"] for r in rows[mode] if r["kind"] == kind] for mode in modes]
        if values[0]:
            lines.append(f"| {kind} | {' | '.join(f'{statistics.median(v):.2f}' for v in values)} |")
    return "\n".join(lines)


def run(args: argparse.Namespace) -> Report:
    if not args.only_table:
        command = [sys.executable, "-m", "tests.benchmarks.quality"]
        what = [str(args.processes), str(args.drags), "long" if args.long else "short", *args.modes]
        parts = [subprocess.Popen([*command, str(part), *what], cwd=ROOT) for part in range(args.processes)]
        codes = [part.wait() for part in parts]
        if any(codes):
            raise SystemExit("a process failed; what is done is kept, run again")
    known, kinds = _known(), _kinds(args.long)
    rows = [r for r in known.values() if r["mode"] in args.modes and r["kind"] in kinds]
    return Report(
        table(known, args.modes, kinds), {"first": FIRST, "rows": rows}, "quality long" if args.long else None
    )


if __name__ == "__main__":
    part, processes, drags = (int(number) for number in sys.argv[1:4])
    child(part, processes, drags, sys.argv[4] == "long", sys.argv[5:])
