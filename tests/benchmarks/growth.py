"""How the cost of a drag grows: pairs and pixels on the full-size U-Net with random weights, K and J on the demo model."""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from itertools import pairwise

from .report import Report

PAIRS = (1, 2, 4, 8)
SIDES = (256, 360, 512, 728, 1024)
OPERATIONS = (5, 10, 20, 40)
GRADIENTS = (1, 2, 4, 8)


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--largest", type=int, default=1024, help="leave larger pictures out")


def _gradient(unet, side: int, pairs: int) -> float:
    """Seconds of a gradient step with lock, after a first one."""
    import torch

    from gooddrag.config import DragConfig
    from gooddrag.picture.geometry import DragPoints

    from .gradient import product_step

    generator = torch.Generator().manual_seed(1)
    z = torch.randn(1, 4, side // 8, side // 8, generator=generator)
    text = torch.randn(1, 77, 768, generator=generator)
    rows = [side * (i + 1) // (pairs + 1) for i in range(pairs)]
    points = DragPoints(tuple((side // 3, y) for y in rows), tuple((2 * side // 3, y) for y in rows), side, side)
    step = product_step(unet, z, text, DragConfig(background="lock"), points, None, (side, side))
    step()
    start = time.perf_counter()
    step()
    return time.perf_counter() - start


def _drag(operations: int, gradients: int) -> float:
    """Seconds of the drag itself, without reference and denoising, on the demo model."""
    import torch

    from gooddrag import DragConfig, DragPoints, drag, invert
    from gooddrag.demo import load, text

    model, _ = load()
    config = DragConfig(
        background="lock", operations=operations, gradient_steps=gradients, patience=1000, learning_rate=1e-6
    )
    z = torch.randn(1, 4, 32, 32, generator=torch.Generator().manual_seed(1))
    inversion = invert(model, z, text(model), (256, 256), config)
    result = drag(model, inversion, DragPoints.from_text("60,60>200,200", 256, 256), None, config)
    assert result.trace.operations == operations
    return result.trace.seconds["drag"]


def _chart(title: str, what: str, keys: tuple, values: list[float]) -> str:
    marks = ", ".join(str(k) for k in keys)
    heights = ", ".join(f"{v:.2f}" for v in values)
    return (
        f'```mermaid\nxychart-beta\n  title "{title}"\n  x-axis "{what}" [{marks}]\n  y-axis "seconds"\n'
        f"  line [{heights}]\n```"
    )


def run(args: argparse.Namespace) -> Report:
    from .gradient import random_unet

    unet = random_unet()

    def say(*words) -> None:
        print(*words, file=sys.stderr, flush=True)

    sides = tuple(s for s in SIDES if s <= args.largest)
    figures: dict[str, dict] = {"pairs": {}, "side": {}, "K": {}, "J": {}}
    for _ in range(args.rounds):
        for n in PAIRS:
            figures["pairs"].setdefault(n, []).append(_gradient(unet, 256, n))
        for side in sides:
            figures["side"].setdefault(side, []).append(_gradient(unet, side, 1))
        for k in OPERATIONS:
            figures["K"].setdefault(k, []).append(_drag(k, 1))
        for j in GRADIENTS:
            figures["J"].setdefault(j, []).append(_drag(5, j))
        say(figures)
    middle = {name: [statistics.median(v) for v in values.values()] for name, values in figures.items()}
    titles = {
        "pairs": ("One gradient step, 256x256, by pairs", "pairs", PAIRS),
        "side": ("One gradient step by the side of the picture (each is twice the area)", "pixels", sides),
        "K": ("Drag on the demo model, J = 1", "K", OPERATIONS),
        "J": ("Drag on the demo model, K = 5", "J", GRADIENTS),
    }
    lines = ["| what | from, to | seconds | each over the one before |", "|---|---|---|---|"]
    for name, (title, what, keys) in titles.items():
        values = middle[name]
        ratios = ", ".join(f"{b / a:.2f}" for a, b in pairwise(values))
        lines.append(
            f"| {title} | {what} {', '.join(map(str, keys))} | {', '.join(f'{v:.2f}' for v in values)} | {ratios} |"
        )
    charts = [_chart(title, what, keys, middle[name]) for name, (title, what, keys) in titles.items()]
    return Report("\n".join([*lines, "", *charts]), figures)
