"""``python -m gooddrag gscore DIR --judge MODEL``: a multimodal model rates the edits of a bench.

Shows every sample of a finished bench to a multimodal model, several times and its results in another order each time, and writes
what it says to gscore.jsonl and, with intervals, gscore.md. What was asked before is not asked again. The key is read from
OPENAI_API_KEY or GEMINI_API_KEY and never written anywhere; a server of your own may need none. This sends pictures to that
server, and it may charge for them.
"""

from __future__ import annotations

import argparse
import os
import time

from .. import files
from ..bench.finished import Finished
from ..bench.gscore import APIS, Asked, Endpoint, Unreachable, report, score
from ..bench.methods import METHODS
from .judged import count, seed
from .outputs import named
from .terminal import say


def arguments(p: argparse.ArgumentParser) -> None:
    p.add_argument("folder", type=named, metavar="DIR", help="the folder of a bench")
    p.add_argument("--judge", required=True, metavar="MODEL", help="its name on that server")
    p.add_argument("--api", choices=APIS, default="gemini", help="that the server speaks (default: gemini)")
    p.add_argument("--url", default="", help="of a server of your own, such as http://127.0.0.1:8000/v1")
    p.add_argument("--method", action="append", choices=METHODS, metavar="NAME", help="all that were run by default")
    p.add_argument("--runs", type=count, default=10, metavar="N", help="questions for each sample (default: 10)")
    p.add_argument("--limit", type=count, metavar="N", help="only the first N samples")
    p.add_argument("--seed", type=seed, default=0, help="of the orders (default: 0)")
    p.add_argument(
        "--timeout", type=count, default=120, metavar="S", help="seconds to wait for an answer (default: 120)"
    )


def run(args: argparse.Namespace) -> int:
    """Exit code 0 when all was answered, 1 when not, 2 for bad input, 130 after Ctrl-C; what was answered is kept."""
    try:
        key = os.environ.get(APIS[args.api].key, "").strip()
        if not key and not args.url:
            raise ValueError(f"there is no key; set {APIS[args.api].key}, or give --url of a server that needs none")
        if not args.judge.strip():
            raise ValueError("--judge is empty; give the name of a model on that server")
        endpoint = Endpoint(args.api, args.judge, args.url, key, args.timeout, sleep=_waits)
        finished = Finished.open(args.folder)
        asked = Asked(args.judge, finished.chosen(args.method), finished.key, args.runs, args.seed)
        rows = score(finished, endpoint, asked, say, args.limit)
        told = report(rows, asked)
        files.write(args.folder / "gscore.md", told.encode())
    except ValueError as error:
        say(f"error: {error}")
        return 2
    except (Unreachable, OSError) as error:
        say(f"error: {error}; what was answered is kept, and the same command goes on")
        return 1
    except KeyboardInterrupt:
        say("stopped; what was answered is kept, and the same command goes on")
        return 130
    say(told)
    whole = {(r["sample"], r["run"]) for r in rows if "error" not in r}
    return 1 if {(r["sample"], r["run"]) for r in rows} - whole else 0


def _waits(seconds: float) -> None:
    say(f"no answer yet; asking again in {seconds:.0f} s")
    time.sleep(seconds)
