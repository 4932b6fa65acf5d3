"""A whole first edit, LoRA tuning included: floating-point operations of the authors' computation and of each preset, and minutes.

The units (a forward pass, a sample of LoRA tuning, a gradient step, a denoising step in the window) are taken as often as an edit
takes them that uses all of its operations, a quarter of the picture masked. Operations are counted on torch's meta device at full
size; with ``--timed`` the units are also timed, one after the other in one process, on random weights.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

from .gradient import FAMILIES, _counting, empty_unet, quarter, random_unet, told
from .report import Report

AUTHORS = "as the authors' code computes it"
PARTS = ("LoRA", "inversion", "source", "gradients", "denoising")


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--size", type=int, default=512, help="side of the picture in pixels")
    parser.add_argument("--family", choices=FAMILIES, default="sd15")
    parser.add_argument("--timed", action="store_true", help="also in minutes, of this machine")
    parser.add_argument("--threads", type=int, default=0, help="0: as many as torch likes")


Compute = Callable[[], object]
Within = Callable[[], AbstractContextManager]


def _tflop(compute: Compute, within: Within = nullcontext) -> float:
    with within(), _counting() as counter:
        compute()
    return counter.get_total_flops() / 1e12


def _seconds(rounds: int) -> Callable[..., float]:
    def measured(compute: Compute, within: Within = nullcontext) -> float:
        times = []
        with within():
            for _ in range(rounds + 1):  # the first allocates
                start = time.perf_counter()
                compute()
                times.append(time.perf_counter() - start)
        return statistics.median(times[1:])

    return measured


def units(family: str, side: int, rounds: int = 0) -> dict[str, float]:
    """TFLOP of each, or with ``rounds`` the median of so many runs in seconds."""
    import torch
    from torch import nn

    from gooddrag.config import DragConfig
    from gooddrag.method.lora import _adapter
    from gooddrag.method.region import Region
    from gooddrag.network.conditioning import Conditioning
    from gooddrag.network.model import Model

    device, count = ("cpu", _seconds(rounds)) if rounds else ("meta", _tflop)
    unet = random_unet(family) if rounds else empty_unet(family, "float32", 1)
    shape = (1, 4, side // 8, side // 8)
    words = Conditioning(*(t.to(device) for t in Conditioning.of(told(unet, side)).tensors))
    model = Model(unet)
    config = model.family.settled(DragConfig(background="lock", window=True))
    window = Region.of(unet, quarter(side), torch.zeros(shape), config).window
    whole = torch.zeros(shape, device=device)
    with torch.no_grad():
        around = model.look(whole, 1, words, config.feature_block, (), window)[3]

    def in_window():
        return model.surrounded(around)

    def leaf(z):
        return z.clone().requires_grad_()

    with torch.no_grad():
        found = {
            "forward": count(lambda: model.predict(whole, 1, words)),
            "window": count(lambda: model.predict(window.crop(whole), 1, words), in_window),
        }
    found["gradient"] = count(
        lambda: model.features(leaf(window.crop(whole)), 1, words, config.feature_block).sum().backward(), in_window
    )
    unet.requires_grad_(True)
    found["naive gradient"] = count(
        lambda: sum(
            x.sum() for x in model.predict_with_features(leaf(whole), 1, words, config.feature_block)
        ).backward()
    )
    unet.requires_grad_(False)
    with _adapter(unet, 16) as layers:
        for layer in layers.values():
            nn.Module.to(layer, device)
            for part in (layer.lora_A, layer.lora_B):
                part.requires_grad_(True)
        with torch.enable_grad():
            found["LoRA sample"] = count(lambda: model.predict(whole, 1, words).sum().backward())
    return found


def edit(config, unit: dict[str, float], *, naive: bool) -> dict[str, float]:
    """TFLOP of each part of a first edit that uses all of its operations."""
    steps = round(config.strength * config.inference_steps)
    return {
        "LoRA": config.lora_steps * config.lora_batch * unit["LoRA sample"],
        "inversion": steps * unit["forward"],
        "source": steps * unit["forward"],
        "gradients": config.operations * config.gradient_steps * unit["naive gradient" if naive else "gradient"],
        "denoising": steps * unit["forward" if naive or not config.window else "window"],
    }


def run(args: argparse.Namespace) -> Report:
    import torch

    if args.threads:
        torch.set_num_threads(args.threads)
    unit = units(args.family, args.size)
    rows = edits(unit)
    base = sum(rows[AUTHORS].values())
    header = f"| a whole first edit, {args.family}, {args.size}x{args.size}, TFLOP | {' | '.join(PARTS)} | in all | times fewer |"
    lines = [header, "|---" * (len(PARTS) + 3) + "|"]
    for words, parts in rows.items():
        total = sum(parts.values())
        cells = " | ".join(f"{parts[part]:.0f}" for part in PARTS)
        lines.append(f"| {words} | {cells} | {total:.0f} | {base / total:.1f} |")
    figures = {"units": unit, "rows": rows}
    if args.timed:
        seconds = units(args.family, args.size, args.rounds)
        timed = edits(seconds)
        slowest = sum(timed[AUTHORS].values())
        lines[0] += " minutes | times faster |"
        lines[1] += "---|---|"
        for i, parts in enumerate(timed.values(), 2):
            lines[i] += f" {sum(parts.values()) / 60:.0f} | {slowest / sum(parts.values()):.1f} |"
        figures |= {"seconds": seconds, "threads": torch.get_num_threads()}
    return Report("\n".join(lines), figures, f"first {args.family} {args.size}")


def edits(unit: dict[str, float]) -> dict[str, dict[str, float]]:
    """What each way of editing costs in this unit, by part."""
    from gooddrag.config import PAPER, PRESETS

    lock = PAPER.replace(background="lock", window=True)
    return {
        AUTHORS: edit(PAPER, unit, naive=True),
        "the nodes' defaults: the paper's numbers, lock, window": edit(lock, unit, naive=False),
        "the same, the source read from its inversion and no LoRA": edit(lock.replace(lora_steps=0), unit, naive=False),
        "preset best": edit(PRESETS["best"], unit, naive=False),
        "preset balanced": edit(PRESETS["balanced"], unit, naive=False),
        "preset fast": edit(PRESETS["fast"], unit, naive=False),
    }
