"""What a bug report needs: versions, the device, what pictures will need, and whether a small edit comes out right here.

Nothing in the report tells who or where a person is: no names, paths or pictures.
"""

from __future__ import annotations

import importlib
import json
import platform
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path

import torch
from PIL import Image

from . import demo
from .config import PRESETS
from .demo import evaluate
from .libraries import NEEDED, LibraryError, importing
from .method.drag import drag
from .method.inversion import invert
from .network import codec
from .network.family import family_of
from .network.memory import free_bytes, gigabytes, gradient_bytes, is_out_of_memory
from .network.precision import slowdown
from .picture.geometry import LATENT_CELL
from .progress import Progress, silent

PACKAGES = ("torch", "diffusers", "peft", "transformers", "safetensors", "numpy", "pillow")
UNETS = {"Stable Diffusion 1.5": "sd15", "SDXL": "sdxl"}
"""Folders whose U-Net's config comes with the pack."""
SIDES = (512, 1024)
DRAG = ("move", 1000)
"""The demo scene of the self-test."""
INVERTED = (-0.1370, -0.2236, -0.0429, -0.3556, -0.9163, -0.1054, -1.3030, -0.1213, 0.5687, -0.0596, -0.2633, -0.2627)
"""Of its inverted latent at preset fast, some cells, in float32 on a CPU."""
TOLERANCE = {torch.float32: 0.02, torch.float16: 0.1, torch.bfloat16: 0.4}
"""Of these; rounding grows along the steps."""
RATIO = 0.7
"""Of the error of doing nothing, what may be left after the self-test's drag; it is 0.55 in float32 on a CPU."""


@dataclass
class Report:
    """Lines for a person to read and to paste, and what is wrong."""

    lines: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    tell: Callable[[str], None] = lambda line: None
    """Hears each line when it is known."""

    def add(self, *lines: str) -> None:
        for line in lines:
            self.lines.append(_nameless(line))
            self.tell(self.lines[-1])

    @property
    def verdict(self) -> list[str]:
        return [f"PROBLEM: {_nameless(p)}" for p in self.problems] or ["All well."]

    def __str__(self) -> str:
        return "\n".join([*self.lines, *self.verdict])


def _nameless(text: str) -> str:
    """Without the paths of Python and of the home: they name people, and their disks."""
    places = {f'"{sys.executable}"': "python", sys.executable: "python", str(Path.home()): "~"}
    if len(Path(sys.prefix).parts) > 2:  # /usr is nobody's
        places = {**places, sys.prefix: "(Python's folder)"}
    for place in sorted(filter(None, places), key=len, reverse=True):
        text = text.replace(place, places[place])
    return text


@torch.inference_mode(False)  # ComfyUI runs nodes in it, and a drag takes gradients
def examine(
    device: torch.device | str = "cpu",
    dtype: torch.dtype = torch.float32,
    *,
    more: Sequence[str] = (),
    test: bool = True,
    callback: Callable[[Progress], None] = silent,
    tell: Callable[[str], None] = lambda line: None,
) -> Report:
    """Look at this installation and its ``device``; ``more`` are lines of whoever asks. ``test``: also invert and drag a picture of
    the demo model with its U-Net in ``dtype``, which takes about a minute on a CPU. ``callback`` may raise to cancel; ``tell``
    hears each line when it is known, but not the verdict."""
    report, device = Report(tell=tell), torch.device(device)
    report.add(_computer(), _versions(), *more, _device(device))
    if _libraries(report):
        report.add(*_speed(device, dtype), *_needs(device, dtype))
        if test:
            _test(report, device, dtype, callback)
    return report


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "missing"


def _computer() -> str:
    here = platform.uname()
    return f"{here.system} {here.release}, {here.machine}, Python {platform.python_version()}"


def _versions() -> str:
    return ", ".join(f"{name} {torch.__version__ if name == 'torch' else _version(name)}" for name in PACKAGES)


def _device(device: torch.device) -> str:
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else platform.processor() or "processor"
    built = f", CUDA {torch.version.cuda}" * bool(torch.version.cuda) + f", HIP {torch.version.hip}" * bool(
        torch.version.hip
    )
    free = free_bytes(device)
    memory = "what is free cannot be known, so memory is not planned" if free is None else f"{gigabytes(free)} free"
    threads = f", {torch.get_num_threads()} threads" if device.type == "cpu" else ""
    return f"{device}: {name}{threads}{built}, {memory}"


