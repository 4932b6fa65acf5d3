"""``python -m gooddrag edit IMAGE --points "x,y>x,y" -o OUT.png``: edit one picture."""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from .. import files, pictures
from ..config import BACKGROUNDS, CHECKPOINTING, PRESETS, DragConfig
from ..edit import edit
from ..libraries import LibraryError
from ..loading import Loaded
from ..method.lora import check_seed
from ..network import codec
from ..network.guidance import MOST, Guidance
from ..network.memory import NotEnoughMemory, free_bytes, is_out_of_memory
from ..picture.geometry import MIN_SIDE, DragPoints, protected
from ..picture.region import editable
from ..picture.sizes import same_shape
from ..picture.value import Value
from ..picture.working import working_size
from . import models
from .outputs import check, check_apart, check_path
from .terminal import Bar, say, stderr

HALF_WHITE = 128
"""And more may change, as in the nodes: a JPEG's black is not quite 0, nor is a soft border's end."""


def _mask(given: str, points: DragPoints, say) -> torch.Tensor | None:
    """The region that may change: "auto", "whole", or a picture by its path."""
    size = (points.width, points.height)
    if given in ("auto", "whole"):
        region = editable(Value(region=given), zip(points.handles, points.targets), None, *size)
        return None if region is None else torch.from_numpy(region)
    if not os.path.exists(given):
        raise ValueError(f"the mask {given or repr(given)} does not exist; give a picture, auto or whole")
    mask = pictures.read(given, "mask", say)
    mask = codec.to_image(codec.to_tensor(mask, under="black")).convert("L")  # nobody painted what is transparent
    if mask.size != size:
        other = "" if same_shape(mask.size, size) else ", which has another shape: it is stretched"
        say(f"the mask is {mask.width}x{mask.height}, the picture {size[0]}x{size[1]}: the mask was resized{other}")
        mask = mask.resize(size, Image.Resampling.NEAREST)
    return torch.from_numpy(np.array(mask) >= HALF_WHITE)


def _check_paths(args: argparse.Namespace) -> None:
    """Nothing is written over what is read, nor twice to one place, nor where nothing can be written."""
    outputs = {"-o": args.output, "--trace": args.trace, "--lora": args.lora}
    read = {"the picture": args.image, "--mask": args.mask, "--model": args.model}
    for option, given in {"--model": args.model, "--lora": args.lora}.items():
        try:
            files.check_text(given or "")
        except ValueError as error:
            raise ValueError(f"{option}: {error}; rename it") from None
    for name, given in (read | outputs).items():
        if given is not None and (given or name in outputs):
            check_path(name, given)
    taken = {name: path for name, path in read.items() if path and os.path.exists(path)}
    for option, given in outputs.items():
        if given is not None:
            check_apart(option, given, taken)
            taken[option] = given
            check(option, given)


def _check_guidance(args: argparse.Namespace) -> None:
    if not 1 <= args.guidance <= MOST:
        raise ValueError(
            f"--guidance {args.guidance:g} is not possible; give 1, which is none, or a number above it up to {MOST}"
        )
    if args.guidance == 1 and args.negative:
        raise ValueError("--negative does nothing while --guidance is 1; raise it, or leave --negative away")


def _guidance(args: argparse.Namespace, loaded: Loaded, size: tuple[int, int]) -> Guidance | None:
    return None if args.guidance == 1 else Guidance(args.guidance, loaded.encode_text(args.negative, size))


def _check_memory(loaded: Loaded, size: tuple[int, int]) -> None:
    """Raise ``NotEnoughMemory`` where the autoencoder's first layer alone does not fit: the system would end the process."""
    least = 3 * 4 * loaded.vae.config.block_out_channels[0] * size[0] * size[1]
    free = free_bytes(loaded.model.device)
    if free is not None and least > free:
        raise NotEnoughMemory(
            f"a picture of {size[0]}x{size[1]} needs at least {least / 2**30:.1f} GB, and {free / 2**30:.1f} GB are free. "
            "Use a smaller picture"
        )


def _edit(args: argparse.Namespace, say: Callable[[str], None], written: list[str]) -> None:
    """Edit as asked; ``written`` hears of every file at once. Raises ``_Unwritten`` when a result was lost."""
    _check_paths(args)
    output = Path(args.output)
    picture = pictures.read(args.image, "picture", say)
    size = picture.size
    if picture.has_transparency_data and picture.convert("RGBA").getextrema()[3][0] < 255:
        say("what is transparent in the picture is taken as white; the edit has no transparency")
    try:
        kind = pictures.check_format(output, size)
    except ValueError as error:
        raise ValueError(f"-o {output}: {error}") from None
    points = DragPoints.from_text(args.points, *size)
    mask = _mask(args.mask, points, say)
    config = _config(args)
    check_seed(args.seed)
    _check_guidance(args)
    if args.warp_from is not None and not config.warp_start:
        raise ValueError("--warp-from does nothing without --warp-start; add that, or leave --warp-from away")
    if args.lora and not config.lora_steps:
        say(f"no LoRA is tuned with 0 steps, so that --lora {args.lora} is neither read nor written")
    for sentence in [] if mask is None else protected(points, mask):
        say(sentence)
    loaded = models.asked(args)()
    small = working_size(size, args.size) if args.size else size
    if small != size:
        say(f"edited at {small[0]}x{small[1]} and carried back into {size[0]}x{size[1]}")
    _check_memory(loaded, small)
    bar = Bar(stderr())
    start = time.monotonic()
    try:
        result = edit(
            loaded.model,
            loaded.vae,
            loaded.encode_text(args.prompt, small),
            codec.to_tensor(picture),
            points,
            mask,
            config,
            guidance=_guidance(args, loaded, small),
            working=args.size,
            seed=args.seed,
            lora_file=Path(args.lora) if args.lora else None,
            callback=bar,
            tell=lambda sentence: (bar.clear(), say(sentence)),
            kept=lambda path: written.append(f"the LoRA to {path}"),
        )
    finally:
        bar.clear()
    try:
        files.write(output, pictures.encoded(codec.to_image(result.image), kind))
    except OSError as error:
        raise _Unwritten(f"the picture could not be written to {output}: {error.strerror or error}") from None
    written.append(f"the picture to {output}")
    if args.trace:
        try:
            files.write(Path(args.trace), result.drag.trace.to_json().encode())
        except OSError as error:
            raise _Unwritten(f"the trace could not be written to {args.trace}: {error.strerror or error}") from None
    say(f"{result.drag.trace.summary()}; {time.monotonic() - start:.1f} s; written to {output}")


