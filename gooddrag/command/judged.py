"""Which pictures a command judges and with which settings they are dragged: arguments that several commands share."""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable
from pathlib import Path

from ..bench.datasets import DEMO
from ..bench.datasets import MOST as LISTED
from ..config import PAPER, PRESETS, DragConfig
from ..method.lora import LAST_SEED, check_seed
from .outputs import check_bench, check_path

DEFAULT = DragConfig(background="lock", window=True)
SCENES, LONG_SCENES = 8, 9
LIKE = {
    "nodes": (DEFAULT, "the nodes' defaults: outside of the mask nothing changes"),
    "paper": (PAPER, "the paper's settings"),
    "authors-script": (PAPER.replace(mask_weight=0.1, patience=5), "what the authors' benchmark script sets"),
    **{name: (PRESETS[name], f"the preset {name}") for name in PRESETS if name != "paper"},
}


def arguments(p: argparse.ArgumentParser) -> None:
    p.add_argument(
        "--like",
        choices=LIKE,
        default="nodes",
        help="; ".join(f"{k}: {v[1]}" for k, v in LIKE.items()) + " (default: nodes)",
    )
    p.add_argument("--lora-steps", type=int, metavar="N", help="0 tunes none")
    p.add_argument("--limit", type=count, metavar="N", help="only the first N samples")
    p.add_argument(
        "--shift",
        action="store_true",
        help="demo: red and blue change places, so that the model has seen no such pictures",
    )
    p.add_argument("--scenes", type=scenes, metavar="N", help=f"demo: drags of each kind (default: {SCENES})")
    p.add_argument(
        "--long",
        type=scenes_or_none,
        metavar="N",
        help=f"demo: long drags of each kind that can be long (default: {LONG_SCENES})",
    )
    p.add_argument("--seed", type=seed, default=0, help="of LoRA tuning and of methods that draw noise (default: 0)")


def within(least: int, most: int) -> Callable[[str], int]:
    """The type of an argument that is a whole number."""

    def number(text: str) -> int:
        if not text.isdecimal() or len(text) > 20 or not least <= int(text) <= most:
            shown = text if len(text) <= 40 else f"{text[:37]}..."
            raise argparse.ArgumentTypeError(f"{shown} is no number from {least} to {most}")
        return int(text)

    return number


count = within(1, LISTED["limit"])
processes = within(1, 1024)
scenes, scenes_or_none = within(1, LISTED["scenes"]), within(0, LISTED["long"])
seed = within(0, LAST_SEED)


def config(args: argparse.Namespace) -> DragConfig:
    """Raises ``ValueError``."""
    check_seed(args.seed)
    config, _ = LIKE[args.like]
    return config if args.lora_steps is None else config.replace(lora_steps=args.lora_steps)


def options(args: argparse.Namespace) -> dict:
    """Of ``bench.datasets.opened``. Raises ``ValueError`` for those of the demo world with a folder."""
    world = {"--scenes": args.scenes, "--long": args.long, "--shift": args.shift or None}
    given = [name for name, value in world.items() if value is not None]
    if given and args.dataset != DEMO:
        raise ValueError(f"{' and '.join(given)} is for the dataset demo alone; leave it away with a folder")
    scenes, long = args.scenes or SCENES, LONG_SCENES if args.long is None else args.long
    return {"limit": args.limit, "scenes": scenes, "long": long, "shift": args.shift}


def dataset(name: str) -> str:
    """Workers may live in other folders."""
    return name if name == DEMO else str(Path(name).resolve())


def check_folder(path: Path) -> Path:
    """Whole, not yet made. Raises ``ValueError`` where nothing may be written."""
    check_path("--out", path)
    path = path.resolve()
    check_bench("--out", path / "any")
    return path


def folder(path: Path) -> Path:
    """Whole and made. Raises ``ValueError`` when nothing can be written there."""
    path = check_folder(path)
    try:
        path.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path):
            return path
    except OSError as error:
        raise ValueError(f"--out {path} cannot be written to ({error.strerror}); give a folder that can") from None
