"""``python -m gooddrag study DIR``: a blind ranking page for people, and their answers.

With --page makes a page (one HTML file to send around) on which people rank the edits of a bench without knowing which method made
them, with the mouse or the keyboard. With --answers reads the files back that the page saved, and writes a CSV for ranks.
"""

from __future__ import annotations

import argparse

from .. import files
from ..bench import study
from ..bench.finished import Finished, check_folder
from ..bench.methods import METHODS
from .judged import count, seed
from .outputs import check, check_apart, named
from .terminal import say

PAGES, TABLES = (".html", ".htm"), (".csv",)


def arguments(p: argparse.ArgumentParser) -> None:
    p.add_argument("folder", type=named, metavar="DIR", help="the folder of a bench")
    what = p.add_mutually_exclusive_group(required=True)
    what.add_argument("--page", type=named, metavar="HTML", help="make this page")
    what.add_argument("--answers", type=named, nargs="+", metavar="JSON", help="files that the page saved")
    told = "; ".join(f"{name}: {words}" for name, words in study.QUESTIONS.items())
    p.add_argument("--question", choices=study.QUESTIONS, default="quality", help=f"{told} (default: quality)")
    p.add_argument("--samples", type=count, default=12, metavar="N", help="drawn at random (default: 12)")
    p.add_argument("--method", action="append", choices=METHODS, metavar="NAME", help="all that were run by default")
    p.add_argument("--seed", type=seed, default=0, help="of which samples (default: 0)")
    p.add_argument("--out", type=named, metavar="CSV", help="of --answers; DIR/people.csv by default")


def run(args: argparse.Namespace) -> int:
    """Exit code 0, 1 when something did not suffice, 2 for bad input."""
    try:
        check_folder(args.folder)
        if args.page:
            check("--page", args.page, PAGES)
            finished = Finished.open(args.folder)
            sheet = study.make(finished, finished.chosen(args.method), args.question, args.samples, args.seed)
            study.write(sheet, args.folder, args.page)
            say(f"{args.page}; what its codes stand for is in {args.folder / study.KEY}, which the answers need")
            return 0
        out = args.out or args.folder / "people.csv"
        check("--out", out, TABLES)
        check_apart("--out", out, {f"--answers {path}": path for path in args.answers})
        told = study.read(args.answers, args.folder)
        files.write(out, told.encode())
    except ValueError as error:
        say(f"error: {error}")
        return 2
    except OSError as error:
        say(f"error: {error}")
        return 1
    say(f"{out}; next: python -m gooddrag ranks {args.folder} --people {out}")
    return 0
