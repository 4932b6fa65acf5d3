"""Quality without a reference, as the paper compares GScore with (Table 3): TReS, MUSIQ and TOPIQ by the package pyiqa."""

from __future__ import annotations

from functools import cache

import numpy as np
import torch

from ..optional import needed

NAMES = {"tres": "tres", "musiq": "musiq", "topiq": "topiq_nr"}
"""Names of the columns, and of pyiqa's metrics; more is better in each."""


@cache
def _metrics(device: str) -> dict:
    pyiqa = needed("pyiqa", "quality without a reference")
    return {name: pyiqa.create_metric(theirs, device=device) for name, theirs in NAMES.items()}


@torch.no_grad()
def quality(picture: np.ndarray, device: str = "cpu") -> dict[str, float]:
    """Of a picture ``(H, W, 3)`` in 0..1. The first call loads weights, which pyiqa downloads where it has none. Raises
    ``LibraryError`` without pyiqa."""
    given = torch.as_tensor(np.asarray(picture, dtype=np.float32), device=device).permute(2, 0, 1)[None]
    return {name: float(metric(given)) for name, metric in _metrics(device).items()}
