"""Pickle files of published datasets, read without letting them run anything: numbers, text, lists and numpy arrays only."""

from __future__ import annotations

import pickle
from pathlib import Path

MOST = 64 * 2**20
"""Bytes of a file; a mask of 4096x4096 has 16 million."""
_MODULES = ("numpy", "numpy.core.multiarray", "numpy._core.multiarray", "numpy.core.numeric", "numpy._core.numeric")
_NAMES = ("ndarray", "dtype", "_reconstruct", "_frombuffer", "scalar")


class _Plain(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> object:
        if module in _MODULES and name in _NAMES:
            return super().find_class(module.replace("numpy.core", "numpy._core") if _moved() else module, name)
        raise ValueError(f"it asks for {module}.{name}, which is no number, text or array")


def _moved() -> bool:
    """numpy 2 has another place for what the files of numpy 1 name."""
    import numpy

    return int(numpy.__version__.split(".")[0]) >= 2


def plain(path: Path) -> object:
    """What a file holds. Raises ``ValueError`` for one that holds more than numbers, text, lists, dictionaries, arrays."""
    if path.stat().st_size > MOST:
        raise ValueError(f"{path.name} has {path.stat().st_size >> 20} MB; at most {MOST >> 20} are read")
    try:
        with path.open("rb") as file:
            return _Plain(file).load()
    except (
        Exception
    ) as error:  # a damaged file makes the unpickler raise nearly anything, for a false length MemoryError
        raise ValueError(f"{path.name} is refused ({str(error)[:150] or type(error).__name__})") from None
