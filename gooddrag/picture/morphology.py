"""Growing and shrinking a region by a circle, on rows of bits."""

from __future__ import annotations

import numpy as np

from .work import Work

KIND = "Grow and Shrink steps"
ROW = 95  # what a row of the circle costs for a thousand pixels, see ``work``


def grow(region: np.ndarray, radius: float, work: Work) -> np.ndarray:
    """``region`` ``(h, w)`` bool and all pixels within ``radius`` of it; a negative radius takes away what is within
    its size of the outside. The picture's border is no outside."""
    if radius < 0:
        return ~grow(~region, -radius, work)
    if radius < 1:
        return region
    height, width = region.shape
    words = np.zeros((height, -(-width // 64) * 8), np.uint8)
    words[:, : -(-width // 8)] = np.packbits(region, axis=1, bitorder="little")
    wide = words.view("<u8")
    grown = wide.copy()
    half = 0  # how far ``wide`` reaches to both sides
    for dy in range(min(int(radius), height - 1), -1, -1):
        work.spend(ROW * region.size / 1000, KIND)
        reach = half
        while dy * dy <= radius * radius - (reach + 1) * (reach + 1):
            reach += 1
        while half < reach:
            by = min(reach - half, half + 1)  # a longer step would leave gaps
            wide = wide | _left(wide, by) | _right(wide, by)
            half += by
        grown[dy:] |= wide[: height - dy]
        grown[: height - dy] |= wide[dy:]
    return np.unpackbits(grown.view(np.uint8), axis=1, bitorder="little", count=width).view(bool)


def _left(words: np.ndarray, by: int) -> np.ndarray:
    """All bits moved by ``by`` towards the first, which is the lowest of the first word."""
    whole, bits = divmod(by, 64)
    out = np.zeros_like(words)
    keep = max(words.shape[1] - whole, 0)
    out[:, :keep] = words[:, whole:] >> np.uint64(bits)
    if bits:
        out[:, : max(keep - 1, 0)] |= words[:, whole + 1 :] << np.uint64(64 - bits)
    return out


def _right(words: np.ndarray, by: int) -> np.ndarray:
    """All bits moved by ``by`` towards the last."""
    whole, bits = divmod(by, 64)
    out = np.zeros_like(words)
    keep = max(words.shape[1] - whole, 0)
    out[:, whole:] = words[:, :keep] << np.uint64(bits)
    if bits:
        out[:, whole + 1 :] |= words[:, : max(keep - 1, 0)] >> np.uint64(64 - bits)
    return out
