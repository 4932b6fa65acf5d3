"""The command line: ``python -m gooddrag edit``, ``bench`` and others. Each command is a file: its arguments, and what it does."""

from __future__ import annotations

import argparse

from . import bench, doctor, edit, figures, gscore, ranks, study

COMMANDS = {
    "edit": (edit, "edit one picture"),
    "bench": (bench, "compare methods on many pictures"),
    "figures": (figures, "the paper's figures and tables, computed anew"),
    "gscore": (gscore, "a multimodal model rates a bench's edits"),
    "study": (study, "people rank a bench's edits, blind"),
    "ranks": (ranks, "which metric orders edits as people do"),
    "doctor": (doctor, "whether all is well here, for bug reports"),
}


def parser() -> argparse.ArgumentParser:
    whole = argparse.ArgumentParser(prog="python -m gooddrag", description="Drag parts of a picture to new places.")
    commands = whole.add_subparsers(dest="command", required=True)
    for name, (module, words) in COMMANDS.items():
        p = commands.add_parser(name, help=words, description=module.__doc__.split("\n\n")[-1].strip())
        module.arguments(p)
        p.set_defaults(run=module.run)
    return whole


def main(argv: list[str] | None = None) -> int:
    """Exit code 0 when all was done, 2 for bad input, 1 when something did not suffice, 130 after Ctrl-C."""
    args = parser().parse_args(argv)
    return args.run(args)
