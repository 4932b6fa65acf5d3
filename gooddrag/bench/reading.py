"""Text and JSON of files that somebody else may have written or damaged: what cannot be read is a ``ValueError``."""

from __future__ import annotations

import json
import os
from pathlib import Path


def text(path: Path) -> str:
    """UTF-8 of a plain file; opening a pipe would wait for its other end. Raises ``FileNotFoundError`` where nothing is."""
    if not os.path.isfile(path) and os.path.lexists(path):
        raise ValueError(f"{path} is no plain file")
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise ValueError(f"{path} is no text in UTF-8") from None


def parsed(words: str) -> object:
    """JSON without NaN and infinity, which it does not have."""
    try:
        return json.loads(words, parse_constant=_no_number)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def _no_number(name: str) -> float:
    raise ValueError(f"{name} is no number")


def lines(path: Path) -> list[dict]:
    """The objects of a plain file of one JSON value a line. What else is there is passed over: a line that was cut off when a run
    was killed, and a file that is a folder or a pipe."""
    if not os.path.isfile(path):
        return []
    found = []
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        try:
            value = parsed(line)
        except ValueError:
            continue
        if isinstance(value, dict):
            found.append(value)
    return found


def is_text(value: object) -> bool:
    """Whether it is a string that a file can hold."""
    try:
        return isinstance(value, str) and value.encode() is not None
    except UnicodeEncodeError:
        return False
