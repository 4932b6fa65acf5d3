"""Variants of a drag one after the other and as a batch, on the demo model at 256x256; source and inversion are shared by both."""

from __future__ import annotations

import argparse
import statistics
import time

from .report import Report

COUNTS = (1, 2, 4, 8)


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--device", default="cpu")


def run(args: argparse.Namespace) -> Report:
    import torch

    from gooddrag import DragConfig, DragPoints, drag, drag_batch, invert
    from gooddrag.demo import load, text

    model, _ = load()
    model.unet.to(args.device)
    config = DragConfig(
        background="lock", operations=10, patience=1000, learning_rate=1e-6
    )  # none of them arrives early
    z = torch.randn(1, 4, 32, 32, generator=torch.Generator().manual_seed(1)).to(args.device)
    inversion = invert(model, z, text(model).to(args.device), (256, 256), config)
    points = DragPoints.from_text("60,60>200,200", 256, 256)
    source = drag(model, inversion, points, None, config).state.source

    def seconds(compute) -> float:
        start = time.perf_counter()
        results = compute()
        elapsed = time.perf_counter() - start
        assert all(r.trace.operations == config.operations for r in results)
        return elapsed

    figures: dict[int, dict[str, list[float]]] = {n: {"alone": [], "batch": []} for n in COUNTS}
    for i in range(args.rounds):
        for n in COUNTS:
            variants = [points.lengthened(0.5 + j / (2 * n)) for j in range(n)]
            ways = {
                "alone": lambda v=variants: [drag(model, inversion, p, None, config, source=source) for p in v],
                "batch": lambda v=variants: drag_batch(model, inversion, v, None, config, source=source),
            }
            for name, compute in list(ways.items())[:: 1 if i % 2 else -1]:  # which is first changes
                figures[n][name].append(seconds(compute))
    lines = ["| variants | one after the other, s | as a batch, s | times faster |", "|---|---|---|---|"]
    for n, times in figures.items():
        alone, batch = (statistics.median(times[k]) for k in ("alone", "batch"))
        lines.append(f"| {n} | {alone:.1f} | {batch:.1f} | {alone / batch:.2f} |")
    return Report("\n".join(lines), {str(n): times for n, times in figures.items()})
