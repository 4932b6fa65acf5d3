"""Rank correlation of a metric with people or with the truth, Eq. 11 and 12."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np


def ranked(values: Sequence[float]) -> np.ndarray:
    """Ranks from 1 for the least on; equal values share the mean of theirs."""
    _, inverse, counts = np.unique(np.asarray(values, dtype=float), return_inverse=True, return_counts=True)
    return (np.cumsum(counts) - (counts - 1) / 2)[inverse]


def spearman(a: Sequence[float], b: Sequence[float]) -> float:
    """Spearman's coefficient: Eq. 12 where no values are equal, and what it stands for, the correlation of ranks, where some
    are; NaN where all are."""
    x, y = ranked(a), ranked(b)
    if len(x) != len(y):
        raise ValueError(f"there are {len(x)} and {len(y)} values; a rank correlation needs as many of both")
    x, y = x - x.mean(), y - y.mean()
    return float((x @ y) / np.sqrt((x @ x) * (y @ y))) if x.any() and y.any() else float("nan")


def by_picture(
    truth: Mapping[str, Mapping[str, float]], metric: Mapping[str, Mapping[str, float]], least: int = 3
) -> dict[str, float]:
    """rho_i of Eq. 12 for each picture, whose mean is Eq. 11: both by picture and method, of the methods that both have where
    these are at least ``least``. A metric that tells no method of a picture from another has 0 there; pictures on which the
    truth does not are left out."""
    found = {}
    for picture in truth:
        methods = [m for m in truth[picture] if m in metric.get(picture, {})]
        wanted = [truth[picture][m] for m in methods]
        if len(methods) >= least and len(set(wanted)) > 1:
            rho = spearman(wanted, [metric[picture][m] for m in methods])
            found[picture] = rho if np.isfinite(rho) else 0.0
    return found