class _Unwritten(Exception):
    """A result could not be written."""


def _config(args: argparse.Namespace) -> DragConfig:
    """The preset, and what was given beside it."""
    preset = PRESETS[args.preset] if args.preset else DragConfig(background="lock", window=True)
    names = ("lora_steps", "operations", "operations_per_step", "background", "window", "checkpointing")
    names += ("exact_source", "warp_start", "warp_from")
    return preset.replace(**{name: getattr(args, name) for name in names if getattr(args, name) is not None})


def _side(text: str) -> int:
    if not text.isdecimal() or not MIN_SIDE <= int(text) <= 8192:
        raise argparse.ArgumentTypeError(f"{text} is no number of pixels from {MIN_SIDE} to 8192")
    return int(text)


def arguments(p: argparse.ArgumentParser) -> None:
    defaults = DragConfig()
    p.add_argument("image", metavar="IMAGE", help="the picture to edit")
    p.add_argument("--points", required=True, help='pairs in pixels, "handle x,y>target x,y; x,y>x,y"')
    p.add_argument(
        "--mask",
        metavar="FILE|auto|whole",
        default="auto",
        help="what may change: white in a picture, auto for the surroundings of the arrows (the default), or whole",
    )
    p.add_argument(
        "--size",
        type=_side,
        metavar="PIXELS",
        help="edit a picture of more than PIXELS x PIXELS at that many and carry the edit back into it; 768 suits SD1.x, 1024 SDXL",
    )
    models.arguments(p)
    p.add_argument("--prompt", default="", help="what the picture shows; the paper uses none")
    p.add_argument(
        "--guidance", type=float, default=1.0, help="classifier-free guidance; 1 is none, as in the paper (default: 1)"
    )
    p.add_argument("--negative", metavar="PROMPT", default="", help="what to keep away from, with --guidance above 1")
    p.add_argument(
        "--preset",
        choices=PRESETS,
        help="the paper's settings, the best that are known, or some at a quarter or an eighth of their cost; options below win",
    )
    p.add_argument("--lora-steps", type=int, help=f"0 tunes none (default: {defaults.lora_steps})")
    p.add_argument("--lora", metavar="FILE", help="keep the tuned LoRA here, and read it when nothing has changed")
    p.add_argument("--operations", type=int, help=f"drag operations in all, K (default: {defaults.operations})")
    p.add_argument("--operations-per-step", type=int, help=f"B (default: {defaults.operations_per_step})")
    p.add_argument("--background", choices=BACKGROUNDS, help="what holds the region outside the mask (default: lock)")
    p.add_argument(
        "--window",
        action=argparse.BooleanOptionalAction,
        help="compute only the surroundings of the mask (the default), or the whole picture at every step",
    )
    p.add_argument(
        "--exact-source",
        action=argparse.BooleanOptionalAction,
        help="read the undragged picture from its inversion, so that what nothing drags comes out as it went in",
    )
    p.add_argument(
        "--warp-start",
        action=argparse.BooleanOptionalAction,
        help="move the noise inside the mask along long arrows first, and drag on from there",
    )
    p.add_argument(
        "--warp-from",
        type=float,
        metavar="PX",
        help="with --warp-start, pixels that the longest arrow must have, in the size of --size where that is given "
        f"(default: {defaults.warp_from:g})",
    )
    p.add_argument("--checkpointing", choices=CHECKPOINTING, help="less memory, more time (default: auto)")
    p.add_argument(
        "--seed", type=int, default=0, help="of the LoRA tuning; everything else is deterministic (default: 0)"
    )
    p.add_argument("--trace", metavar="FILE.json", help="write what happened: handles, distances, losses, times")
    p.add_argument("-o", "--output", required=True, metavar="OUT.png")


def run(args: argparse.Namespace) -> int:
    """Exit code 0 when all was written, 2 for bad input, 1 when memory or the disk did not suffice, 130 after Ctrl-C."""
    written: list[str] = []

    def so_far(nothing: str) -> str:
        return f"{' and '.join(written)} was written before" if written else nothing

    try:
        _edit(args, say, written)
    except ValueError as error:
        say(f"error: {error}")
        return 2
    except (LibraryError, NotEnoughMemory) as error:
        say(f"error: {error}")
        return 1
    except _Unwritten as error:
        say(f"error: {error}; {so_far('nothing was written')}")
        return 1
    except KeyboardInterrupt:
        say(f"cancelled, {so_far('nothing was written')}")
        return 130
    except (MemoryError, RuntimeError) as error:
        if not isinstance(error, MemoryError) and not is_out_of_memory(error):
            raise
        say(
            f"error: there was not enough memory; use a smaller picture, or --checkpointing on; {so_far('nothing was written')}"
        )
        return 1
    return 0
