"""Which blocks to read features from, and which to let look at the source, on a demo model of SDXL's topology.

Drags of the demo world whose true result is known, each of another held-out scene. The candidates share the tuned LoRA and
the inversion, and those with the same feature block the drag too: mutual attention acts only once that has ended. Every
finished drag is kept in ``.work/blocks``, so that a run that was stopped goes on.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import statistics
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from .region import ROOT, chosen_drags, interval
from .report import Report

if TYPE_CHECKING:
    from torch import Tensor

    from gooddrag import DragConfig, DragPoints, Model
    from gooddrag.method.inversion import Inversion
    from gooddrag.method.source import Source
    from gooddrag.method.state import DragState

KEPT = ROOT / ".work" / "blocks" / "drags.jsonl"


@dataclass(frozen=True)
class Candidate:
    """``layer``: the first mutual self-attention layer of SDXL, counted in order of execution as MasaCtrl does."""

    feature: str
    mutual: tuple[str, ...]
    layer: str


CANDIDATES = {
    "chosen": Candidate("up_blocks.1", ("up_blocks.1",), "64"),
    "coarser": Candidate("up_blocks.0", ("up_blocks.1",), "64"),
    "middle": Candidate("mid_block", ("up_blocks.1",), "64"),
    "none": Candidate("up_blocks.1", (), "none"),
    "from 54": Candidate("up_blocks.1", ("up_blocks.0.attentions.2", "up_blocks.1"), "54"),
    "from 44": Candidate("up_blocks.1", ("up_blocks.0.attentions.1", "up_blocks.0.attentions.2", "up_blocks.1"), "44"),
    "from 34": Candidate("up_blocks.1", ("up_blocks.0", "up_blocks.1"), "34"),
}
FEATURES = tuple(dict.fromkeys(c.feature for c in CANDIDATES.values()))
ALL = ("up_blocks.0", "up_blocks.1")
"""Every mutual block that any candidate looks with."""


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--weights", type=Path, help="folder of a demo model of SDXL's topology (see demo.train)")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--drags", type=int, default=27, help="in all; those that are kept are not done again")
    parser.add_argument("--chunk", type=int, help="stop after so many new drags; a later run goes on")
    parser.add_argument("--only-table", action="store_true", help="from the drags that are there")


def _settings(weights: Path) -> str:
    """Of settings and weights."""
    from gooddrag.demo.evaluate import EDITOR

    parts = [repr(EDITOR).encode(), *(path.read_bytes() for path in sorted(weights.rglob("*.safetensors")))]
    return hashlib.sha256(b"".join(parts)).hexdigest()[:12]


def known(settings: str | None) -> dict[tuple[str, int], dict]:
    """Finished drags by kind and scene; ``settings`` None: of the last ones that are there."""
    rows = [json.loads(line) for line in KEPT.read_text().splitlines()] if KEPT.exists() else []
    if settings is None and rows:
        settings = rows[-1]["settings"]
    return {(r["kind"], r["seed"]): r for r in rows if r["settings"] == settings}


def denoised(
    model: Model, inversion: Inversion, points: DragPoints, mask: Tensor, config: DragConfig,
    dragged: DragState, source: Source, mutual: tuple[str, ...],
) -> Tensor:  # fmt: skip
    """z_0 of a drag that has ended in ``dragged``, when only ``mutual`` of the blocks that ``source`` remembers look at it."""
    from gooddrag.method.evaluation import Evaluation
    from gooddrag.method.region import Region
    from gooddrag.method.state import Edit
    from gooddrag.network.conditioning import Conditioning

    region = Region.of(model.unet, mask, inversion.latent, config)
    evaluation = Evaluation(model, inversion, region, config, Conditioning.of(inversion.text))
    edit = Edit(points, inversion, config, dragged)
    for i in range(dragged.index, len(inversion.schedule.timesteps)):
        step = evaluation.unedited(source, i, feature=False, memory=True)
        memory = {name: x for name, x in step.read.memory.items() if any(_within(name, block) for block in mutual)}
        looking = replace(step, read=replace(step.read, memory=memory))
        evaluation.denoise([edit], looking, mutual=i > dragged.index)
    return edit.z


def _within(layer: str, block: str) -> bool:
    return layer == block or layer.startswith(f"{block}.")


def one(kind: str, seed: int, model: Model, vae, config: DragConfig | None = None) -> dict:
    """Figures of every candidate for one drag."""
    import torch
    from PIL import Image

    from gooddrag.demo import drag, text
    from gooddrag.demo.evaluate import EDITOR, array, error_ratio, fraction_done
    from gooddrag.method import lora
    from gooddrag.method.drag import drag as run_drag
    from gooddrag.method.inversion import invert
    from gooddrag.method.source import Source
    from gooddrag.network import codec

    scene, config = drag(kind, seed), config or EDITOR
    size, mask = (scene.points.width, scene.points.height), torch.from_numpy(scene.mask)
    z0, std = codec.encode(vae, codec.to_tensor(Image.fromarray(scene.picture(0))).to(model.device))
    undragged = array(codec.decode(vae, z0, size))
    words = text(model)
    tuned = lora.train_lora(model, z0, words, config, seed=seed, std=std)
    figures = {}
    with lora.applied(model.unet, tuned):
        inversion = invert(model, z0, words, size, config)
        for feature in FEATURES:
            chosen = config.replace(feature_block=feature, mutual_blocks=ALL)
            source = Source(inversion, chosen)
            done = run_drag(model, inversion, scene.points, mask, chosen, source=source)
            for name, candidate in CANDIDATES.items():
                if candidate.feature != feature:
                    continue
                z = denoised(model, inversion, scene.points, mask, chosen, done.state, source, candidate.mutual)
                edited = array(codec.decode(vae, z, size))
                figures[name] = {
                    "ratio": error_ratio(scene, edited, undragged),
                    "done": fraction_done(scene, edited),
                    "left": statistics.fmean(done.trace.distances),
                    "outside": float(np.abs(edited - undragged)[~scene.mask].mean()),
                    "operations": done.trace.operations,
                }
    return {"kind": kind, "seed": seed, "candidates": figures}


def table(rows: list[dict]) -> str:
    from gooddrag.demo.evaluate import interval as of_median

    lines = [
        f"| {len(rows)} drags: features | mutual attention, from SDXL's layer | ratio: median [95 %] | mean | "
        "mean less that of row 1 [95 %] | better than nothing | drag done, median | pixels left | outside (of 255) |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for name, candidate in CANDIDATES.items():
        own, first = ([r["candidates"][n] for r in rows] for n in (name, "chosen"))
        ratios = [f["ratio"] for f in own]
        low, high = of_median(ratios)
        less = "" if name == "chosen" else interval([a["ratio"] - b["ratio"] for a, b in zip(own, first)])
        done, left, outside = (statistics.median(f[field] for f in own) for field in ("done", "left", "outside"))
        blocks = ", ".join(f"`{b}`" for b in candidate.mutual) or "none"
        lines.append(
            f"| `{candidate.feature}` | {blocks}{f' ({candidate.layer})' * bool(candidate.mutual)} | "
            f"{statistics.median(ratios):.2f} [{low:.2f}, {high:.2f}] | {statistics.fmean(ratios):.2f} | {less} | "
            f"{sum(r < 1 for r in ratios)} of {len(ratios)} | {done:.2f} | {left:.1f} | {outside:.2f} |"
        )
    return "\n".join(lines)


def run(args: argparse.Namespace) -> Report:
    from gooddrag.demo import load

    if not args.weights and not args.only_table:
        raise SystemExit(
            "--weights is missing: a demo model of SDXL's topology, which demo.train --topology sdxl makes"
        )
    settings = _settings(args.weights) if args.weights else None
    wanted, done = chosen_drags(args.drags), known(settings)
    todo = [] if args.only_table else [d for d in wanted if d not in done][: args.chunk]
    if todo:
        model, vae = load(args.device, weights=args.weights)
        KEPT.parent.mkdir(parents=True, exist_ok=True)
        for kind, seed in todo:
            done[kind, seed] = {"settings": settings, **one(kind, seed, model, vae)}
            with KEPT.open("a") as file:
                file.write(json.dumps(done[kind, seed]) + "\n")
            ratios = ", ".join(f"{name} {f['ratio']:.2f}" for name, f in done[kind, seed]["candidates"].items())
            print(f"{kind} {seed}: {ratios}", flush=True)
    rows = [done[d] for d in wanted if d in done]
    if not rows:
        raise SystemExit("no drag is there yet")
    return Report(table(rows), {"drags": rows})