def _libraries(report: Report) -> bool:
    """Whether those that a model needs can be imported; what is wrong with the others is said."""
    for library in NEEDED:
        try:
            with importing(library):
                importlib.import_module(library)
        except LibraryError as error:
            report.problems.append(str(error))
    return not report.problems


def _speed(device: torch.device, dtype: torch.dtype) -> list[str]:
    times = 1 if dtype == torch.float32 else slowdown(dtype, device)
    name = str(dtype).removeprefix("torch.")
    return [f"{name} takes about {times:.0f} times as long as float32 on this device"] if times >= 2 else []


def _needs(device: torch.device, dtype: torch.dtype) -> list[str]:
    """For each family and size: memory for gradients when all of the picture may change, beside the weights."""
    with importing("diffusers"):
        from diffusers import UNet2DConditionModel
    free, lines = free_bytes(device), []
    for name, folder in UNETS.items():
        config = json.loads((Path(__file__).parent / folder / "unet" / "config.json").read_text(encoding="utf-8"))
        with torch.device("meta"):
            unet = UNet2DConditionModel.from_config(config)
            torch.nn.Module.to(unet, dtype)  # diffusers' own would warn of layers that this U-Net has not
        weights, block = sum(p.nbytes for p in unet.parameters()), family_of(unet.config).feature_block
        cells = []
        for side in SIDES:
            shape = (1, 4, side // LATENT_CELL, side // LATENT_CELL)
            plain, sparing = (gradient_bytes(unet, shape, block=block, checkpointing=c) for c in (False, True))
            fits = free is None or weights + plain <= free
            how = (
                ""
                if fits
                else ", which fits with checkpointing alone"
                if weights + sparing <= free
                else ", too much for what is free"
            )
            cells.append(f"{side}x{side} {gigabytes(plain)} ({gigabytes(sparing)}){how}")
        lines.append(
            f"{name} in {str(dtype).removeprefix('torch.')}: weights {gigabytes(weights)}; a drag without a mask, in brackets with "
            f"checkpointing: {'; '.join(cells)}"
        )
    return lines


def _test(report: Report, device: torch.device, dtype: torch.dtype, callback: Callable[[Progress], None]) -> None:
    start, raised = time.monotonic(), []

    def asked(progress: Progress) -> None:
        try:
            callback(progress)
        except Exception as error:
            raised.append(error)
            raise

    try:
        model, vae = demo.load(device, dtype)
        chosen, config = demo.drag(*DRAG), PRESETS["fast"]
        before = chosen.picture(0)
        size = (before.shape[1], before.shape[0])
        z0, _ = codec.encode(vae, codec.to_tensor(Image.fromarray(before)).to(device))
        inversion = invert(model, z0, demo.text(model), size, config, asked)
        mask = torch.from_numpy(chosen.mask)
        latent = drag(model, inversion, chosen.points, mask, config, asked).latent
        edited, undragged = (evaluate.array(codec.decode(vae, z, size)) for z in (latent, z0))
    except Exception as error:
        if any(error is own for own in raised):  # whoever asked wants no report any more
            raise
        what = "there is not enough memory for" if is_out_of_memory(error) else "an error in"
        report.problems.append(f"{what} the self-test: {type(error).__name__}: {' '.join(str(error).split())[:300]}")
        return
    seen = inversion.latent[0, :, ::11, ::13].flatten().float().cpu()[: len(INVERTED)]
    off = float((seen - torch.tensor(INVERTED)).abs().max())
    ratio, done = evaluate.error_ratio(chosen, edited, undragged), evaluate.fraction_done(chosen, edited)
    if not off <= TOLERANCE[dtype]:
        report.problems.append(
            f"the inverted latent is off by {off:.3g}; at most {TOLERANCE[dtype]:g} is rounding in {dtype}"
        )
    if not ratio <= RATIO:
        report.problems.append(
            f"the drag of the self-test left {ratio:.0%} of the error of doing nothing; expected 55%"
        )
    report.add(
        f"Self-test: inverted to {off:.1g}, {done:.0%} of the drag done, {ratio:.0%} of the error left, "
        f"{time.monotonic() - start:.0f} s"
    )
