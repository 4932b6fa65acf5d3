"""Ctrl-C while the command line is still being loaded, which takes seconds: Python would answer with a traceback."""

import os
import signal
import sys


def _quietly() -> None:
    """Under ``python -m gooddrag`` only, until ``heard``: leave with one sentence and exit code 130."""
    starting = sys.argv[:1] == ["-m"] and "gooddrag" in sys.orig_argv
    if starting and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _leave)


def heard() -> None:
    """From here on Ctrl-C is an exception again."""
    if signal.getsignal(signal.SIGINT) is _leave:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def _leave(number: int, frame: object) -> None:
    os.write(2, b"cancelled, nothing was written\n")
    os._exit(130)


_quietly()
