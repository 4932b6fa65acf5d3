"""Picture files: any kind is read as 8 bits a channel or refused in words, and written whole or not at all."""

from __future__ import annotations

import io
import os
import stat
from collections.abc import Callable
from pathlib import Path

from PIL import Image, ImageOps

from . import files
from .network.codec import eight_bit


def read(path: str, what: str, tell: Callable[[str], None]) -> Image.Image:
    """The picture in a file, upright, of 8 bits a channel; of several the first, which ``tell`` hears. ``what`` names it
    in the ``ValueError`` that says why it cannot be read."""
    try:
        files.check_path(path)
        # opening a pipe would wait for its other end
        if not stat.S_ISREG(os.stat(path).st_mode):
            raise ValueError("it is no plain file")
        with Image.open(path) as image:
            if getattr(image, "n_frames", 1) > 1:
                tell(f"the {what} {path} holds {image.n_frames} pictures; the first is used")
            image.load()
            return eight_bit(ImageOps.exif_transpose(image))
    except FileNotFoundError:
        raise ValueError(f"the {what} {path} does not exist") from None
    except MemoryError:
        raise
    except Exception as error:  # Pillow's readers raise many kinds for a damaged file
        reason = getattr(error, "strerror", None) or str(error)[:200]
        raise ValueError(f"the {what} {path} cannot be read as a picture ({reason})") from None


def check_format(path: Path, size: tuple[int, int]) -> str:
    """Pillow's name of the format that a file's ending asks for. Raises ``ValueError`` when it cannot keep a colour picture
    of ``size``."""
    ending = path.suffix.lower()
    name = Image.registered_extensions().get(ending)
    if name is None:
        raise ValueError(f"no picture format has the ending {path.suffix!r}; use .png")
    try:
        data = encoded(Image.new("RGB", size), name)
        kept = Image.open(io.BytesIO(data)).size if name in Image.OPEN else size
    except MemoryError:
        raise
    except Exception as error:
        reason = str(error)[:100] if name in Image.SAVE else "it can only read them"
        raise ValueError(
            f"Pillow cannot write a {size[0]}x{size[1]} picture as {ending} ({reason}); use .png"
        ) from None
    if kept != size:
        raise ValueError(f"{ending} would keep {kept[0]}x{kept[1]} of {size[0]}x{size[1]} pixels; use .png")
    return name


def encoded(image: Image.Image, name: str) -> bytes:
    """The bytes of a picture file. A file is not written by Pillow itself, whose writers may overlook a full disk."""
    buffer = io.BytesIO()
    image.save(buffer, format=name)
    return buffer.getvalue()
