"""An edit against the true result, where it is known; pictures of one scale, whatever it is."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

FRACTIONS = tuple(round(0.05 * i, 2) for i in range(29))
"""Of a drag, that are drawn to find how much of it was done: 0, 0.05 .. 1.4."""


def error_ratio(truth: np.ndarray, edited: np.ndarray, undragged: np.ndarray, mask: np.ndarray) -> float:
    """Mean ``|edited - truth|`` inside ``mask`` over that of the undragged picture; below 1 is better than doing nothing."""
    return float(np.abs(edited - truth)[mask].mean() / max(np.abs(undragged - truth)[mask].mean(), 1e-9))


def share_done(rendered: Callable[[float], np.ndarray], edited: np.ndarray, mask: np.ndarray) -> float:
    """The fraction of the drag whose rendering is nearest to ``edited`` inside ``mask``."""
    errors = [np.abs(rendered(f) - edited)[mask].mean() for f in FRACTIONS]
    return FRACTIONS[int(np.argmin(errors))]
