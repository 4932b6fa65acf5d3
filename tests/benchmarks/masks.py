"""What drawing a mask costs: random hostile values within the limits of the editor's value, on a large picture."""

from __future__ import annotations

import argparse
import random
import statistics
import time
from collections.abc import Callable

from tests.picture.drawings import hostile

from .report import Report


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--values", type=int, default=200)
    parser.add_argument("--side", type=int, default=4096)


def run(args: argparse.Namespace) -> Report:
    from gooddrag.picture.mask import rasterise

    rng = random.Random(0)
    times: dict[str, list[float]] = {"drawn": [], "refused": []}
    longest = 0.0
    for _ in range(args.values):
        shapes, check = hostile(rng, args.side), _Clock()
        start = time.process_time()
        try:
            rasterise(shapes, args.side, args.side, check)
            kind = "drawn"
        except ValueError:
            kind = "refused"
        check()
        times[kind].append(time.process_time() - start)
        longest = max(longest, check.longest)
    lines = [f"| {args.values} values at {args.side}x{args.side} | values | median | slowest |", "|---|---|---|---|"]
    for kind, seconds in times.items():
        if seconds:
            lines.append(f"| {kind} | {len(seconds)} | {statistics.median(seconds):.2f} s | {max(seconds):.2f} s |")
    lines += ["", f"Longest time between two questions whether to go on: {longest:.2f} s. Seconds of one core."]
    return Report("\n".join(lines), {**times, "longest": longest})


class _Clock:
    """The longest time between two calls."""

    def __init__(self, now: Callable[[], float] = time.process_time):
        self.now, self.last, self.longest = now, now(), 0.0

    def __call__(self) -> None:
        now = self.now()
        self.last, self.longest = now, max(self.longest, now - self.last)
