"""The Dragging Accuracy Index: Eq. 10 of the paper, and what the authors' script computes."""

from __future__ import annotations

import reprlib
from collections.abc import Sequence

import numpy as np

VARIANTS = ("paper", "authors")
GAMMAS = (1, 5, 10, 20)
"""Of the paper's table 1."""


def dai(
    original: np.ndarray,
    edited: np.ndarray,
    handles: Sequence[tuple[float, float]],
    targets: Sequence[tuple[float, float]],
    gamma: int = 1,
    variant: str = "paper",
) -> float:
    """DAI (Eq. 10): how far the patch at each target is from the patch that lay at its handle; 0 is a perfect transplant.

    The mean over pairs of ``sum((original(p + o) - edited(q + o))^2) / (1 + 2 gamma)^2`` over the offsets o of a patch of radius
    ``gamma`` and the three channels. ``"authors"``: divided by the number of pairs once more, as their script does.

    ``original`` and ``edited`` ``(H, W, 3)`` in 0..1; ``handles`` and ``targets`` ``(n, 2)`` as (x, y), rounded to whole pixels. Of
    a patch that reaches beyond either picture, which Eq. 10 leaves open, the offsets that lie in both count, and their mean
    stands for the whole patch. Raises ``ValueError``.
    """
    original, edited = (_picture(x, name) for x, name in ((original, "original"), (edited, "edited")))
    if original.shape != edited.shape:
        raise ValueError(
            f"original is {_size(original)} and edited {_size(edited)}; DAI compares pictures of one size, resize one of them"
        )
    handles, targets = (_points(p, name, original) for p, name in ((handles, "handles"), (targets, "targets")))
    if len(handles) != len(targets):
        raise ValueError(f"{len(handles)} handles but {len(targets)} targets; every handle needs its target")
    if isinstance(gamma, bool) or gamma != int(gamma) or gamma < 0:
        raise ValueError(f"gamma is {reprlib.repr(gamma)}; it must be a whole number of pixels, 0 or more")
    if variant not in VARIANTS:
        raise ValueError(f"variant is {reprlib.repr(variant)}; it must be one of {', '.join(VARIANTS)}")
    mean = float(np.mean([_distance(original, edited, p, q, int(gamma)) for p, q in zip(handles, targets)]))
    return mean / len(handles) if variant == "authors" else mean


def _distance(original: np.ndarray, edited: np.ndarray, p: np.ndarray, q: np.ndarray, gamma: int) -> float:
    """The term of one pair: squared distance of the patches over their area."""
    height, width = original.shape[:2]
    (left, up), (right, down) = (
        np.minimum(gamma, np.minimum(p, q)),
        np.minimum(gamma, (width - 1, height - 1) - np.maximum(p, q)),
    )

    def patch(image: np.ndarray, centre: np.ndarray) -> np.ndarray:
        x, y = centre
        return image[y - up : y + down + 1, x - left : x + right + 1]

    return float(np.square(patch(original, p) - patch(edited, q)).sum(axis=2).mean())


def _size(image: np.ndarray) -> str:
    return f"{image.shape[1]}x{image.shape[0]}"


def _picture(image: np.ndarray, name: str) -> np.ndarray:
    image = np.asarray(image, dtype=np.float64)
    if image.ndim != 3 or image.shape[2] != 3:
        raise ValueError(f"{name} has the shape {image.shape}; it must be (height, width, 3)")
    if not (np.isfinite(image).all() and image.min() >= -1e-6 and image.max() <= 1 + 1e-6):
        raise ValueError(f"{name} holds values from {image.min():g} to {image.max():g}; they must lie in 0..1")
    return image


def _points(points: Sequence[tuple[float, float]], name: str, image: np.ndarray) -> np.ndarray:
    array = np.asarray(points, dtype=np.float64)
    if array.ndim != 2 or array.shape[1] != 2 or not len(array):
        raise ValueError(f"{name} has the shape {array.shape}; it must be (n, 2), (x, y) of at least one point")
    limit = np.array((image.shape[1] - 1, image.shape[0] - 1))
    if not (np.isfinite(array).all() and (array >= 0).all() and (array <= limit).all()):
        raise ValueError(f"{name} must lie in the {_size(image)} picture, x 0 to {limit[0]} and y 0 to {limit[1]}")
    return np.rint(array).astype(int)
