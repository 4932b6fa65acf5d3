"""``python -m gooddrag bench DATASET --out DIR``: every method on every picture of a dataset.

Edits every picture of a dataset by every method, measures the results and writes tables and a page of pictures. A run that
was stopped goes on where it was.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

from ..bench.datasets import DEMO
from ..bench.engines import ENGINES
from ..bench.methods import METHODS
from ..bench.rows import Row
from ..bench.run import run as run_job
from ..bench.work import Job
from ..config import PAPER, PRESETS, DragConfig
from ..libraries import LibraryError
from ..method.lora import check_seed
from . import models
from .terminal import say

DEFAULT = DragConfig(background="lock", window=True)
LIKE = {
    "nodes": (DEFAULT, "the nodes' defaults: outside of the mask nothing changes"),
    "paper": (PAPER, "the paper's settings"),
    "authors-script": (PAPER.replace(mask_weight=0.1, patience=5), "what the authors' benchmark script sets"),
    **{name: (PRESETS[name], f"the preset {name}") for name in ("balanced", "fast")},
}


def arguments(p: argparse.ArgumentParser) -> None:
    p.add_argument(
        "dataset", metavar="DATASET", help="demo, or a folder: Drag100, DragBench (DR or SR), or one with true results"
    )
    p.add_argument(
        "--method",
        action="append",
        choices=METHODS,
        metavar="NAME",
        help=f"any of {', '.join(METHODS)}; all by default",
    )
    p.add_argument(
        "--out",
        type=Path,
        required=True,
        metavar="DIR",
        help="results.jsonl, results.csv, report.md, index.html, pictures/",
    )
    models.arguments(p)
    p.add_argument(
        "--like",
        choices=LIKE,
        default="nodes",
        help="; ".join(f"{k}: {v[1]}" for k, v in LIKE.items()) + " (default: nodes)",
    )
    p.add_argument("--lora-steps", type=int, help="0 tunes none")
    p.add_argument("--limit", type=_count, metavar="N", help="only the first N samples")
    p.add_argument(
        "--shift",
        action="store_true",
        help="demo: red and blue change places, so that the model has seen no such pictures",
    )
    p.add_argument("--scenes", type=int, default=8, metavar="N", help="demo: drags of each kind (default: 8)")
    p.add_argument(
        "--long", type=int, default=9, metavar="N", help="demo: long drags of each kind that can be long (default: 9)"
    )
    p.add_argument("--seed", type=int, default=0, help="of LoRA tuning and of methods that draw noise (default: 0)")
    p.add_argument("--workers", type=_count, default=1, metavar="N", help="processes (default: 1)")
    p.add_argument(
        "--threads", type=_count, default=1, metavar="N", help="of each process; other sums than with 1 (default: 1)"
    )
    p.add_argument(
        "--engine", choices=ENGINES, default="local", help="ray works on a cluster, and needs the package ray"
    )
    p.add_argument(
        "--part",
        type=_part,
        default=(1, 1),
        metavar="I/N",
        help="only every N-th sample from the I-th on, into the same folder",
    )


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text} is no number from 1 on")
    return int(text)


def _part(text: str) -> tuple[int, int]:
    index, _, parts = text.partition("/")
    if not (index.isdecimal() and parts.isdecimal() and 1 <= int(index) <= int(parts)):
        raise argparse.ArgumentTypeError(f"{text} is no part; write 1/4 to 4/4")
    return int(index), int(parts)


def _job(args: argparse.Namespace) -> Job:
    config, _ = LIKE[args.like]
    if args.lora_steps is not None:
        config = config.replace(lora_steps=args.lora_steps)
    check_seed(args.seed)
    models.device(args.device)
    options = {"limit": args.limit, "scenes": args.scenes, "long": args.long, "shift": args.shift}
    methods = tuple(dict.fromkeys(args.method or METHODS))
    # workers may live in other folders
    dataset = args.dataset if args.dataset == DEMO else str(Path(args.dataset).resolve())
    # other weights, other rows
    model = args.model if args.precision == "float32" else f"{args.model} in {args.precision}"
    out = args.out.resolve()
    return Job(dataset, methods, model, models.asked(args), config, out, options, args.seed, args.threads)


class _Told:
    """A line for each sample that is done, and how long the rest will take."""

    def __init__(self) -> None:
        self.start = time.monotonic()

    def __call__(self, done: int, total: int, rows: list[Row]) -> None:
        left = (time.monotonic() - self.start) / done * (total - done)
        failed = [f"{r['method']}: {r['error']}" for r in rows if "error" in r]
        words = (
            "; ".join(failed) if failed else ", ".join(f"{r['method']} {r.get('ratio', r['dai_1']):.2f}" for r in rows)
        )
        say(f"[{done}/{total}, {left / 60:.0f} min left] {rows[0]['sample']}: {words}")


def run(args: argparse.Namespace) -> int:
    """Exit code 0 when all was done, 1 when edits failed, 2 for bad input, 130 after Ctrl-C; what is done is kept."""
    try:
        rows = run_job(_job(args), workers=args.workers, engine=args.engine, part=args.part, tell=_Told())
    except ValueError as error:
        say(f"error: {error}")
        return 2
    except (LibraryError, OSError) as error:
        say(f"error: {error}; what was done is in {args.out}, and the same command goes on")
        return 1
    except KeyboardInterrupt:
        say(f"stopped; what was done is in {args.out}, and the same command goes on")
        return 130
    failed = sum("error" in r for r in rows)
    say(
        f"{len(rows) - failed} edits{f', {failed} failed' * bool(failed)}; {args.out / 'report.md'}, {args.out / 'index.html'}"
    )
    return 1 if failed else 0
