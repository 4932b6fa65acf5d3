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
    """Squares around ``p`` and ``q`` of one size. Where one would cross the border both move inwards by as much, so that what was
    dragged from p to q lies in the same place of both; each by its own only where the arrow spans the whole picture."""
    height, width = original.shape[:2]
    radius = max(round(PATCH * min(height, width)), 6)
    centres = []
    for a, b, side in zip(p, q, (width, height)):
        ends = [round(a), round(b)]
        low, high = radius - min(ends), side - 1 - radius - max(ends)
        if low <= high:
            shift = int(np.clip(0, low, high))
            centres.append([end + shift for end in ends])
        else:
            centres.append([int(np.clip(end, radius, side - 1 - radius)) for end in ends])
    (px, qx), (py, qy) = centres
    return (
        original[py - radius : py + radius + 1, px - radius : px + radius + 1],
        edited[qy - radius : qy + radius + 1, qx - radius : qx + radius + 1],
    )
