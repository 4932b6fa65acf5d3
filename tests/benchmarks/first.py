"""A whole first edit, LoRA tuning included, counted: floating-point operations of the authors' computation and of each preset.

The units (a forward pass, a sample of LoRA tuning, a gradient step, a denoising step in the window) are counted on torch's meta
device at full size, a quarter of the picture masked, and taken as often as an edit takes them that uses all of its operations.
Nothing is timed.
"""

from __future__ import annotations

import argparse
from contextlib import nullcontext

from .gradient import FAMILIES, _counting, empty_unet, quarter, told
from .report import Report

PARTS = ("LoRA", "inversion", "source", "gradients", "denoising")


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--size", type=int, default=512, help="side of the picture in pixels")
    parser.add_argument("--family", choices=FAMILIES, default="sd15")


def units(family: str, side: int) -> dict[str, float]:
    """TFLOP of each."""
    import torch
    from torch import nn

    from gooddrag.config import DragConfig
    from gooddrag.method.lora import _adapter
    from gooddrag.method.region import Region
    from gooddrag.network.conditioning import Conditioning
    from gooddrag.network.model import Model

    unet = empty_unet(family, "float32", 1)
    shape = (1, 4, side // 8, side // 8)
    words = Conditioning(*(t.to("meta") for t in Conditioning.of(told(unet, side)).tensors))
    model = Model(unet)
    config = model.family.settled(DragConfig(background="lock", window=True))
    window = Region.of(unet, quarter(side), torch.zeros(shape), config).window
    whole = torch.empty(shape, device="meta")
    with torch.no_grad():
        around = model.look(whole, 1, words, config.feature_block, (), window)[3]

    def count(compute, within=nullcontext) -> float:
        with within(), _counting() as counter:
            compute()
        return counter.get_total_flops() / 1e12

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
            nn.Module.to(layer, "meta")
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
    from gooddrag.config import PAPER, PRESETS

    unit = units(args.family, args.size)
    lock = PAPER.replace(background="lock", window=True)
    rows = {
        "as the authors' code computes it": edit(PAPER, unit, naive=True),
        "the nodes' defaults: the paper's numbers, lock, window": edit(lock, unit, naive=False),
        "the same, the source read from its inversion and no LoRA": edit(lock.replace(lora_steps=0), unit, naive=False),
        "preset balanced": edit(PRESETS["balanced"], unit, naive=False),
        "preset fast": edit(PRESETS["fast"], unit, naive=False),
    }
    base = sum(rows["as the authors' code computes it"].values())
    lines = [
        f"| a whole first edit, {args.family}, {args.size}x{args.size}, TFLOP | {' | '.join(PARTS)} | in all | times fewer |",
        "|---" * (len(PARTS) + 3) + "|",
    ]
    for words, parts in rows.items():
        total = sum(parts.values())
        cells = " | ".join(f"{parts[part]:.0f}" for part in PARTS)
        lines.append(f"| {words} | {cells} | {total:.0f} | {base / total:.1f} |")
    return Report("\n".join(lines), {"units": unit, "rows": rows}, f"first {args.family} {args.size}")
