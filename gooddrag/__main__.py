"""The command line: ``python -m gooddrag edit IMAGE --points "x,y>x,y" -o OUT.png``."""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps

from .config import BACKGROUNDS, CHECKPOINTING, PRESETS, DragConfig
from .edit import edit
from .libraries import LibraryError
from .loading import load
from .network import codec
from .network.memory import NotEnoughMemory
from .picture.geometry import DragPoints
from .picture.region import editable
from .picture.value import Value
from .progress import Progress

STAGES = {
    "lora": "tuning the LoRA",
    "invert": "inverting",
    "reference": "dragging",  # the three of them alternate
    "drag": "dragging",
    "denoise": "dragging",
}


PRECISIONS = {"float32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}


class _Bar:
    """A bar that redraws itself on a terminal; one line at the start of each stage otherwise."""

    def __init__(self, stream):
        self.stream, self.live, self.stage = stream, stream.isatty(), ""

    def __call__(self, p: Progress) -> None:
        if self.live:
            filled = round(30 * p.step / max(p.total, 1))
            text = f"{STAGES[p.stage]:16} [{'#' * filled}{'.' * (30 - filled)}] {p.step}/{p.total}"
            self.stream.write(f"\r{text}\x1b[K")
        elif STAGES[p.stage] != self.stage:
            self.stream.write(f"{STAGES[p.stage]} ({p.total} steps in all)\n")
        self.stage = STAGES[p.stage]
        self.stream.flush()

    def clear(self) -> None:
        if self.live:
            self.stream.write("\r\x1b[K")


@contextlib.contextmanager
def _written(path: Path) -> Iterator[Path]:
    """A temporary name beside ``path`` that takes its place only when the block succeeds."""
    part = path.with_name(f".{path.stem}.{os.getpid()}{path.suffix}")
    try:
        yield part
        os.replace(part, path)
    finally:
        with contextlib.suppress(FileNotFoundError):
            part.unlink()


def _open(path: str, what: str) -> Image.Image:
    try:
        return ImageOps.exif_transpose(Image.open(path))
    except FileNotFoundError:
        raise ValueError(f"the {what} {path} does not exist") from None
    except (OSError, Image.DecompressionBombError) as error:
        raise ValueError(f"the {what} {path} cannot be read as a picture ({error})") from None


def _mask(given: str, points: DragPoints, say) -> torch.Tensor | None:
    """The region that may change: "auto", "whole", or a picture by its path."""
    size = (points.width, points.height)
    if given in ("auto", "whole"):
        region = editable(Value(region=given), zip(points.handles, points.targets), None, *size)
        return None if region is None else torch.from_numpy(region)
    mask = _open(given, "mask").convert("L")
    if mask.size != size:
        say(f"the mask is {mask.width}x{mask.height}, the picture {size[0]}x{size[1]}: the mask was resized")
        mask = mask.resize(size, Image.Resampling.NEAREST)
    return torch.from_numpy(np.array(mask))


def _check_output(path: Path, option: str) -> None:
    if not path.parent.is_dir():
        raise ValueError(f"{option} {path}: the folder {path.parent} does not exist; make it first")
    if path.is_dir():
        raise ValueError(f"{option} {path} is a folder; give the name of a file")


def _edit(args: argparse.Namespace, say) -> None:
    output = Path(args.output)
    _check_output(output, "-o")
    if output.suffix.lower() not in Image.registered_extensions():
        raise ValueError(f"-o {output}: no picture format has the ending {output.suffix!r}; use .png")
    if args.trace:
        _check_output(Path(args.trace), "--trace")
    if args.lora:
        _check_output(Path(args.lora), "--lora")
    image = codec.to_tensor(_open(args.image, "picture"))
    size = (image.shape[-1], image.shape[-2])
    points = DragPoints.from_text(args.points, *size)
    mask = _mask(args.mask, points, say)
    config = _config(args)
    loaded = load(
        args.model, args.device, PRECISIONS[args.precision], channels_last=args.channels_last, compiled=args.compile
    )
    bar = _Bar(sys.stderr)
    start = time.monotonic()
    try:
        result = edit(
            loaded.model,
            loaded.vae,
            loaded.encode_text(args.prompt),
            image,
            points,
            mask,
            config,
            seed=args.seed,
            lora_file=Path(args.lora) if args.lora else None,
            callback=bar,
        )
    finally:
        bar.clear()
    with _written(output) as name:
        codec.to_image(result.image).save(name, format=Image.registered_extensions()[output.suffix.lower()])
    if args.trace:
        with _written(Path(args.trace)) as name:
            name.write_text(result.drag.trace.to_json())
    say(f"{result.drag.trace.summary()}; {time.monotonic() - start:.1f} s; written to {output}")


def _config(args: argparse.Namespace) -> DragConfig:
    """The preset, and what was given beside it."""
    preset = PRESETS[args.preset] if args.preset else DragConfig(background="lock", window=True)
    names = ("lora_steps", "operations", "operations_per_step", "background", "window", "checkpointing")
    return preset.replace(**{name: getattr(args, name) for name in names if getattr(args, name) is not None})


def _parser() -> argparse.ArgumentParser:
    defaults = DragConfig()
    parser = argparse.ArgumentParser(prog="python -m gooddrag", description="Drag parts of a picture to new places.")
    commands = parser.add_subparsers(dest="command", required=True)
    p = commands.add_parser("edit", help="edit one picture")
    p.add_argument("image", metavar="IMAGE", help="the picture to edit")
    p.add_argument("--points", required=True, help='pairs in pixels, "handle x,y>target x,y; x,y>x,y"')
    p.add_argument(
        "--mask",
        metavar="FILE|auto|whole",
        default="auto",
        help="what may change: white in a picture, auto for the surroundings of the arrows (the default), or whole",
    )
    p.add_argument(
        "--model", default="demo", help="demo (default), a folder in diffusers' layout, or an SD1.x checkpoint file"
    )
    p.add_argument("--prompt", default="", help="what the picture shows; the paper uses none")
    p.add_argument(
        "--preset", choices=PRESETS, help="settings from the paper's to an eighth of their cost; options below win"
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
    p.add_argument("--checkpointing", choices=CHECKPOINTING, help="less memory, more time (default: auto)")
    p.add_argument(
        "--precision", choices=PRECISIONS, default="float32", help="of the U-Net's weights (default: float32)"
    )
    p.add_argument("--channels-last", action="store_true", help="order the U-Net's weights for convolutions")
    p.add_argument(
        "--compile", action="store_true", help="compile the U-Net's blocks at their first run, which takes a while"
    )
    p.add_argument(
        "--seed", type=int, default=0, help="of the LoRA tuning; everything else is deterministic (default: 0)"
    )
    p.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu", help="default: %(default)s")
    p.add_argument("--trace", metavar="FILE.json", help="write what happened: handles, distances, losses, times")
    p.add_argument("-o", "--output", required=True, metavar="OUT.png")
    return parser


def main(argv: list[str] | None = None) -> int:
    """Exit code 0 when the picture was written, 2 for bad input, 1 when memory or the disk did not suffice, 130 after Ctrl-C."""
    args = _parser().parse_args(argv)

    def say(text: str) -> None:
        print(text, file=sys.stderr, flush=True)

    try:
        _edit(args, say)
    except ValueError as error:
        say(f"error: {error}")
        return 2
    except (LibraryError, NotEnoughMemory) as error:
        say(f"error: {error}")
        return 1
    except OSError as error:
        say(f"error: the result could not be written: {error}")
        return 1
    except KeyboardInterrupt:
        say("cancelled, nothing was written")
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
