"""LoRA, a first edit and a drag that goes on, at the paper's settings on a GPU: seconds, peak memory, share of the roofline.

The full-size U-Net of Stable Diffusion 1.5 with random weights; the autoencoder is left out. Without a GPU the table says so.
"""

from __future__ import annotations

import argparse
import time

from .report import Report

SIZES = (512, 768, 1024)
DTYPES = ("bfloat16", "float16")
PAPER_TFLOP = 350
"""Of a whole edit at 512x512 and the paper's settings."""


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--sizes", type=int, nargs="+", default=list(SIZES))
    parser.add_argument(
        "--peak-tflops", type=float, default=989, help="of the card in half precision; H100 and H200: 989"
    )
    parser.add_argument("--device", default="cuda", help="cpu tries the benchmark itself out, on the demo model")


def _once(device: str, dtype: str, side: int) -> dict:
    import torch

    from gooddrag import DragConfig, DragPoints, Model, demo, drag, invert, lora, train_lora

    from .gradient import random_unet

    gpu = device.startswith("cuda")
    config = DragConfig(background="lock", patience=1000)
    if gpu:
        unet = torch.nn.Module.to(random_unet(), device, getattr(torch, dtype))
        model, text = Model(unet), torch.randn(1, 77, 768, device=device)
    else:
        model, _ = demo.load(device, getattr(torch, dtype))
        text = demo.text(model)
        config = config.replace(inference_steps=4, operations=4, operations_per_step=2, lora_steps=2)
    z0 = torch.randn(1, 4, side // 8, side // 8, device=device)
    points = DragPoints.from_text(f"{side // 4},{side // 4}>{side * 3 // 4},{side // 2}", side, side)
    further = DragPoints.from_text(f"{side // 4},{side // 4}>{side * 3 // 4},{side // 2 + 8}", side, side)
    seconds = {}

    def timed(name: str, work):
        if gpu:
            torch.cuda.synchronize()
        start = time.perf_counter()
        result = work()
        if gpu:
            torch.cuda.synchronize()
        seconds[name] = time.perf_counter() - start
        return result

    model.predict(z0, 1, text)  # kernels are chosen and loaded
    if gpu:
        torch.cuda.reset_peak_memory_stats()
    tuned = timed("lora", lambda: train_lora(model, z0, text, config))
    with lora.applied(model.unet, tuned):
        inversion = timed("invert", lambda: invert(model, z0, text, (side, side), config))
        first = timed("drag", lambda: drag(model, inversion, points, None, config))
        less = config.replace(operations=max(config.operations // 7, 1))
        timed("continued", lambda: drag(model, inversion, further, None, less, state=first.state))
    peak = torch.cuda.max_memory_allocated() if gpu else 0
    return {"dtype": dtype, "side": side, "seconds": seconds, "peak": peak}


def run(args: argparse.Namespace) -> Report:
    import torch

    lines = [
        "| U-Net | picture | LoRA, s | first edit (inversion and drag), s | continued drag (10 operations), s "
        "| peak memory, GB | share of the roofline |",
        "|---|---|---|---|---|---|---|",
    ]
    rows = []
    for dtype in DTYPES:
        for side in args.sizes:
            if args.device == "cuda" and not torch.cuda.is_available():
                lines.append(
                    f"| {dtype} | {side}x{side} | not measured | not measured | not measured | not measured | |"
                )
                continue
            best = min(
                (_once(args.device, dtype, side) for _ in range(args.rounds)), key=lambda r: sum(r["seconds"].values())
            )
            rows.append(best)
            s = best["seconds"]
            edit = s["invert"] + s["drag"]
            share = f"{PAPER_TFLOP / edit / args.peak_tflops:.0%}" if side == 512 and args.device == "cuda" else ""
            lines.append(
                f"| {dtype} | {side}x{side} | {s['lora']:.1f} | {edit:.1f} | {s['continued']:.1f} | "
                f"{best['peak'] / 1e9:.1f} | {share} |"
            )
    return Report("\n".join(lines), {"rows": rows})
