"""Medians with intervals: the bootstrap over samples, paired where two methods are compared."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

ROUNDS = 4000


def interval(values: Sequence[float], of: Callable = np.median, rounds: int = ROUNDS) -> tuple[float, float]:
    """95 % bootstrap interval of a statistic ``of`` the values along an axis; the same values give the same interval."""
    rng = np.random.default_rng(0)
    drawn = of(rng.choice(np.asarray(values, dtype=float), (rounds, len(values))), axis=1)
    return float(np.percentile(drawn, 2.5)), float(np.percentile(drawn, 97.5))


def difference(first: Sequence[float], second: Sequence[float], of: Callable = np.median) -> tuple[float, float, float]:
    """The statistic of the paired differences ``second - first``, with its 95 % interval."""
    paired = np.asarray(second, dtype=float) - np.asarray(first, dtype=float)
    return float(of(paired)), *interval(paired, of)
