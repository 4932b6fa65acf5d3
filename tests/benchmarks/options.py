"""What channels-last weights, compilation and half precision cost until the first gradient step and save at every later one.

The full-size U-Net of Stable Diffusion 1.5 with random weights, background locked. An edit at the paper's settings has 210
gradient steps: an option that pays back later is off by default.
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
    "plain": "float32",
    "channels_last": "float32, `--channels-last`",
    "compiled": "float32, `--compile`",
    "bf16": "`--precision bf16`",
}
STEPS = 4


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--size", type=int, default=512, help="side of the picture in pixels")
    parser.add_argument("--threads", type=int, default=0, help="0: as many as torch likes")
    parser.add_argument("--variants", nargs="+", choices=VARIANTS, default=["plain", "channels_last", "compiled"])


def child(variant: str, side: int, threads: int) -> dict:
    import torch

    from gooddrag.config import DragConfig
    from gooddrag.picture.geometry import DragPoints

    from .gradient import product_step, random_unet

    if threads:
        torch.set_num_threads(threads)
    unet = random_unet()
    if variant == "channels_last":
        torch.nn.Module.to(unet, memory_format=torch.channels_last)
    elif variant == "compiled":
        unet.compile_repeated_blocks()
    elif variant == "bf16":
        torch.nn.Module.to(unet, torch.bfloat16)
    generator = torch.Generator().manual_seed(1)
    z = torch.randn(1, 4, side // 8, side // 8, generator=generator)
    text = torch.randn(1, 77, 768, generator=generator)
    points = DragPoints(((side // 3, side // 2),), ((2 * side // 3, side // 2),), side, side)
    seconds, start = [], time.perf_counter()
    step = product_step(unet, z, text, DragConfig(background="lock"), points, None, (side, side))  # compiles, too
    for _ in range(STEPS):
        step()
        seconds.append(time.perf_counter() - start)
        start = time.perf_counter()
    return {"seconds": seconds}


def run(args: argparse.Namespace) -> Report:
    rounds = alternate("tests.benchmarks.options", args.variants, args)
    first = {v: statistics.median(r["seconds"][0] for r in rows) for v, rows in rounds.items()}
    later = {v: statistics.median(s for r in rows for s in r["seconds"][1:]) for v, rows in rounds.items()}
    lines = [
        f"| one gradient step, {args.size}x{args.size}, lock | the source and the first, s | a later one, s | times faster "
        "| pays back after |",
        "|---|---|---|---|---|",
    ]
    for v in args.variants:
        saved, cost = later["plain"] - later[v], first[v] - first["plain"]
        back = f"{max(0, cost) / saved:.0f} steps" if saved > 0 else "never"
        lines.append(
            f"| {VARIANTS[v]} | {first[v]:.1f} | {later[v]:.1f} | {later['plain'] / later[v]:.2f} | "
            f"{'' if v == 'plain' else back} |"
        )
    return Report("\n".join(lines), {"size": args.size, "rounds": rounds})


if __name__ == "__main__":
    print(json.dumps(child(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))))
