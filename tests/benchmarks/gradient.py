"""One gradient step of the drag on a full-size U-Net with random weights, of Stable Diffusion 1.5 or of SDXL."""

from __future__ import annotations

import argparse
import gc
import json
import os
import statistics
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
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
CONFIGS = Path(__file__).resolve().parent.parent.parent / "gooddrag"
FAMILIES = ("sd15", "sdxl")
PRECISIONS = ("float32", "bfloat16")
MIB = 2**20
STEPS = {"cpu": 1, "cuda": 8}
"""Timed in each round, the median counts."""


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--size", type=int, default=512, help="side of the picture in pixels")
    parser.add_argument("--family", choices=FAMILIES, default="sd15")
    parser.add_argument("--precision", choices=PRECISIONS, default="float32", help="of the U-Net's weights")
    parser.add_argument("--narrow", type=int, default=1, help="divide the U-Net's widths, to try this out")
    parser.add_argument(
        "--counted", action="store_true", help="operations and kept memory, computed without computing anything"
    )
    parser.add_argument("--device", choices=STEPS, default="cpu")
    parser.add_argument("--threads", type=int, default=0, help="0: as many as torch likes")


def empty_unet(family: str, precision: str, narrow: int):
    """On torch's meta device."""
    import torch
    from diffusers import UNet2DConditionModel

    config = dict(UNet2DConditionModel.load_config(CONFIGS / family / "unet"))
    config["block_out_channels"] = [c // narrow for c in config["block_out_channels"]]
    with torch.device("meta"):
        unet = UNet2DConditionModel.from_config(config)
    return torch.nn.Module.to(unet, getattr(torch, precision)).eval()


def random_unet(family: str = "sd15", precision: str = "float32", narrow: int = 1, device: str = "cpu"):
    """Made where it is used, without a second copy of the weights."""
    import torch

    unet = empty_unet(family, precision, narrow).to_empty(device=device)
    generator = torch.Generator(device).manual_seed(0)
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
    from gooddrag.network.conditioning import Conditioning
    from gooddrag.network.gradient import Gradients
    from gooddrag.network.model import Model

    model = Model(unet)
    config = model.family.settled(config)
    inversion = Inversion(z, model.schedule(config.inference_steps, config.strength), text, size)
    source = Source(inversion, config)
    evaluation = Evaluation(model, inversion, Region.of(unet, mask, z, config), config, Conditioning.of(text))
    supervision = Supervision(evaluation, Gradients(unet.dtype, lambda compute: compute()))
    edit = Edit(points, inversion, config, DragState.undragged(points, source))
    unedited = evaluation.unedited(source, 0, feature=True, memory=False)
    supervision.begin([edit], unedited)

    def step() -> float:
        with evaluation.within(unedited.read):
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


def told(unet, side: int):
    """Random text, and of SDXL pooled text and sizes."""
    import torch

    from gooddrag.network.conditioning import added_width, with_sizes

    generator = torch.Generator().manual_seed(1)
    text, added = torch.randn(1, 77, unet.config.cross_attention_dim, generator=generator), added_width(unet)
    if added is None:
        return text
    return with_sizes(unet, text, torch.randn(1, added - 6 * 256, generator=generator), (side, side))


def quarter(side: int):
    """A mask of a quarter of the picture, in its middle."""
    import torch

    mask = torch.zeros(side, side)
    mask[side // 4 : 3 * side // 4, side // 4 : 3 * side // 4] = 1
    return mask


def made(variant: str, unet, side: int):
    """The step of ``variant``, on the device of ``unet``."""
    import torch
    from diffusers.models.attention_processor import AttnProcessor

    from gooddrag.config import DragConfig
    from gooddrag.network.conditioning import Conditioning
    from gooddrag.network.family import family_of
    from gooddrag.network.schedule import Schedule
    from gooddrag.picture.geometry import DragPoints, latent_mask, to_grid

    from . import naive

    z = torch.randn(1, 4, side // 8, side // 8, generator=torch.Generator().manual_seed(1)).to(unet.device)
    text, mask = Conditioning(*(x.to(unet.device) for x in Conditioning.of(told(unet, side)).tensors)), quarter(side)
    points = DragPoints(((side // 3, side // 2),), ((2 * side // 3, side // 2),), side, side)
    if variant == "naive scores":
        unet.set_attn_processor(AttnProcessor())
    if variant.startswith("naive"):
        grid = (side // 2, side // 2)
        (handle,), (target,) = to_grid(points.handles, grid), to_grid(points.targets, grid)
        config = family_of(unet.config).settled(DragConfig())
        schedule = Schedule(config.inference_steps, config.strength)
        t = schedule.timesteps[0]
        with torch.no_grad():
            prediction, original = naive.features(unet, z, t, text, grid, config.feature_block)
        denoised, _ = schedule.denoise(prediction, t, z)
        return naive.Step(unet, z, t, text, config, handle, target, latent_mask(mask, z), original, denoised)
    if variant.endswith("checkpointed"):
        unet.enable_gradient_checkpointing()
    config = DragConfig(background=variant.split()[0], window="window" in variant)
    return product_step(unet, z, text, config, points, mask, (side, side))


def measured(variant: str, unet, side: int) -> dict:
    """Figures of the steps after the first, which allocates."""
    import torch

    from . import memory

    device = unet.device.type
    meter, wait = memory.METERS[device], torch.cuda.synchronize if device == "cuda" else (lambda: None)
    before = meter.now()
    step = made(variant, unet, side)
    with _counting() as counter:
        step()
    wait()
    meter.reset_peak()
    seconds = []
    for _ in range(STEPS[device]):
        start = time.perf_counter()
        loss = step()
        wait()
        seconds.append(time.perf_counter() - start)
    return {
        "seconds": statistics.median(seconds),
        "times": seconds,
        "above": max(meter.peak() - before, 0),
        "weights": sum(p.numel() * p.element_size() for p in unet.parameters()),
        "loss": loss,
        "flop": counter.get_total_flops(),
    }


def child(variant: str, side: int, threads: int, family: str, precision: str, narrow: int) -> dict:
    """In a process of its own, on the CPU."""
    import torch

    if threads:
        torch.set_num_threads(threads)
    return measured(variant, random_unet(family, precision, narrow), side)


@contextmanager
def _restored(unet) -> Iterator[None]:
    """Afterwards the U-Net is as it was, and nothing of what was computed is left on the GPU."""
    import torch

    processors = unet.attn_processors
    try:
        yield
    finally:
        unet.set_attn_processor(dict(processors))
        unet.disable_gradient_checkpointing()
        unet.requires_grad_(False).zero_grad(set_to_none=True)
        gc.collect()
        torch.cuda.empty_cache()


def on_gpu(args: argparse.Namespace) -> dict[str, list[dict]]:
    """Figures of every variant, a row for each round. In one process: torch counts the GPU's memory itself."""
    unet = random_unet(args.family, args.precision, args.narrow, "cuda")
    rounds: dict[str, list[dict]] = {variant: [] for variant in VARIANTS}
    for i in range(args.rounds):
        for variant, rows in rounds.items():
            with _restored(unet):
                rows.append(measured(variant, unet, args.size))
            print(f"round {i + 1}, {variant}: {rows[-1]}", file=sys.stderr, flush=True)
    return rounds


def counted(args: argparse.Namespace) -> Report:
    """What does not fit into this machine, on torch's meta device: the naive way keeps at least what the whole U-Net keeps for
    gradients of its attention layers, and a gradient for every weight."""
    import torch

    from gooddrag.config import DragConfig
    from gooddrag.method.region import Region
    from gooddrag.network.conditioning import Conditioning
    from gooddrag.network.memory import gradient_bytes
    from gooddrag.network.model import Model

    unet = empty_unet(args.family, args.precision, args.narrow)
    shape, weights = (1, 4, args.size // 8, args.size // 8), sum(p.nbytes for p in unet.parameters())
    words = Conditioning(*(t.to("meta") for t in Conditioning.of(told(unet, args.size)).tensors))
    model, rows = Model(unet), []
    for name, words_of in VARIANTS.items():
        if name == "naive scores" or "checkpointed" in name:
            continue
        config = model.family.settled(
            DragConfig(background="lock" if "lock" in name else "penalty", window="window" in name)
        )
        window = Region.of(unet, quarter(args.size), torch.zeros(shape), config).window
        block, naive_way = config.evaluated_block, name == "naive"
        z = torch.empty(shape, device="meta")
        with torch.no_grad():
            around = model.look(z, 1, words, config.feature_block, (), window)[3]
        unet.requires_grad_(naive_way)
        z = (window.crop(z) if window else z).clone().requires_grad_()
        with _counting() as counter, model.surrounded(around) if window else nullcontext():
            if block:
                model.features(z, 1, words, block).sum().backward()
            else:
                sum(x.sum() for x in model.predict_with_features(z, 1, words, config.feature_block)).backward()
        unet.requires_grad_(False)
        kept = gradient_bytes(unet, shape, block=block, window=window, tuning=naive_way) + weights * naive_way
        rows.append({"variant": name, "words": words_of, "flop": counter.get_total_flops(), "kept": kept})
    base = rows[0]
    lines = [
        f"| one gradient step, {args.family}, {args.size}x{args.size}, {args.precision}, counted | TFLOP | times fewer | "
        "memory above the weights, planned | of the baseline's |",
        "|---|---|---|---|---|",
    ]
    for r in rows:
        lines.append(
            f"| {r['words']} | {r['flop'] / 1e12:.2f} | {base['flop'] / r['flop']:.1f} | "
            f"{'at least ' * (r is base)}{r['kept'] / MIB:.0f} MiB | {r['kept'] / base['kept']:.2f} |"
        )
    figures = {"size": args.size, "family": args.family, "precision": args.precision, "rows": rows}
    return Report("\n".join(lines), figures, f"gradient {args.family} {args.size} counted")


def run(args: argparse.Namespace) -> Report:
    if args.counted:
        return counted(args)
    gpu = args.device == "cuda"
    if gpu:
        rounds = on_gpu(args)
    else:
        rounds = alternate("tests.benchmarks.gradient", VARIANTS, args, args.family, args.precision, str(args.narrow))

    def middle(variant: str, field: str) -> float:
        return statistics.median(r[field] for r in rounds[variant])

    def times_of(variant: str) -> list[float]:
        return [s for r in rounds[variant] for s in r["times"]]

    base_memory, base_flop = (middle("naive", field) for field in ("above", "flop"))
    base_time = statistics.median(times_of("naive"))
    digits = 3 if gpu else 1
    where = "GPU" if gpu else f"{args.threads or os.cpu_count()} threads"
    lines = [
        f"| one gradient step, {args.family}, {args.size}x{args.size}, {args.precision}, {where} "
        "| seconds, median [range] | times faster | TFLOP | times fewer | "
        "memory above the weights | of the baseline's |",
        "|---|---|---|---|---|---|---|",
    ]
    for variant, words in VARIANTS.items():
        times = times_of(variant)
        above, flop = middle(variant, "above"), middle(variant, "flop")
        lines.append(
            f"| {words} | {statistics.median(times):.{digits}f} [{min(times):.{digits}f}, {max(times):.{digits}f}] | "
            f"{base_time / statistics.median(times):.1f} | {flop / 1e12:.2f} | {base_flop / flop:.1f} | "
            f"{above / MIB:.0f} MiB | {above / base_memory:.2f} |"
        )
    figures = {name: getattr(args, name) for name in ("size", "family", "precision", "device", "threads")}
    section = f"gradient {args.family} {args.size}" if gpu or args.family != "sd15" else None
    if gpu:
        section += f" {args.precision} GPU"
    return Report("\n".join(lines), {**figures, "rounds": rounds}, section)


if __name__ == "__main__":
    print(json.dumps(child(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), *sys.argv[4:6], int(sys.argv[6]))))
