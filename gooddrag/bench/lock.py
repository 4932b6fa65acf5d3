"""One writer at a time in a benchmark's folder; runs of parts that share no sample may write beside each other.

A file names who writes. The system holds it locked for as long as that process lives, so that one that was killed is in nobody's
way. A disk that knows no locks has none: there the name of a living process of this machine counts.
"""

from __future__ import annotations

import contextlib
import errno
import json
import math
import os
import platform
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .reading import is_text, parsed

if os.name == "nt":
    import msvcrt
else:
    import fcntl

Part = tuple[int, int]
WHOLE = (1, 1)
BYTE = 1 << 30
"""The byte that is locked under Windows, where nobody could read it: far behind all that is written."""
LENGTH = 1000
TAKEN = (errno.EACCES, errno.EAGAIN, errno.EDEADLK)


@contextmanager
def held(folder: Path, work: str, part: Part = WHOLE) -> Iterator[None]:
    """While active, nobody else does this ``work`` in this folder on samples of ``part`` ``(i, n)``, every n-th from the i-th on.
    Raises ``ValueError`` that says who is doing it."""
    path = folder / f"{work}-{part[0]}of{part[1]}.lock"
    opened = _taken(path)
    if opened is None:
        raise ValueError(_busy(folder, path))
    try:
        for other, there in _others(folder, work, path):
            if _overlap(part, there) and _is_held(other):
                raise ValueError(_busy(folder, other))
        yield
    finally:
        _left(opened, path)


def _overlap(a: Part, b: Part) -> bool:
    """Whether both have samples in common: where a number leaves the remainders of both."""
    return (a[0] - b[0]) % math.gcd(a[1], b[1]) == 0


def _others(folder: Path, work: str, own: Path) -> Iterator[tuple[Path, Part]]:
    for path in sorted(folder.glob(f"{work}-*.lock")):
        found = re.fullmatch(re.escape(work) + r"-(\d{1,9})of(\d{1,9})\.lock", path.name)
        if found and path != own and int(found[2]):
            yield path, (int(found[1]), int(found[2]))


def _taken(path: Path) -> int | None:
    """The file, open, locked and with this process's name in it; None where another one has it. Raises ``ValueError`` for what is
    no plain file."""
    while True:
        if os.path.lexists(path) and not os.path.isfile(path):
            raise ValueError(f"{path} is no plain file; move it away")
        opened = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            locked = _lock(opened)
            if locked is False or (locked is None and _lives(_owner(path))):
                os.close(opened)
                return None
            if _is_there(opened, path):
                break
        except BaseException:
            os.close(opened)
            raise
        os.close(opened)  # its writer took it away just now
    told = {"pid": os.getpid(), "host": platform.node(), "since": time.strftime("%Y-%m-%d %H:%M:%S")}
    os.lseek(opened, 0, os.SEEK_SET)
    os.write(opened, json.dumps(told).encode().ljust(LENGTH))  # over what a process wrote that was killed
    return opened


def _lock(opened: int) -> bool | None:
    """Whether the lock is this process's now; None on a disk that knows none."""
    try:
        if os.name == "nt":
            os.lseek(opened, BYTE, os.SEEK_SET)
            msvcrt.locking(opened, msvcrt.LK_NBLCK, 1)
        else:
            fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        return False if error.errno in TAKEN else None
    return True


def _is_held(path: Path) -> bool:
    """Whether a living process has it."""
    try:
        opened = os.open(path, os.O_RDWR)
    except OSError:
        return False
    try:
        locked = _lock(opened)
        return _lives(_owner(path)) if locked is None else not locked
    finally:
        os.close(opened)


def _is_there(opened: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(opened), os.stat(path))
    except FileNotFoundError:
        return False


def _left(opened: int, path: Path) -> None:
    """Taken away while it is locked, so that nobody waits at a file that is no more; Windows takes away what is closed."""
    if os.name != "nt":
        with contextlib.suppress(OSError):
            path.unlink()
    os.close(opened)
    if os.name == "nt":
        with contextlib.suppress(OSError):
            path.unlink()


def _owner(path: Path) -> dict:
    try:
        with path.open("rb") as file:
            told = parsed(file.read(LENGTH).decode())
    except (OSError, ValueError):
        return {}
    return told if isinstance(told, dict) else {}


def _lives(owner: dict) -> bool:
    """Whether it is another process of this machine that is still there."""
    pid = owner.get("pid")
    known = isinstance(pid, int) and 0 < pid < 1 << 31 and owner.get("host") == platform.node() and os.name != "nt"
    if not known or pid == os.getpid():
        return False
    try:
        os.kill(pid, 0)
    except PermissionError:
        return True
    except OSError:
        return False
    return True


def _busy(folder: Path, path: Path) -> str:
    owner = _owner(path)
    pid, host, since = owner.get("pid"), owner.get("host"), owner.get("since")
    who = f"process {pid} on {host}" if isinstance(pid, int) and is_text(host) else "another process"
    when = f" since {since}" if is_text(since) else ""
    return f"{who} is writing to {folder}{when}; wait until it is done, stop it, or give another folder"
