"""Pictures on the disk: written whole, and read back if they still can be."""

from __future__ import annotations

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


def stored(path: Path) -> Image.Image | None:
    """RGB; None for a picture that is missing or damaged."""
    if not os.path.isfile(path):
        return None
    try:
        with Image.open(path) as image:
            return image.convert("RGB")
    except MemoryError:
        raise
    except Exception:  # Pillow's readers raise many kinds
        return None
