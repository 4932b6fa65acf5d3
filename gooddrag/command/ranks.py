"""``python -m gooddrag ranks DIR --people CSV``: which metric orders edits as people do.

Compares the ranks that people gave to the edits of a bench with those of every metric, GScore included where it was asked
(Table 3 of the paper), and writes ranks.md. The CSV has the columns sample, method and rank, 1 for the best, and person where
there are several; python -m gooddrag study makes a page to collect them.
"""

from __future__ import annotations

import argparse

from .. import files
from ..bench import people
from ..bench.finished import Finished
from .outputs import named
from .terminal import say


def arguments(p: argparse.ArgumentParser) -> None:
    p.add_argument("folder", type=named, metavar="DIR", help="the folder of a bench")
    p.add_argument("--people", type=named, required=True, metavar="CSV", help="sample, method, rank, and person")


def run(args: argparse.Namespace) -> int:
    """Exit code 0, 1 when something did not suffice, 2 for bad input."""
    try:
        finished = Finished.open(args.folder)
        told = people.agreement(people.read(args.people, finished), finished)
        files.write(args.folder / "ranks.md", told.encode())
    except ValueError as error:
        say(f"error: {error}")
        return 2
    except OSError as error:
        say(f"error: {error}")
        return 1
    say(told)
    return 0
