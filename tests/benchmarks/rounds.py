"""Variants measured alternately, each in a process of its own, so that nothing is left in memory by the one before."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Iterable


def alternate(module: str, variants: Iterable[str], args: argparse.Namespace, *more: str) -> dict[str, list[dict]]:
    """What ``python -m module VARIANT SIZE THREADS MORE`` prints as JSON in its last line, by variant, a row for each round."""
    rounds: dict[str, list[dict]] = {v: [] for v in variants}
    for i in range(args.rounds):
        for variant, rows in rounds.items():
            command = [sys.executable, "-m", module, variant, str(args.size), str(args.threads), *more]
            output = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
            rows.append(json.loads(output.splitlines()[-1]))
            print(f"round {i + 1}, {variant}: {rows[-1]}", file=sys.stderr, flush=True)
    return rounds
