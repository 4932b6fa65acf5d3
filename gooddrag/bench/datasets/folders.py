"""Datasets in folders, one folder a sample, at any depth. The files in it say which form it has:

* Drag100: ``original.jpg`` (or png), ``points.json`` with ``{"points": [[x, y] handle, [x, y] target, ..]}``, ``mask.png``;
* with a true result: the same and ``target`` or ``truth`` as jpg or png, as RealDrag, PRDBench and VFD-Bench have it;
* DragBench as DragDiffusion published it (DR): ``original_image.png`` and ``meta_data.pkl``;
* DragBench as SDE-Drag published it (SR): ``origin_image.png``, ``mask.png``, ``prompt.json`` with ``source`` and ``target``.

The kind of a sample is its folder's folder, or its own name without the number.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from ... import files
from ...network.codec import to_image, to_tensor
from ...picture.geometry import DragPoints
from ...picture.sizes import same_shape
from ..sample import Dataset, Entry, Sample
from .pickled import plain

PICTURES = (".png", ".jpg", ".jpeg", ".webp")
EDITABLE = 128
"""Of a mask's 255 levels: from here on the picture may change; a mask that was saved as JPEG has greys beside its border."""


def read(folder: Path) -> Dataset:
    """Every sample below ``folder``, by name. Raises ``ValueError`` where there is none."""
    if not os.path.isdir(folder):
        raise ValueError(f"the dataset {str(folder)!r} is no folder; give one, or demo")
    entries = []
    for place in sorted({f.parent for f in folder.rglob("*") if f.name in FORMS and f.is_file()}):
        name = place.relative_to(folder).as_posix() if place != folder else folder.name
        try:
            files.check_text(place)
        except ValueError as error:
            raise ValueError(f"{error}; rename it") from None
        form = next(read_one for file, read_one in FORMS.items() if (place / file).is_file())
        entries.append(Entry(name, _kind(name), lambda place=place, name=name, form=form: form(place, name)))
    if not entries:
        raise ValueError(f"no sample was found in {folder}; a sample's folder has one of the files {', '.join(FORMS)}")
    return Dataset(folder.resolve().name, tuple(entries))


def _kind(name: str) -> str:
    *above, own = name.split("/")
    return above[-1] if above else own.rstrip("0123456789").rstrip("_-") or own


def _picture(place: Path, *stems: str, under: str = "white") -> np.ndarray | None:
    """``under``: what lies under a transparent one."""
    for path in (place / f"{stem}{ending}" for stem in stems for ending in PICTURES):
        if path.is_file():
            try:
                with Image.open(path) as image:
                    return np.asarray(to_image(to_tensor(ImageOps.exif_transpose(image), under)))
            except MemoryError:
                raise
            except Exception as error:  # Pillow's readers raise many kinds for a damaged file
                raise ValueError(f"{path.name} cannot be read as a picture ({str(error)[:100]})") from None
    return None


def _needed(place: Path, *stems: str) -> np.ndarray:
    picture = _picture(place, *stems)
    if picture is None:
        raise ValueError(f"it has no {' or '.join(stems)} as {', '.join(PICTURES)}")
    return picture


def _mask(place: Path, picture: np.ndarray) -> np.ndarray | None:
    mask = _picture(place, "mask", under="black")  # what nobody painted
    if mask is None:
        return None
    sizes = [side.shape[1::-1] for side in (mask, picture)]
    if not same_shape(*sizes):
        raise ValueError(
            "the mask has {}x{} pixels and the picture {}x{}, which has another shape".format(*sizes[0], *sizes[1])
        )
    if mask.shape != picture.shape:
        mask = np.asarray(Image.fromarray(mask).resize(picture.shape[1::-1], Image.Resampling.NEAREST))
    return mask.max(axis=2) >= EDITABLE


def _json(path: Path) -> object:
    try:
        return json.loads(path.read_text(encoding="utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path.name} is not JSON ({str(error)[:100]})") from None


def _sample(place: Path, name: str, picture: np.ndarray, points: list, mask: np.ndarray | None, prompt="") -> Sample:
    """From ``points`` as handles and targets by turns."""
    if not isinstance(points, (list, tuple)) or not points or len(points) % 2:
        raise ValueError("its points must be handles and targets by turns, so an even number of them")
    try:
        flat = [(float(x), float(y)) for x, y in points]
    except (TypeError, ValueError, OverflowError):
        raise ValueError("its points must be [x, y] each") from None
    size = picture.shape[1::-1]
    return Sample(
        name,
        picture,
        DragPoints.from_pairs(list(zip(flat[::2], flat[1::2])), *size),
        mask,
        _kind(name),
        str(prompt or ""),
        truth=_picture(place, "target", "truth", "ground_truth"),
    )


def _drag100(place: Path, name: str) -> Sample:
    picture = _needed(place, "original", "source")
    data = _json(place / "points.json")
    points = data.get("points") if isinstance(data, dict) else data
    prompt = data.get("prompt", "") if isinstance(data, dict) else ""
    return _sample(place, name, picture, points, _mask(place, picture), prompt)


def _dragbench_dr(place: Path, name: str) -> Sample:
    picture = _needed(place, "original_image")
    data = plain(place / "meta_data.pkl")
    if not isinstance(data, dict):
        raise ValueError("meta_data.pkl holds no dictionary")
    points = data["points"] if isinstance(data.get("points"), (list, tuple)) else None
    return _sample(place, name, picture, points, _pickled_mask(data.get("mask")), data.get("prompt", ""))


def _pickled_mask(mask: object) -> np.ndarray | None:
    if mask is None:
        return None
    if not isinstance(mask, np.ndarray) or mask.dtype.kind not in "biuf" or mask.ndim != 2:
        raise ValueError("the mask of meta_data.pkl is no array of height x width")
    return mask > 0


def _dragbench_sr(place: Path, name: str) -> Sample:
    picture = _needed(place, "origin_image")
    data = _json(place / "prompt.json")
    sides = [data.get(side) for side in ("source", "target")] if isinstance(data, dict) else [None, None]
    if not all(isinstance(s, list) for s in sides) or len(sides[0]) != len(sides[1]):
        raise ValueError("prompt.json must have as many points in source as in target")
    points = [p for pair in zip(*sides) for p in pair]
    return _sample(place, name, picture, points, _mask(place, picture), data.get("prompt", ""))


FORMS: dict[str, Callable[[Path, str], Sample]] = {
    "points.json": _drag100,
    "meta_data.pkl": _dragbench_dr,
    "prompt.json": _dragbench_sr,
}
"""How a sample is read, by the file that tells its form."""
