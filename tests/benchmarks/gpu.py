"""LoRA, a first edit and a drag that goes on, at the paper's settings on a GPU: through the engine and through a real ComfyUI.

A full-size Stable Diffusion 1.5 with random weights, the background locked, all of the picture editable or a quarter of it.
The engine's rows leave the autoencoder out; ComfyUI's rows are its nodes, with its dynamic VRAM as it is by default. Without
a GPU the table says so; ``--device cpu`` tries the benchmark itself out.
"""

from __future__ import annotations

import argparse
import itertools
import tempfile
import threading
import time
from pathlib import Path

from .report import Report

SIZES = (512, 768, 1024)
DTYPES = {"bfloat16": "--bf16-unet", "float16": "--fp16-unet"}
"""torch's names and ComfyUI's."""
WAYS = ("engine", "ComfyUI")
PARTS = ("all", "a quarter")
"""Of the picture, as the mask lets it change."""
PAPER_TFLOP = 350
"""Of a whole edit at 512x512 and the paper's settings."""
TRIED_OUT = dict(inference_steps=4, operations=4, operations_per_step=2, lora_steps=2)
"""Settings that a CPU can wait for."""


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--sizes", type=int, nargs="+", default=list(SIZES))
    parser.add_argument("--dtypes", nargs="+", choices=DTYPES, default=list(DTYPES))
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=list(WAYS))
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument(
        "--peak-tflops", type=float, default=989, help="of the card in half precision; H100 and H200: 989"
    )
    parser.add_argument("--device", default="cuda", help="cpu: a few steps, the engine on the demo model")


def _settings(gpu: bool):
    from gooddrag import DragConfig

    config = DragConfig(background="lock", window=True, patience=1000)
    return config if gpu else config.replace(**TRIED_OUT)


