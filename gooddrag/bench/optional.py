"""Packages that only a part of the benchmark needs."""

from __future__ import annotations

import importlib
import sys
from types import ModuleType

from ..libraries import LibraryError


def needed(module: str, what: str) -> ModuleType:
    """Import it. Raises ``LibraryError`` that says what needs it, and how it is had."""
    package = module.partition(".")[0]
    try:
        return importlib.import_module(module)
    except Exception as error:  # also what a broken installation raises
        reason = " ".join(str(error).split())[:200]
        told = f"{type(error).__name__}: {reason}"
        cure = f'"{sys.executable}" -m pip install {package}'
        raise LibraryError(
            f"{what} needs the package {package}, which cannot be imported ({told}). To get it: {cure}"
        ) from None
