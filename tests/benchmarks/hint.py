"""What a ControlNet adds to a drag: no hint, the picture's own outlines, and those that the result shall have.

Drags of the demo world whose true result is known, each of another held-out scene, with a ControlNet that was trained on the
outlines of that world (``gooddrag.demo.control``). All share the tuned LoRA, and the undragged picture is inverted with the hint
that it is dragged with. Every finished drag is kept in ``.work/hint``, so that a run that was stopped goes on.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import statistics
from pathlib import Path
from typing import TYPE_CHECKING

from .region import ROOT, chosen_drags, interval
from .report import Report

if TYPE_CHECKING:
    from diffusers import ControlNetModel

    from gooddrag import Model
    from gooddrag.network.conditioning import Conditioning

KEPT = ROOT / ".work" / "hint" / "drags.jsonl"
HINTS = {
    "none": "none",
    "own": "outlines of the picture",
    "true": "outlines of the picture, and of the true result for the edited one (`edited`)",
}


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--control", type=Path, help="folder of a ControlNet that gooddrag.demo.control trained")
    parser.add_argument("--strength", type=float, default=1.0)
    parser.add_argument("--drags", type=int, default=27, help="in all; those that are kept are not done again")
    parser.add_argument("--chunk", type=int, help="stop after so many new drags; a later run goes on")
    parser.add_argument("--only-table", action="store_true", help="from the drags that are there")


def _settings(args: argparse.Namespace) -> str:
    from gooddrag.demo import version
    from gooddrag.demo.evaluate import EDITOR

    weights = [path.read_bytes() for path in sorted(args.control.glob("*.safetensors"))]
    return hashlib.sha256(b"".join([repr((EDITOR, args.strength, version())).encode(), *weights])).hexdigest()[:12]


def known(settings: str | None) -> dict[tuple[str, int], dict]:
    """Finished drags by kind and scene; ``settings`` None: of the last ones that are there."""
    rows = [json.loads(line) for line in KEPT.read_text().splitlines()] if KEPT.exists() else []
    if settings is None and rows:
        settings = rows[-1]["settings"]
    return {(r["kind"], r["seed"]): r for r in rows if r["settings"] == settings}


def one(kind: str, seed: int, model: Model, vae, net: ControlNetModel, strength: float) -> dict:
    """Figures of every hint for one drag."""
    import torch
    from PIL import Image

    from gooddrag.demo import control, drag, text
    from gooddrag.demo.evaluate import EDITOR, array, error_ratio, fraction_done
    from gooddrag.method import lora
    from gooddrag.method.drag import drag as run_drag
    from gooddrag.method.inversion import invert
    from gooddrag.network import codec
    from gooddrag.network.conditioning import Conditioning
    from gooddrag.network.control import DiffusersControl

    scene, words = drag(kind, seed), text(model)
    size, mask = (scene.points.width, scene.points.height), torch.from_numpy(scene.mask)

    def outlined(fraction: float) -> Conditioning:
        seen = torch.from_numpy(control.outline(scene.picture(fraction)))[None]
        return Conditioning(words, control=DiffusersControl(net, control.hint(seen), strength))

    z0, std = codec.encode(vae, codec.to_tensor(Image.fromarray(scene.picture(0))))
    undragged = array(codec.decode(vae, z0, size))
    tuned = lora.train_lora(model, z0, words, EDITOR, seed=seed, std=std)
    figures = {}
    with lora.applied(model.unet, tuned):
        plain, told = (invert(model, z0, given, size, EDITOR) for given in (words, outlined(0)))
        for name, inversion, edited in (("none", plain, None), ("own", told, None), ("true", told, outlined(1))):
            result = run_drag(model, inversion, scene.points, mask, EDITOR, edited=edited)
            picture = array(codec.decode(vae, result.latent, size))
            figures[name] = {
                "ratio": error_ratio(scene, picture, undragged),
                "done": fraction_done(scene, picture),
                "left": statistics.fmean(result.trace.distances),
            }
    return {"kind": kind, "seed": seed, "hints": figures}


def table(rows: list[dict]) -> str:
    from gooddrag.demo.evaluate import interval as of_median

    lines = [
        f"| {len(rows)} drags: hint | ratio: median [95 %] | mean | mean less that without [95 %] | better than nothing | "
        "drag done, median | pixels left |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, words in HINTS.items():
        own, without = ([r["hints"][n] for r in rows] for n in (name, "none"))
        ratios = [f["ratio"] for f in own]
        low, high = of_median(ratios)
        less = "" if name == "none" else interval([a["ratio"] - b["ratio"] for a, b in zip(own, without)])
        done, left = (statistics.median(f[field] for f in own) for field in ("done", "left"))
        lines.append(
            f"| {words} | {statistics.median(ratios):.2f} [{low:.2f}, {high:.2f}] | {statistics.fmean(ratios):.2f} | {less} | "
            f"{sum(r < 1 for r in ratios)} of {len(ratios)} | {done:.2f} | {left:.1f} |"
        )
    return "\n".join(lines)


def run(args: argparse.Namespace) -> Report:
    from diffusers import ControlNetModel

    from gooddrag.demo import load

    if not args.control and not args.only_table:
        raise SystemExit("--control is missing: a ControlNet of outlines, which gooddrag.demo.control makes")
    settings = _settings(args) if args.control else None
    wanted, done = chosen_drags(args.drags), known(settings)
    todo = [] if args.only_table else [d for d in wanted if d not in done][: args.chunk]
    if todo:
        model, vae = load()
        net = ControlNetModel.from_pretrained(args.control).float().requires_grad_(False).eval()
        KEPT.parent.mkdir(parents=True, exist_ok=True)
        for kind, seed in todo:
            done[kind, seed] = {"settings": settings, **one(kind, seed, model, vae, net, args.strength)}
            with KEPT.open("a") as file:
                file.write(json.dumps(done[kind, seed]) + "\n")
            ratios = ", ".join(f"{name} {f['ratio']:.2f}" for name, f in done[kind, seed]["hints"].items())
            print(f"{kind} {seed}: {ratios}", flush=True)
    rows = [done[d] for d in wanted if d in done]
    if not rows:
        raise SystemExit("no drag is there yet")
    return Report(table(rows), {"drags": rows})
