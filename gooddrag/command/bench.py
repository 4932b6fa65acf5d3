"""``python -m gooddrag bench DATASET --out DIR``: every method on every picture of a dataset.

Edits every picture of a dataset by every method, measures the results and writes tables and a page of pictures. A run that
was stopped goes on where it was.
"""

from __future__ import annotations

import argparse
import time

from ..bench.datasets import DEMO, opened
from ..bench.engines import ENGINES
from ..bench.methods import METHODS
from ..bench.optional import needed
from ..bench.rows import Row
from ..bench.run import run as run_job
from ..bench.work import Job
from ..libraries import LibraryError
from . import judged, models
from .judged import processes
from .outputs import named
from .terminal import say


def arguments(p: argparse.ArgumentParser) -> None:
    p.add_argument(
        "dataset", metavar="DATASET", help="demo, or a folder: Drag100, DragBench (DR or SR), or one with true results"
    )
    p.add_argument(
        "--method",
        action="append",
        choices=METHODS,
        metavar="NAME",
        help=f"any of {', '.join(METHODS)}; by default all that can edit such pictures",
    )
    p.add_argument(
        "--out",
        type=named,
        required=True,
        metavar="DIR",
        help="results.jsonl, results.csv, report.md, index.html, pictures/",
    )
    models.arguments(p)
    judged.arguments(p)
    p.add_argument(
        "--no-reference",
        action="store_true",
        help="also TReS, MUSIQ and TOPIQ, by the package pyiqa, which downloads their weights",
    )
    p.add_argument("--workers", type=processes, default=1, metavar="N", help="processes (default: 1)")
    p.add_argument(
        "--threads", type=processes, default=1, metavar="N", help="of each process; other sums than with 1 (default: 1)"
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
    p.add_argument(
        "--rows-alone",
        action="store_true",
        help="an edit is done that has a row, also without its picture: for rows that were copied without pictures",
    )


def _part(text: str) -> tuple[int, int]:
    index, _, parts = text.partition("/")
    if len(text) > 20 or not (index.isdecimal() and parts.isdecimal() and 1 <= int(index) <= int(parts)):
        raise argparse.ArgumentTypeError(f"{text[:40]} is no part; write 1/4 to 4/4")
    return int(index), int(parts)


def _job(args: argparse.Namespace) -> Job:
    if args.no_reference:
        needed("pyiqa", "--no-reference")
    if args.engine == "ray":
        needed("ray", "--engine ray")
    models.device(args.device)
    fitting = (name for name, method in METHODS.items() if args.dataset == DEMO or not method.worldly)
    methods = tuple(dict.fromkeys(args.method or fitting))
    dataset = judged.dataset(args.dataset)
    # other weights, other rows
    model = args.model if args.precision == "float32" else f"{args.model} in {args.precision}"
    config, options = judged.config(args), judged.options(args)
    opened(dataset, **options)  # refused before a folder is made
    loader = models.asked(args)
    weights = (
        loader.weights if args.precision == "float32" or not loader.weights else f"{loader.weights} in {args.precision}"
    )
    return Job(
        dataset,
        methods,
        model,
        loader,
        config,
        judged.folder(args.out),
        options,
        seed=args.seed,
        threads=args.threads,
        no_reference=args.no_reference,
        weights=weights,
    )


class _Told:
    """A line for each sample that is done, and how long the rest will take."""

    def __init__(self) -> None:
        self.start = time.monotonic()

    def __call__(self, done: int, total: int, rows: list[Row]) -> None:
        left = (time.monotonic() - self.start) / done * (total - done)
        failed = [f"{r['method']}: {r['error']}" for r in rows if "error" in r]
        words = "; ".join(failed) if failed else ", ".join(f"{r['method']} {_figure(r)}" for r in rows)
        say(f"[{done}/{total}, {left / 60:.0f} min left] {rows[0]['sample']}: {words}")


def run(args: argparse.Namespace) -> int:
    """Exit code 0 when all was done, 1 when edits failed, 2 for bad input, 130 after Ctrl-C; what is done is kept."""
    try:
        how = {"workers": args.workers, "engine": args.engine, "part": args.part, "rows_alone": args.rows_alone}
        rows = run_job(_job(args), **how, tell=_Told())
    except ValueError as error:
        say(f"error: {error}")
        return 2
    except LibraryError as error:
        say(f"error: {error}")
        return 1
    except OSError as error:
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


def _figure(row: dict) -> str:
    """What there is of a row that tells most: the error ratio where the truth is known."""
    return f"{row['ratio']:.2f}" if "ratio" in row else f"DAI {row['dai_1']:.2f}"
