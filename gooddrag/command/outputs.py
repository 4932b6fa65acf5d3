"""Files that a person names and a command writes: whether they can be written, and whether they lie over a benchmark's own."""

from __future__ import annotations

import argparse
import fnmatch
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from .. import files
from ..bench.finished import NOTE
from ..bench.rows import PICTURES

OWN = ("results*", NOTE, "study.json", "report.md", "index.html", "gscore*", "ranks.md", "*.lock")
"""What a benchmark's folder holds beside its pictures, see ``bench``."""


def named(text: str) -> Path:
    """For argparse, to which an empty name would be the folder that one is in."""
    if not text:
        raise argparse.ArgumentTypeError("the name is empty")
    return Path(text)


def check(option: str, given: str | Path, endings: Sequence[str] = ()) -> None:
    """Raise ``ValueError`` unless a file can be written there that is nobody else's; of ``endings`` it has one."""
    path = Path(given)
    check_path(option, given)
    if os.path.isdir(path):
        raise ValueError(f"{option} {path} is a folder; give the name of a file")
    if endings and path.suffix.lower() not in endings:
        raise ValueError(f"{option} {path} must end in {' or '.join(endings)}; give it such a name")
    if not os.path.isdir(path.parent):
        raise ValueError(f"{option} {path}: the folder {path.parent} does not exist; make it first")
    if os.path.exists(path) and not os.path.isfile(path):
        raise ValueError(f"{option} {path} is no plain file; give another name")
    check_bench(option, path)
    try:
        files.check_room(path, 0)
    except OSError as error:
        raise ValueError(f"{option} {path} cannot be written ({error.strerror}); give another name") from None


def check_path(option: str, given: str | Path) -> None:
    """Raise ``ValueError`` for what no file can be named."""
    if not str(given):
        raise ValueError(f"{option} is empty; give the name of a file")
    try:
        files.check_path(given)
    except ValueError as error:
        raise ValueError(f"{option}: {error}; give another name") from None


def check_bench(option: str, path: Path) -> None:
    """Raise ``ValueError`` where a benchmark keeps its rows, its pictures or what was made of them."""
    place = Path(os.path.realpath(path))
    own = any(fnmatch.fnmatchcase(place.name.casefold(), name) for name in OWN) and _is_bench(place.parent)
    if own or any(p.name.casefold() == PICTURES and _is_bench(p.parent) for p in place.parents):
        raise ValueError(f"{option} {path} is a file of the benchmark in that folder; give another name")


def _is_bench(folder: Path) -> bool:
    return (folder / NOTE).is_file() or any(folder.glob("results*.jsonl"))


def check_apart(option: str, given: str | Path, taken: Mapping[str, str | Path]) -> None:
    """Raise ``ValueError`` when a file is one of those that are taken, by the names of what they are."""
    for other, there in taken.items():
        if _same(given, there):
            raise ValueError(f"{option} and {other} are the same file, {given}; give {option} another name")


def _same(a: str | Path, b: str | Path) -> bool:
    """Whether two names lead to one file, also on a disk that does not tell capitals from small letters."""
    if os.path.exists(a) and os.path.exists(b) and os.path.samefile(a, b):
        return True
    return os.path.realpath(a).casefold() == os.path.realpath(b).casefold()
