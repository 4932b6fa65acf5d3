"""Rows on the disk: one line of JSON for each edit, appended when it is done, so that a run that was stopped goes on."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterable
from pathlib import Path

Row = dict
TIMED = ("seconds", "prepared_seconds")
"""What differs from run to run; all else is the same with any number of workers."""


def picture(folder: Path, method: str, sample: str) -> Path:
    """Where the picture lies that a method made of a sample; ``"original"`` and ``"truth"`` are beside the methods."""
    return folder / "pictures" / method / f"{sample.replace('/', '__')}.png"


class Rows:
    """Those of a folder, ``results*.jsonl``; ``key`` tells what was asked for, and rows of other runs are left alone."""

    def __init__(self, folder: Path, key: str, part: str = ""):
        self.folder, self.key = folder, key
        self.file = folder / f"results{part}.jsonl"

    def read(self) -> list[Row]:
        """All rows of this key, those of other parts too. A line that was cut off when a run was killed is not counted."""
        rows: dict[tuple[str, str], Row] = {}
        for file in sorted(self.folder.glob("results*.jsonl")):
            for line in file.read_text(encoding="utf-8", errors="replace").splitlines():
                try:
                    row = json.loads(line)
                except (ValueError, RecursionError):
                    continue
                if isinstance(row, dict) and row.get("key") == self.key:
                    name = row.get("sample"), row.get("method")
                    if all(isinstance(part, str) for part in name):
                        rows[name] = row
        return list(rows.values())

    def add(self, rows: Iterable[Row]) -> None:
        """At once on the disk."""
        self._mend()
        with self.file.open("a", encoding="utf-8") as file:
            for row in rows:
                file.write(json.dumps(_plain({"key": self.key, **row})) + "\n")
            file.flush()
            os.fsync(file.fileno())

    def _mend(self) -> None:
        """End the line that a killed run left open."""
        if self.file.exists() and self.file.stat().st_size:
            with self.file.open("rb+") as file:
                file.seek(-1, os.SEEK_END)
                if file.read(1) != b"\n":
                    file.write(b"\n")


def _plain(row: Row) -> Row:
    """NaN is no JSON."""
    return {k: None if isinstance(v, float) and not math.isfinite(v) else v for k, v in row.items()}


def untimed(row: Row) -> Row:
    return {k: v for k, v in row.items() if k not in TIMED}
