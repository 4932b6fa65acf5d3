"""``python -m gooddrag doctor``: look at this installation.

Prints versions, the device, the memory that pictures will need, and whether a small inversion and drag of the demo model come
out right here; for bug reports. Nothing of it tells who or where you are.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable

from .. import doctor
from .models import PRECISIONS, best_device, device
from .terminal import Bar, say, stderr

BEFORE = (
    "looking at this installation, then a self-test: it inverts and drags a small picture, which takes half a minute to a minute "
    "and a half on two CPU cores and some seconds on a GPU; --no-test leaves it out"
)


def arguments(p: argparse.ArgumentParser) -> None:
    p.add_argument("--device", default=best_device(), help="cpu, cuda, cuda:1, mps .. (default here: %(default)s)")
    p.add_argument("--precision", choices=PRECISIONS, default="float32", help="of the U-Net (default: float32)")
    p.add_argument(
        "--no-test",
        dest="test",
        action="store_false",
        help="leave the self-test out, which takes about a minute on a CPU",
    )


def run(args: argparse.Namespace) -> int:
    """Exit code 0 when all is well, 1 when something is wrong, 2 for bad input, 130 after Ctrl-C."""
    try:
        found = device(args.device)
    except ValueError as error:
        say(f"error: {error}")
        return 2
    if args.test:
        say(BEFORE)
    bar = Bar(stderr())
    try:
        report = doctor.examine(found, PRECISIONS[args.precision], test=args.test, callback=bar, tell=_shown(bar))
    except KeyboardInterrupt:
        bar.clear()
        say("cancelled")
        return 130
    for line in report.verdict:
        _shown(bar)(line)
    return 1 if report.problems else 0


def _shown(bar: Bar) -> Callable[[str], None]:
    """Standard output is what was asked for, to be piped and pasted; a bar on the same terminal gives way to it."""

    def show(line: str) -> None:
        bar.clear()
        print(line, flush=True)

    return show
