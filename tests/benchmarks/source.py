"""A second drag of a picture, on the demo model at 256x256: the unedited picture kept whole, only its latents, or nothing of it."""

from __future__ import annotations

import argparse
import statistics
import time

from .report import Report

WAYS = {
    "all": "features and attention inputs kept",
    "latents": "latents kept, the rest computed again when it is read",
    "nothing": "nothing kept",
}


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--device", default="cpu")


def run(args: argparse.Namespace) -> Report:
    import torch

    from gooddrag import DragConfig, DragPoints, drag, invert
    from gooddrag.demo import load, text
    from gooddrag.method import source as module
    from gooddrag.method.source import Source

    model, _ = load()
    model.unet.to(args.device)
    config = DragConfig(background="lock", operations=10, patience=1000, learning_rate=1e-6)
    z = torch.randn(1, 4, 32, 32, generator=torch.Generator().manual_seed(1)).to(args.device)
    inversion = invert(model, z, text(model).to(args.device), (256, 256), config)
    first, second = (DragPoints.from_text(t, 256, 256) for t in ("60,60>200,200", "200,60>60,200"))

    def size(source: Source) -> int:
        tensors = {}
        for step in source.steps:
            for t in (step.latent, step.denoised, step.feature, *(step.read.memory.values() if step.read else ())):
                if t is not None:
                    tensors[t.untyped_storage().data_ptr()] = t.untyped_storage().nbytes()
        return sum(tensors.values())

    rows: dict[str, list[dict]] = {way: [] for way in WAYS}
    for _ in range(args.rounds):
        for way, row in rows.items():
            source = Source(inversion, config)
            module.SHARE = 1.0 if way == "all" else 0.0
            drag(model, inversion, first, None, config, source=source)
            if way == "nothing":
                source = Source(inversion, config)
            before, start = source.evaluations, time.perf_counter()
            drag(model, inversion, second, None, config, source=source)
            seconds = time.perf_counter() - start
            kept = 0 if way == "nothing" else size(source)
            row.append({"seconds": seconds, "evaluations": source.evaluations - before, "bytes": kept})
    lines = [
        "| of the unedited picture | a second drag, s, median [range] | its U-Net evaluations for the source | memory kept, MB |",
        "|---|---|---|---|",
    ]
    for way, words in WAYS.items():
        times = [r["seconds"] for r in rows[way]]
        last = rows[way][-1]
        lines.append(
            f"| {words} | {statistics.median(times):.1f} [{min(times):.1f}, {max(times):.1f}] | {last['evaluations']} | "
            f"{last['bytes'] / 1e6:.1f} |"
        )
    return Report("\n".join(lines), {"rows": rows})
