"""What an edit left as it was: outside of the mask, and of the content that was dragged (DragFlow's three, by patches)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .similarity import Likeness

PATCH = 24 / 512
"""Radius of a handle's patch as a share of the picture's shorter side."""
Points = Sequence[tuple[float, float]]


def outside(original: np.ndarray, edited: np.ndarray, mask: np.ndarray | None) -> float:
    """Mean ``|original - edited|`` where ``mask`` is False, in levels of 255; NaN where all may change."""
    if mask is None or mask.all():
        return float("nan")
    return float(255 * np.abs(original - edited)[~mask].mean())


def background(like: Likeness, original: np.ndarray, edited: np.ndarray, mask: np.ndarray | None) -> float:
    """IF_bg: likeness of the pictures with the editable region blackened; NaN where all may change."""
    if mask is None or mask.all():
        return float("nan")
    kept = ~mask[..., None]
    return like(original * kept, edited * kept)


def source_to_target(
    like: Likeness, original: np.ndarray, edited: np.ndarray, handles: Points, targets: Points
) -> float:
    """IF_s2t: likeness of the patch around each handle to the edited picture's at its target: high when the content arrived."""
    return float(np.mean([like(*_patches(original, edited, p, q)) for p, q in zip(handles, targets)]))


def source_to_source(like: Likeness, original: np.ndarray, edited: np.ndarray, handles: Points) -> float:
    """IF_s2s: likeness of the patch around each handle to the edited picture's at the same place: low when the content left."""
    return float(np.mean([like(*_patches(original, edited, p, p)) for p in handles]))


def _patches(original: np.ndarray, edited: np.ndarray, p: tuple[float, float], q: tuple[float, float]):
    """Squares around ``p`` and ``q`` of one size, moved inwards where they would cross the border."""
    height, width = original.shape[:2]
    radius = max(round(PATCH * min(height, width)), 6)

    def patch(image: np.ndarray, centre: tuple[float, float]) -> np.ndarray:
        x, y = (int(np.clip(round(c), radius, side - 1 - radius)) for c, side in zip(centre, (width, height)))
        return image[y - radius : y + radius + 1, x - radius : x + radius + 1]

    return patch(original, p), patch(edited, q)
