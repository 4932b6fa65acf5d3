"""``python -m gooddrag figures NAME --out DIR``: a figure or table of the paper, computed anew.

Computes a figure of the paper on pictures of a dataset and writes it as figure-NAME.png, its numbers as .csv, and what it says,
with intervals, as .md. Tables 1 and 2 are made of what bench and gscore wrote to a folder.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

from .. import files
from ..bench.datasets import DEMO, opened
from ..bench.figures import FIGURES, SAME, TABLES
from ..bench.figures.shown import drawing
from ..bench.methods import Prepared
from ..bench.tables import as_csv
from ..libraries import LibraryError
from ..network.memory import NotEnoughMemory, is_out_of_memory
from . import judged, models
from .outputs import named
from .terminal import say


def arguments(p: argparse.ArgumentParser) -> None:
    names = [*FIGURES, *SAME, *TABLES]
    told = "; ".join(f"{name}: {figure.words}" for name, figure in (FIGURES | TABLES).items())
    told += "".join(f"; {name}: the same as {other}" for name, other in SAME.items())
    p.add_argument("name", metavar="NAME", choices=names, help=told)
    p.add_argument("--out", type=named, required=True, metavar="DIR", help="where figure-NAME.png, .csv and .md go")
    p.add_argument("--rows", type=named, metavar="DIR", help="of a table: the folder that bench wrote to")
    p.add_argument("--dataset", default=DEMO, help="of a figure: demo (default), or a folder as bench takes")
    judged.arguments(p)
    models.arguments(p)


def run(args: argparse.Namespace) -> int:
    """Exit code 0 when it was made, 1 when something did not suffice, 2 for bad input, 130 after Ctrl-C."""
    name = SAME.get(args.name, args.name)
    stem = name if name in TABLES else f"figure-{name}"
    try:
        judged.check_folder(args.out)
        if name in TABLES:
            if not args.rows:
                raise ValueError(f"{name} is made of finished rows: give --rows, the folder of a bench")
            rows, words = TABLES[name].show(args.rows)
            out = judged.folder(args.out)
            _write(out / stem, rows, words)
        else:
            drawing()  # minutes of work would be lost
            opened(judged.dataset(args.dataset), **judged.options(args))
            out = judged.folder(args.out)
            shown = FIGURES[name].show(_pictures(args, name))
            words, drawn = shown.finding, shown.png()
            _write(out / stem, shown.rows, words)
            files.write(out / f"{stem}.png", drawn)
    except ValueError as error:
        say(f"error: {error}")
        return 2
    except (LibraryError, OSError, MemoryError, RuntimeError) as error:
        if isinstance(error, RuntimeError) and not is_out_of_memory(error):
            raise
        said = isinstance(error, (LibraryError, OSError, NotEnoughMemory))
        say(f"error: {error if said else 'there was not enough memory; use smaller pictures, or fewer with --limit'}")
        return 1
    except KeyboardInterrupt:
        say("stopped; nothing was written")
        return 130
    say(f"{words}\n\n{out / stem}.*")
    return 0


def _write(stem: Path, rows: list[dict], words: str) -> None:
    files.write(stem.with_name(f"{stem.name}.csv"), as_csv(rows).encode())
    files.write(stem.with_name(f"{stem.name}.md"), f"{words}\n".encode())


def _some(pictures: Iterator[Prepared]) -> Iterator[Prepared]:
    """Raises ``ValueError`` when there is none."""
    none = True
    for prepared in pictures:
        none = False
        yield prepared
    if none:
        raise ValueError("no sample is left to make a figure of: each was skipped, for the reason that is said above")


def _pictures(args: argparse.Namespace, name: str) -> Iterator[Prepared]:
    """Each when it is its turn, told on the terminal; a malformed one is named and skipped."""
    config, options = judged.config(args), judged.options(args)
    entries = opened(judged.dataset(args.dataset), **options | {"limit": args.limit or FIGURES[name].drags}).entries
    models.device(args.device)
    loaded = models.asked(args)()

    def prepared() -> Iterator[Prepared]:
        for i, entry in enumerate(entries, 1):
            say(f"[{i}/{len(entries)}] {entry.name}")
            try:
                sample = entry.load()
                text = loaded.encode_text(sample.prompt, sample.size)
            except ValueError as error:
                say(f"{entry.name} skipped: {error}")
                continue
            yield Prepared(sample, loaded.model, loaded.vae, text, config, args.seed)

    return _some(prepared())
