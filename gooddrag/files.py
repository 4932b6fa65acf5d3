"""Files that are whole or not there."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import time
import unicodedata
from pathlib import Path

RESERVED = {
    *("con", "prn", "aux", "nul", "conin$", "conout$", "clock$"),
    *(f"{kind}{n}" for kind in ("com", "lpt") for n in range(10)),
}
"""Of Windows, whatever follows after a dot."""
INVISIBLE = ("Cc", "Cf", "Co", "Cn", "Zl", "Zp")
"""Unicode's kinds of characters that are not seen, or turn around what is."""
ABANDONED = 24 * 3600
"""Seconds after which a part of a file has no writer any more."""
FORBIDDEN = set('<>:"|?*\\/') | {chr(i) for i in range(32)}


LONGEST = 255
"""Bytes of a name, on nearly every disk."""


def check_text(path: str | Path) -> None:
    """Raise ``ValueError`` for a path that is no text: the safetensors library cannot open it."""
    try:
        str(path).encode()
    except UnicodeEncodeError:
        raise ValueError(f"the name {str(path)[:200]!r} holds bytes that are no text (UTF-8)") from None


def check_path(path: str | Path) -> None:
    """Raise ``ValueError`` for a path that no disk of this system can have."""
    for name in Path(path).parts:
        try:
            size = len(name if os.name == "nt" else os.fsencode(name))
        except UnicodeEncodeError:
            size = None
        if size is None or "\0" in name:
            raise ValueError(f"the name {name[:200]!r} holds characters that no name can have")
        if size > LONGEST:
            raise ValueError(f"the name {name[:20]!r}.. is longer than {LONGEST} bytes")


def check_name(name: str) -> None:
    """Raise ``ValueError`` for the name of a file or folder that some operating system does not take."""
    check_text(name)
    if len(os.fsencode(name)) > LONGEST:
        raise ValueError(f"the name {name[:20]!r}.. is longer than {LONGEST} bytes")
    meant = unicodedata.normalize("NFKC", name)  # a wide slash looks like a slash, and a raised 1 is a 1 to Windows
    if not name or FORBIDDEN & set(meant):
        raise ValueError(f'the name {name!r} must not be empty or hold any of < > : " | ? * \\ /')
    if hidden := [c for c in name if unicodedata.category(c) in INVISIBLE]:
        raise ValueError(f"the name {name!r} holds U+{ord(hidden[0]):04X}, which cannot be seen")
    if name != name.strip() or meant.endswith("."):
        raise ValueError(f"the name {name!r} must not begin or end with a space or end with a dot")
    if meant.split(".")[0].strip().lower() in RESERVED:
        raise ValueError(f"the name {name!r} belongs to a device under Windows")


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


def write(path: Path, data: bytes, *, new: bool = False) -> None:
    """Write ``path``, or leave what was there: it takes its place only after all of ``data`` is on the disk. A link is
    followed. Raises ``FileExistsError`` where a ``new`` file is wanted and something has the name."""
    path = _resolved(path)
    _sweep(path.parent)
    part = _part(path)
    try:
        with part.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        if part.stat().st_size != len(data):
            raise OSError(f"only {part.stat().st_size} of {len(data)} bytes were written")
        (_take if new else os.replace)(part, path)
    except OSError as error:
        if error.errno is None:
            raise
        raise OSError(error.errno, error.strerror, str(path)) from None  # its part is nobody's business
    finally:
        with contextlib.suppress(OSError):
            part.unlink()


def _sweep(folder: Path) -> None:
    """Remove the parts of files that writers left who were killed."""
    for part in folder.glob(".gooddrag-????????.part"):
        with contextlib.suppress(OSError):
            if time.time() - part.lstat().st_mtime > ABANDONED:
                part.unlink()


def _take(part: Path, path: Path) -> None:
    """Give ``part`` the name ``path``, which nothing may have: a second name is given or refused in one step."""
    try:
        os.link(part, path)
    except FileExistsError:
        raise
    except OSError:  # a disk without second names
        if os.path.lexists(path):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path)) from None
        os.rename(part, path)


def _resolved(path: Path) -> Path:
    """Where links lead. Raises ``OSError`` for those that lead to themselves."""
    try:
        return path.resolve()
    except RuntimeError:  # until Python 3.12
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), str(path)) from None


def _part(path: Path) -> Path:
    """A name beside ``path`` that no other writer has, as short as it may be. Python's ``tempfile`` would make a file that nobody
    else may read."""
    return path.with_name(f".gooddrag-{secrets.token_hex(4)}.part")
