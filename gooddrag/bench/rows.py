"""Rows on the disk: one line of JSON for each edit, appended when it is done, so that a run that was stopped goes on."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterable
from pathlib import Path

from .methods import METHODS
from .reading import is_text, lines

Row = dict
NAMED = ("sample", "method", "kind")
WORDS = {*NAMED, "key", "error", "if_by", "ended", "picture"}
"""What is text; all else is a number, or nothing where it does not apply."""
LARGEST = 1e15
"""Of a figure: sums and products of these stay finite."""
SCORES = (0, 10)
PICTURES = "pictures"


def picture(folder: Path, method: str, sample: str) -> Path:
    """Where the picture lies that a method made of a sample; ``"original"`` and ``"truth"`` are beside the methods."""
    return folder / PICTURES / method / f"{sample.replace('/', '__')}.png"


def sound(row: dict) -> bool:
    """Whether it is a row as the runner writes them; any other is passed over as if it were not there."""
    return (
        all(is_text(row.get(name)) for name in NAMED)
        and row["method"] in METHODS
        and ("error" in row or "dai_1" in row)
        and all(is_text(v) if name in WORDS else v is None or _is_figure(v) for name, v in row.items())
    )


def sound_scores(row: dict) -> bool:
    """The same for a row of gscore: an error, or a score for each method in the order in which they were shown."""
    asked = row.get("asked")
    if not (isinstance(asked, dict) and is_text(asked.get("judge")) and is_text(row.get("sample"))):
        return False
    if not _is_count(row.get("run")):
        return False
    if "error" in row:
        return is_text(row["error"])
    order, scores = row.get("order"), row.get("scores")
    return (
        isinstance(order, list)
        and isinstance(scores, list)
        and 0 < len(order) == len(scores)
        and all(isinstance(m, str) and m in METHODS for m in order)
        and len(set(order)) == len(order)
        and all(_is_figure(s) and SCORES[0] <= s <= SCORES[1] for s in scores)
    )


def _is_figure(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and -LARGEST <= value <= LARGEST


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= LARGEST


def read(folder: Path) -> list[Row]:
    """All sound rows of a folder, ``results*.jsonl``, those of several runs and parts. Of an edit that was made again the later
    row counts, but none that failed in the place of one that did not."""
    rows: dict[tuple, Row] = {}
    for file in sorted(folder.glob("results*.jsonl"), key=lambda f: (f.stat().st_mtime, f.name)):
        for row in filter(sound, lines(file)):
            name = row.get("key"), row["sample"], row["method"]
            if "error" not in row or "error" in rows.get(name, row):
                rows[name] = row
    return list(rows.values())


class Rows:
    """Those of a folder; ``key`` tells what was asked for, and rows of other runs are left alone."""

    def __init__(self, folder: Path, key: str, part: str = ""):
        self.folder, self.key = folder, key
        self.file = folder / f"results{part}.jsonl"

    def read(self) -> list[Row]:
        """All rows of this key, those of other parts too."""
        return [row for row in read(self.folder) if row.get("key") == self.key]

    def add(self, rows: Iterable[Row]) -> None:
        """At once on the disk."""
        append(self.file, (_plain({"key": self.key, **row}) for row in rows))


def append(path: Path, rows: Iterable[Row]) -> None:
    """Add lines to a file, and end the one that a killed run left open. Raises ``ValueError`` for what is no plain file."""
    if not os.path.isfile(path) and os.path.lexists(path):
        raise ValueError(f"{path} is no plain file; move it away")
    with path.open("ab+") as file:
        if file.tell():
            file.seek(-1, os.SEEK_END)
            if file.read(1) != b"\n":
                file.write(b"\n")
        for row in rows:
            file.write(f"{json.dumps(row)}\n".encode())
        file.flush()
        os.fsync(file.fileno())


def _plain(row: Row) -> Row:
    """NaN is no JSON, and what is no text cannot be written into a report."""
    return {k: _plain_value(v) for k, v in row.items()}


def _plain_value(value: object) -> object:
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value.encode("utf-8", "backslashreplace").decode() if isinstance(value, str) else value
