"""Which pictures a command judges and with which settings they are dragged: arguments that several commands share."""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from ..bench.datasets import DEMO
from ..config import PAPER, PRESETS, DragConfig
from ..method.lora import check_seed

DEFAULT = DragConfig(background="lock", window=True)
LIKE = {
    "nodes": (DEFAULT, "the nodes' defaults: outside of the mask nothing changes"),
    "paper": (PAPER, "the paper's settings"),
    "authors-script": (PAPER.replace(mask_weight=0.1, patience=5), "what the authors' benchmark script sets"),
    **{name: (PRESETS[name], f"the preset {name}") for name in ("balanced", "fast")},
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
    p.add_argument("--scenes", type=count, default=8, metavar="N", help="demo: drags of each kind (default: 8)")
    p.add_argument(
        "--long",
        type=count_or_none,
        default=9,
        metavar="N",
        help="demo: long drags of each kind that can be long (default: 9)",
    )
    p.add_argument(
        "--seed", type=count_or_none, default=0, help="of LoRA tuning and of methods that draw noise (default: 0)"
    )


def count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text} is no number from 1 on")
    return int(text)


def count_or_none(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text} is no number from 0 on")
    return int(text)


def config(args: argparse.Namespace) -> DragConfig:
    """Raises ``ValueError``."""
    check_seed(args.seed)
    config, _ = LIKE[args.like]
    return config if args.lora_steps is None else config.replace(lora_steps=args.lora_steps)


def options(args: argparse.Namespace) -> dict:
    """Of ``bench.datasets.opened``."""
    return {"limit": args.limit, "scenes": args.scenes, "long": args.long, "shift": args.shift}


def dataset(name: str) -> str:
    """Workers may live in other folders."""
    return name if name == DEMO else str(Path(name).resolve())


def folder(path: Path) -> Path:
    """Whole and made. Raises ``ValueError`` when nothing can be written there."""
    path = path.resolve()
    try:
        path.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path):
            return path
    except OSError as error:
        raise ValueError(f"--out {path} cannot be written to ({error.strerror}); give a folder that can") from None
