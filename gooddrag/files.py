"""Files that are whole or not there."""

from __future__ import annotations

import contextlib
import errno
import os
from pathlib import Path

RESERVED = {"con", "prn", "aux", "nul", *(f"{kind}{n}" for kind in ("com", "lpt") for n in range(1, 10))}
FORBIDDEN = set('<>:"|?*\\/') | {chr(i) for i in range(32)}


def check_name(name: str) -> None:
    """Raise ``ValueError`` for the name of a file or folder that some operating system does not take."""
    if not name or FORBIDDEN & set(name):
        raise ValueError(f'the name {name!r} must not be empty or hold any of < > : " | ? * \\ /')
    if name != name.strip() or name.endswith("."):
        raise ValueError(f"the name {name!r} must not begin or end with a space or end with a dot")
    if name.split(".")[0].lower() in RESERVED:
        raise ValueError(f"the name {name!r} belongs to a device under Windows; take another")
    if len(os.fsencode(name)) > 255:
        raise ValueError(f"the name {name[:20]!r}.. is longer than 255 bytes")


def check_room(path: Path, size: int) -> None:
    """Raise ``OSError`` unless a file of ``size`` bytes can be written to ``path`` now. Leaves nothing."""
    with contextlib.suppress(FileNotFoundError):
        path.lstat()  # a name that the file system does not take
    part = _part(_resolved(path))
    try:
        with part.open("xb") as file:
            for _ in range(size >> 20):
                file.write(bytes(1 << 20))
            file.write(bytes(size & ((1 << 20) - 1)))
            file.flush()
            os.fsync(file.fileno())
    finally:
        with contextlib.suppress(OSError):
            part.unlink()


def write(path: Path, data: bytes) -> None:
    """Write ``path``, or leave what was there: it takes its place only after all of ``data`` is on the disk. A link is
    followed."""
    path = _resolved(path)
    part = _part(path)
    try:
        with part.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        if part.stat().st_size != len(data):
            raise OSError(f"only {part.stat().st_size} of {len(data)} bytes were written")
        os.replace(part, path)
    finally:
        with contextlib.suppress(OSError):
            part.unlink()


def _resolved(path: Path) -> Path:
    """Where links lead. Raises ``OSError`` for those that lead to themselves."""
    try:
        return path.resolve()
    except RuntimeError:  # until Python 3.12
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), str(path)) from None


def _part(path: Path) -> Path:
    """A name beside ``path``, as short as it may be."""
    return path.with_name(f".gooddrag-{os.getpid()}.part")