def _pair(side: int, further: int) -> dict:
    return {"handle": (side * 3 // 8, side * 3 // 8), "target": (side * 5 // 8, side // 2 + further)}


def _engine(gpu: bool, dtype: str, side: int, part: str) -> dict:
    import torch

    from gooddrag import DragPoints, Model, demo, drag, invert, train_lora
    from gooddrag.method import lora

    from .gradient import random_unet

    device, config = "cuda" if gpu else "cpu", _settings(gpu)
    if gpu:
        model = Model(random_unet(precision=dtype, device=device))
        text = torch.randn(1, 77, 768, device=device)
    else:
        model, _ = demo.load(device, getattr(torch, dtype))
        text = demo.text(model)
    z0 = torch.randn(1, 4, side // 8, side // 8, device=device)
    points, further = (DragPoints(*((end,) for end in _pair(side, more).values()), side, side) for more in (0, 8))
    mask = None
    if part == "a quarter":
        mask = torch.zeros(side, side)
        mask[side // 4 : side * 3 // 4, side // 4 : side * 3 // 4] = 1
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
        first = timed("drag", lambda: drag(model, inversion, points, mask, config))
        less = config.replace(operations=max(config.operations // 7, 1))
        timed("continued", lambda: drag(model, inversion, further, mask, less, state=first.state))
    peak = torch.cuda.max_memory_allocated() if gpu else 0
    return {"seconds": seconds, "peak": peak}


class _Used:
    """The most memory of the GPU that was taken, by all processes, while the block ran."""

    def __init__(self, server):
        self.server, self.peak, self.done = server, 0, threading.Event()
        self.thread = threading.Thread(target=self._watch, daemon=True)

    def _watch(self) -> None:
        while not self.done.wait(0.05):
            device = self.server.get("/system_stats")["devices"][0]
            self.peak = max(self.peak, device["vram_total"] - device["vram_free"])

    def __enter__(self) -> _Used:
        self.thread.start()
        return self

    def __exit__(self, *_exception) -> None:
        self.done.set()
        self.thread.join()


def _comfyui(gpu: bool, dtype: str, side: int, part: str) -> dict:
    import json

    import numpy as np
    from PIL import Image

    from devtools import environment, workflow
    from devtools.server import Server, copy_input
    from tests.slow import random_checkpoint

    from .demo import seconds_by_node

    checkpoints = environment.BASE / "models" / "checkpoints"
    checkpoint = random_checkpoint.kept(environment.comfyui_dir(), checkpoints)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"gooddrag_random_{side}.png"
        small = np.random.default_rng(0).integers(0, 256, (8, 8, 3), dtype=np.uint8)
        Image.fromarray(small).resize((side, side), Image.Resampling.BICUBIC).save(path)
        picture = copy_input(path)
    config = _settings(gpu)
    with Server(arguments=(DTYPES[dtype],) if gpu else ()) as server:
        graph = workflow.load(environment.ROOT / "example_workflows" / "gooddrag_sd15.json")
        prompt = workflow.to_prompt(graph, server.get("/object_info"))

        def inputs(kind: str) -> dict:
            return prompt[workflow.find(prompt, kind)]["inputs"]

        inputs("CheckpointLoaderSimple")["ckpt_name"] = checkpoint.name
        inputs("LoadImage")["image"] = picture
        inputs("GoodDrag_LoRATune")["steps"] = config.lora_steps
        inputs("GoodDrag_Invert")["steps"] = config.inference_steps
        sampler, points = inputs("GoodDrag_Sampler"), inputs("GoodDrag_Points")
        sampler |= {k: getattr(config, k) for k in ("operations", "operations_per_step", "patience")}
        box = {"kind": "rectangle", "points": [[side // 4, side // 4], [side * 3 // 4 - 1, side * 3 // 4 - 1]]}
        shapes = [box] if part == "a quarter" else []

        def place(further: int) -> None:
            points["points"] = json.dumps({"pairs": [_pair(side, further)], "mask": {"shapes": shapes}})

        # as for the engine, what is loaded and chosen once is not timed
        warm = {"operations": 1, "operations_per_step": 1, "gradient_steps": 1}
        before, lora_steps = {k: sampler[k] for k in warm}, inputs("GoodDrag_LoRATune")["steps"]
        place(0)
        sampler |= warm
        inputs("GoodDrag_LoRATune")["steps"] = 1
        server.run(prompt)
        sampler |= before
        inputs("GoodDrag_LoRATune")["steps"] = lora_steps
        with _Used(server) as used:
            first = seconds_by_node(server, prompt)
            place(8)
            sampler |= {"start": "last run", "operations": max(config.operations // 7, 1)}
            continued = seconds_by_node(server, prompt)
    assert set(continued) <= {"Points", "Sampler", "Decode"}, continued
    seconds = {"lora": first["LoRATune"], "invert": first["Invert"], "drag": first["Sampler"]}
    return {"seconds": seconds | {"continued": continued["Sampler"]}, "peak": used.peak if gpu else 0}


def run(args: argparse.Namespace) -> Report:
    import torch

    gpu = args.device == "cuda"
    lines = [
        "| U-Net | picture | editable | through | LoRA, s | first edit (inversion and drag), s | continued drag (10 operations), s "
        "| peak memory, GB | share of the roofline |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    rows = []
    for dtype, side, part, way in itertools.product(args.dtypes, args.sizes, args.parts, args.ways):
        head = f"| {dtype} | {side}x{side} | {part} | {way} |"
        if gpu and not torch.cuda.is_available():
            lines.append(f"{head} not measured | not measured | not measured | not measured | |")
            continue
        measure = {"engine": _engine, "ComfyUI": _comfyui}[way]
        rounds = [measure(gpu, dtype, side, part) for _ in range(args.rounds)]
        best = min(rounds, key=lambda r: sum(r["seconds"].values()))
        rows.append({"dtype": dtype, "side": side, "part": part, "way": way, "rounds": rounds})
        s = best["seconds"]
        edit = s["invert"] + s["drag"]
        share = f"{PAPER_TFLOP / edit / args.peak_tflops:.0%}" if side == 512 and part == "all" and gpu else ""
        peak = f"{best['peak'] / 1e9:.1f}" if gpu else ""
        lines.append(f"{head} {s['lora']:.1f} | {edit:.1f} | {s['continued']:.1f} | {peak} | {share} |")
    return Report("\n".join(lines), {"rows": rows})
