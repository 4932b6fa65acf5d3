"""A whole edit on the full-size U-Net of Stable Diffusion 1.5 with random weights: inversion, reference, drag, denoising.

A short edit is timed part by part; the paper's settings follow from how often each part runs there.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time

from .report import Report
from .rounds import alternate

VARIANTS = {
    "naive": "as the authors' code computes it",
    "penalty": "product, penalty, the whole picture evaluated",
    "penalty window": "product, penalty, a window evaluated",
    "lock": "product, lock, the whole picture evaluated",
    "lock window": "product, lock, a window evaluated: the nodes' default",
    "lock window bf16": "the same with bf16 weights",
}
SHORT = dict(inference_steps=4, operations=2, operations_per_step=1)


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--size", type=int, default=512, help="side of the picture in pixels")
    parser.add_argument("--threads", type=int, default=0, help="0: as many as torch likes")
    parser.add_argument(
        "--variants", nargs="+", choices=VARIANTS, default=[v for v in VARIANTS if not v.endswith("bf16")],
        help="bf16 takes a CPU without bf16 arithmetic ten times as long, so it is not among the default ones",
    )  # fmt: skip


def child(variant: str, side: int, threads: int) -> dict:
    import torch

    from gooddrag import drag, invert
    from gooddrag.config import DragConfig
    from gooddrag.network.model import Model
    from gooddrag.picture.geometry import DragPoints, latent_mask, to_grid

    from . import memory, naive
    from .gradient import random_unet

    if threads:
        torch.set_num_threads(threads)
    unet = random_unet()
    if variant.endswith("bf16"):
        torch.nn.Module.to(unet, torch.bfloat16)
    generator = torch.Generator().manual_seed(1)
    z0 = torch.randn(1, 4, side // 8, side // 8, generator=generator)
    text = torch.randn(1, 77, 768, generator=generator)
    points = DragPoints(((side // 3, side // 2),), ((2 * side // 3, side // 2),), side, side)
    mask = torch.zeros(side, side)
    mask[side // 4 : 3 * side // 4, side // 4 : 3 * side // 4] = 1
    config = DragConfig(**SHORT)
    before = memory.now()
    memory.reset_peak()
    if variant == "naive":
        (handle,), (target,) = to_grid(points.handles, (side // 2,) * 2), to_grid(points.targets, (side // 2,) * 2)
        seconds = naive.edit(unet, z0, text, config, handle, target, latent_mask(mask, z0))
    else:
        model, config = Model(unet), config.replace(background=variant.split()[0], window="window" in variant)
        start = time.perf_counter()
        inversion = invert(model, z0, text, (side, side), config)
        seconds = {"invert": time.perf_counter() - start}
        result = drag(model, inversion, points, mask, config)
        assert result.trace.operations == config.operations
        seconds |= result.trace.seconds
    return {"seconds": seconds, "above": max(memory.peak() - before, 0)}


def at_papers_settings(variant: str, seconds: dict) -> float:
    """The same parts, as often as the paper's settings run them."""
    from gooddrag.config import PAPER, DragConfig

    def counts(config: DragConfig) -> dict:
        steps = round(config.strength * config.inference_steps)
        ahead = config.drag_steps + 1 if variant == "naive" else steps
        gradients = config.operations * config.gradient_steps
        return {"invert": steps, "reference": ahead, "drag": gradients, "denoise": steps}

    short, paper = counts(DragConfig(**SHORT)), counts(PAPER)
    return sum(seconds[part] * paper[part] / short[part] for part in seconds)


def run(args: argparse.Namespace) -> Report:
    rounds = alternate("tests.benchmarks.edit", args.variants, args)

    def totals(variant: str) -> list[float]:
        return [sum(r["seconds"].values()) for r in rounds[variant]]

    def paper(variant: str) -> float:
        return statistics.median(at_papers_settings(variant, r["seconds"]) for r in rounds[variant])

    lines = [
        f"| whole edit, {args.size}x{args.size}, 3 timesteps, K = 2, B = 1, J = 3 | inversion, reference, drag, denoising in "
        "seconds | whole, median [range] | times faster | at the paper's settings, by counts | times faster | "
        "memory above the weights |",
        "|---|---|---|---|---|---|---|",
    ]
    for variant in args.variants:
        whole = totals(variant)
        parts = [statistics.median(r["seconds"][p] for r in rounds[variant]) for p in rounds[variant][0]["seconds"]]
        above = statistics.median(r["above"] for r in rounds[variant]) / 2**20
        lines.append(
            f"| {VARIANTS[variant]} | {', '.join(f'{p:.1f}' for p in parts)} | {statistics.median(whole):.1f} "
            f"[{min(whole):.1f}, {max(whole):.1f}] | {statistics.median(totals('naive')) / statistics.median(whole):.1f} | "
            f"{paper(variant) / 60:.0f} min | {paper('naive') / paper(variant):.1f} | {above:.0f} MiB |"
        )
    return Report("\n".join(lines), {"size": args.size, "threads": args.threads, "rounds": rounds})


if __name__ == "__main__":
    print(json.dumps(child(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))))
