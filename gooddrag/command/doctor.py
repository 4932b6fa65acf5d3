"""``python -m gooddrag doctor``: look at this installation.

Prints versions, the device, the memory that pictures will need, and whether a small inversion and drag of the demo model come
out right here; for bug reports. Nothing of it tells who or where you are.
"""

from __future__ import annotations

import argparse

import torch

from .. import doctor
from .models import PRECISIONS, device
from .terminal import say


def arguments(p: argparse.ArgumentParser) -> None:
    best = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    p.add_argument("--device", default=best, help=f"cpu, cuda, cuda:1, mps .. (default here: {best})")
    p.add_argument("--precision", choices=PRECISIONS, default="float32", help="of the U-Net (default: float32)")
    p.add_argument("--no-test", dest="test", action="store_false", help="invert and drag nothing")


def run(args: argparse.Namespace) -> int:
    """Exit code 0 when all is well, 1 when something is wrong, 2 for bad input, 130 after Ctrl-C."""
    try:
        found = device(args.device)
    except ValueError as error:
        say(f"error: {error}")
        return 2
    try:
        report = doctor.examine(found, PRECISIONS[args.precision], test=args.test)
    except KeyboardInterrupt:
        say("cancelled")
        return 130
    print(report)  # what was asked for, to be piped and pasted
    return 1 if report.problems else 0
