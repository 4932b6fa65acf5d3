"""What a command says while it works: a bar, and sentences on standard error."""

from __future__ import annotations

import contextlib
import os
import sys
from typing import TextIO

from ..progress import Progress

STAGES = {
    "lora": "tuning the LoRA",
    "invert": "inverting",
    "reference": "dragging",  # the three of them alternate
    "drag": "dragging",
    "denoise": "dragging",
}


class Bar:
    """A bar that redraws itself on a terminal; one line at the start of each stage otherwise."""

    def __init__(self, stream):
        self.stream, self.live, self.stage = stream, stream.isatty(), ""

    def __call__(self, p: Progress) -> None:
        with contextlib.suppress(OSError):  # nobody may be listening any more
            self.draw(p)

    def draw(self, p: Progress) -> None:
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
            with contextlib.suppress(OSError):
                self.stream.write("\r\x1b[K")


def stderr() -> TextIO:
    """Standard error, or nowhere when it was closed."""
    return sys.stderr or open(os.devnull, "w")


def say(text: str) -> None:
    """Nobody may be listening any more, which is no reason to lose a result."""
    with contextlib.suppress(OSError):
        print(text, file=stderr(), flush=True)
