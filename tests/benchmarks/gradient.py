"""One gradient step of the drag on the full-size U-Net of Stable Diffusion 1.5 with random weights."""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import time
from pathlib import Path

from .report import Report
from .rounds import alternate

VARIANTS = {
    "naive": "as the authors' code computes it",
    "naive scores": "the same without a LoRA: attention that keeps its scores",
    "penalty": "product, penalty, the whole picture evaluated",
    "penalty window": "product, penalty, a window evaluated",
    "lock": "product, lock, the whole picture evaluated",
    "lock window": "product, lock, a window evaluated: the nodes' default",
    "lock window checkpointed": "the same with gradient checkpointing",
}
CONFIG = Path(__file__).resolve().parent.parent.parent / "gooddrag" / "sd15" / "unet"
MIB = 2**20


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--size", type=int, default=512, help="side of the picture in pixels")
    parser.add_argument("--threads", type=int, default=0, help="0: as many as torch likes")


def random_unet():
    """Made without a second copy of the weights."""
    import torch
    from diffusers import UNet2DConditionModel

    with torch.device("meta"):
        unet = UNet2DConditionModel.from_config(UNet2DConditionModel.load_config(CONFIG))
    unet = unet.to_empty(device="cpu").eval()
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for name, p in unet.named_parameters():
            if p.ndim > 1:
                p.normal_(0, p[0].numel() ** -0.5, generator=generator)
            else:
                p.fill_(1.0 if name.endswith("weight") else 0.0)
    return unet


def product_step(unet, z, text, config, points, mask, size):
    """The engine's own gradient step, one after another."""
    from gooddrag.method.evaluation import Evaluation
    from gooddrag.method.inversion import Inversion
    from gooddrag.method.region import Region
    from gooddrag.method.source import Source
    from gooddrag.method.state import DragState, Edit
    from gooddrag.method.supervision import Supervision
    from gooddrag.network.gradient import Gradients
    from gooddrag.network.model import Model

    model = Model(unet)
    inversion = Inversion(z, model.schedule(config.inference_steps, config.strength), text, size)
    source = Source(inversion, config)
    evaluation = Evaluation(model, inversion, Region.of(unet, mask, z, config), config)
    supervision = Supervision(evaluation, Gradients(unet.dtype, lambda compute: compute()))
    edit = Edit(points, inversion, config, DragState.undragged(points, source))
    unedited = evaluation.unedited(source, 0, feature=True, memory=False)
    supervision.begin([edit], unedited)

    def step() -> float:
        with evaluation.within(unedited):
            supervision.update([edit])
        return edit.loss

    return step


def _counting():
    """torch's counter of floating-point operations, told what the CPU's fused attention is."""
    import torch
    from torch.utils.flop_counter import FlopCounterMode, sdpa_backward_flop_count, sdpa_flop_count

    aten = torch.ops.aten

    def forward(q, k, v, *_args, out_shape=None, **_kwargs) -> int:
        return sdpa_flop_count(q, k, v)

    def backward(gradient, q, k, v, *_args, out_shape=None, **_kwargs) -> int:
        return sdpa_backward_flop_count(gradient, q, k, v)

    attention = {
        aten._scaled_dot_product_flash_attention_for_cpu: forward,
        aten._scaled_dot_product_flash_attention_for_cpu_backward: backward,
    }
    return FlopCounterMode(display=False, custom_mapping=attention)


def child(variant: str, side: int, threads: int) -> dict:
    import torch
    from diffusers.models.attention_processor import AttnProcessor

    from gooddrag.config import DragConfig
    from gooddrag.network.schedule import Schedule
    from gooddrag.picture.geometry import DragPoints, latent_mask, to_grid

    from . import memory, naive

    if threads:
        torch.set_num_threads(threads)
    unet = random_unet()
    before = memory.now()
    generator = torch.Generator().manual_seed(1)
    z = torch.randn(1, 4, side // 8, side // 8, generator=generator)
    text = torch.randn(1, 77, 768, generator=generator)
    points = DragPoints(((side // 3, side // 2),), ((2 * side // 3, side // 2),), side, side)
    mask = torch.zeros(side, side)
    mask[side // 4 : 3 * side // 4, side // 4 : 3 * side // 4] = 1
    if variant == "naive scores":
        unet.set_attn_processor(AttnProcessor())
    if variant.startswith("naive"):
        grid = (side // 2, side // 2)
        (handle,), (target,) = to_grid(points.handles, grid), to_grid(points.targets, grid)
        config = DragConfig()
        schedule = Schedule(config.inference_steps, config.strength)
        t = schedule.timesteps[0]
        with torch.no_grad():
            prediction, original = naive.features(unet, z, t, text, grid)
        denoised, _ = schedule.denoise(prediction, t, z)
        step = naive.Step(unet, z, t, text, config, handle, target, latent_mask(mask, z), original, denoised)
    else:
        config = DragConfig(background=variant.split()[0], window="window" in variant)
        if variant.endswith("checkpointed"):
            unet.enable_gradient_checkpointing()
        step = product_step(unet, z, text, config, points, mask, (side, side))
    weights = sum(p.numel() * p.element_size() for p in unet.parameters())
    with _counting() as counter:
        step()  # the first one allocates
    memory.reset_peak()
    start = time.perf_counter()
    loss = step()
    seconds = time.perf_counter() - start
    return {
        "seconds": seconds,
        "above": max(memory.peak() - before, 0),
        "weights": weights,
        "loss": loss,
        "flop": counter.get_total_flops(),
    }


def run(args: argparse.Namespace) -> Report:
    rounds = alternate("tests.benchmarks.gradient", VARIANTS, args)

    def middle(variant: str, field: str) -> float:
        return statistics.median(r[field] for r in rounds[variant])

    base_time, base_memory, base_flop = (middle("naive", field) for field in ("seconds", "above", "flop"))
    lines = [
        f"| one gradient step, {args.size}x{args.size}, float32, {args.threads or os.cpu_count()} threads "
        "| seconds, median [range] | times faster | TFLOP | times fewer | "
        "memory above the weights | of the baseline's |",
        "|---|---|---|---|---|---|---|",
    ]
    for variant, words in VARIANTS.items():
        times = [r["seconds"] for r in rounds[variant]]
        above, flop = middle(variant, "above"), middle(variant, "flop")
        lines.append(
            f"| {words} | {statistics.median(times):.1f} [{min(times):.1f}, {max(times):.1f}] | "
            f"{base_time / statistics.median(times):.1f} | {flop / 1e12:.2f} | {base_flop / flop:.1f} | "
            f"{above / MIB:.0f} MiB | {above / base_memory:.2f} |"
        )
    return Report("\n".join(lines), {"size": args.size, "threads": args.threads, "rounds": rounds})


if __name__ == "__main__":
    print(json.dumps(child(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))))
