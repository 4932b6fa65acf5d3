"""Pictures on the disk: written whole, and read back if they still can be."""

from __future__ import annotations

import hashlib
import io
import os
from pathlib import Path

import numpy as np
from PIL import Image

from .. import files


def keep(path: Path, picture: np.ndarray) -> None:
    """``(H, W, 3)`` uint8 as PNG."""
    path.parent.mkdir(parents=True, exist_ok=True)
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, format="png")
    files.write(path, buffer.getvalue())


def digest(picture: np.ndarray) -> str:
    """By which a row knows its picture ``(H, W, 3)`` uint8 again, where another run may have written over it."""
    return hashlib.sha256(repr(picture.shape).encode() + picture.tobytes()).hexdigest()[:12]


def stored(path: Path, known: str | None = None) -> Image.Image | None:
    """RGB; None for a picture that is missing or damaged, or that has another ``digest`` than is ``known``."""
    if not os.path.isfile(path):
        return None
    try:
        with Image.open(path) as image:
            found = image.convert("RGB")
    except MemoryError:
        raise
    except Exception:  # Pillow's readers raise many kinds
        return None
    return found if known in (None, digest(np.asarray(found))) else None
