"""What the region that may change gives: around the arrows (the default), the true one, and the whole picture.

Drags of the demo world whose true result is known, each of another held-out scene; the three regions share the tuned LoRA, the
inversion and the undragged picture. Every finished drag is kept in ``.work/region``, so that a run that was stopped goes on.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import statistics
from pathlib import Path

import numpy as np

from .report import Report

ROOT = Path(__file__).resolve().parent.parent.parent
KEPT = ROOT / ".work" / "region" / "drags.jsonl"
FIRST = 1000
"""Number of the first scene: held out from training."""
REGIONS = {
    "auto": "around the arrows (*auto*)",
    "true": "what the true drag changes, and 10 pixels around",
    "whole": "the whole picture",
}


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--drags", type=int, default=30, help="in all; those that are kept are not done again")
    parser.add_argument("--chunk", type=int, help="stop after so many new drags; a later run goes on")
    parser.add_argument("--only-table", action="store_true", help="from the drags that are there")


def chosen_drags(count: int) -> list[tuple[str, int]]:
    """Kinds in turn, and a scene of its own for each drag."""
    from gooddrag.demo import KINDS

    return [(KINDS[i % len(KINDS)], FIRST + i) for i in range(count)]


def _settings() -> str:
    from gooddrag.demo import version
    from gooddrag.demo.evaluate import EDITOR

    return hashlib.sha256(repr((EDITOR, version())).encode()).hexdigest()[:12]


def known() -> dict[tuple[str, int], dict]:
    """Finished drags of the present settings, by kind and scene."""
    lines = KEPT.read_text().splitlines() if KEPT.exists() else []
    rows = [json.loads(line) for line in lines]
    return {(r["kind"], r["seed"]): r for r in rows if r["settings"] == _settings()}


def one(kind: str, seed: int, model, vae) -> dict:
    """Figures of the three regions for one drag."""
    import torch
    from PIL import Image

    from gooddrag.demo import drag, text
    from gooddrag.demo.evaluate import EDITOR, array, error_ratio, fraction_done
    from gooddrag.method import lora
    from gooddrag.method.drag import drag as run_drag
    from gooddrag.method.inversion import invert
    from gooddrag.method.source import Source
    from gooddrag.network import codec
    from gooddrag.picture.region import editable
    from gooddrag.picture.value import Value

    scene = drag(kind, seed)
    size = (scene.points.width, scene.points.height)
    z0, std = codec.encode(vae, codec.to_tensor(Image.fromarray(scene.picture(0))))
    undragged = array(codec.decode(vae, z0, size))
    tuned = lora.train_lora(model, z0, text(model), EDITOR, seed=seed, std=std)
    masks = {
        "auto": editable(Value(), zip(scene.points.handles, scene.points.targets), None, *size),
        "true": scene.mask,
        "whole": None,
    }
    figures = {}
    with lora.applied(model.unet, tuned):
        inversion = invert(model, z0, text(model), size, EDITOR)
        source = Source(inversion, EDITOR)
        for name, mask in masks.items():
            region = None if mask is None else torch.from_numpy(np.asarray(mask))
            result = run_drag(model, inversion, scene.points, region, EDITOR, source=source)
            edited = array(codec.decode(vae, result.latent, size))
            figures[name] = {
                "area": 1.0 if mask is None else float((np.asarray(mask) > 0).mean()),
                "ratio": error_ratio(scene, edited, undragged),
                "done": fraction_done(scene, edited),
                "outside": float(np.abs(edited - undragged)[~scene.mask].mean()),
            }
    return {"kind": kind, "seed": seed, "settings": _settings(), "regions": figures}


def interval(values: list[float]) -> str:
    """Mean and 95 % bootstrap interval of it."""
    means = np.random.default_rng(0).choice(values, (4000, len(values))).mean(axis=1)
    low, high = np.percentile(means, (2.5, 97.5))
    return f"{statistics.fmean(values):+.3f} [{low:+.3f}, {high:+.3f}]"


def table(rows: list[dict]) -> str:
    lines = [
        f"| {len(rows)} drags: what may change | part of the picture | ratio: median, mean | mean less that of *auto* [95 %] | "
        "better than nothing | drag done, median | change outside of what the true drag changes (of 255) | less that of *auto* |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name, words in REGIONS.items():
        own, auto = ([r["regions"][n] for r in rows] for n in (name, "auto"))

        def less(field: str, own=own, auto=auto, name=name) -> str:
            return "" if name == "auto" else interval([a[field] - b[field] for a, b in zip(own, auto)])

        ratios = [f["ratio"] for f in own]
        lines.append(
            f"| {words} | {statistics.median(f['area'] for f in own):.0%} | {statistics.median(ratios):.2f}, "
            f"{statistics.fmean(ratios):.2f} | {less('ratio')} | {sum(r < 1 for r in ratios)} of {len(ratios)} | "
            f"{statistics.median(f['done'] for f in own):.2f} | {statistics.median(f['outside'] for f in own):.2f} | "
            f"{less('outside')} |"
        )
    return "\n".join(lines)


def run(args: argparse.Namespace) -> Report:
    from gooddrag.demo import load

    wanted, done = chosen_drags(args.drags), known()
    todo = [] if args.only_table else [d for d in wanted if d not in done][: args.chunk]
    if todo:
        model, vae = load()
        KEPT.parent.mkdir(parents=True, exist_ok=True)
        for kind, seed in todo:
            done[kind, seed] = one(kind, seed, model, vae)
            with KEPT.open("a") as file:
                file.write(json.dumps(done[kind, seed]) + "\n")
            print(
                f"{kind} {seed}: " + ", ".join(f"{n} {f['ratio']:.2f}" for n, f in done[kind, seed]["regions"].items())
            )
    rows = [done[d] for d in wanted if d in done]
    if not rows:
        raise SystemExit("no drag is finished yet")
    return Report(table(rows), {"first": FIRST, "rows": rows})
