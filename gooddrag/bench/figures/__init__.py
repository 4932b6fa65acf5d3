"""Figures of the paper, computed anew: each file is one, with what it claims as a number and an interval.

A figure takes ``Prepared`` pictures and gives ``Shown``: rows, a finding in words, and how it is drawn. Nothing here imports
matplotlib before something is drawn.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from ..methods import Prepared
from . import drift, fewer, noises, variants
from .published import TABLES, Table
from .shown import Shown

__all__ = ["FIGURES", "SAME", "TABLES", "Figure", "Shown", "Table"]


@dataclass(frozen=True)
class Figure:
    """``words`` say what it shows; ``drags`` are so many as tell something in a few minutes on two cores."""

    words: str
    drags: int
    show: Callable[[Iterator[Prepared]], Shown]


FIGURES = {
    "4": Figure("ten noises at once or one a step", 18, noises.show),
    "14": Figure("how far features drift with and without information preservation", 9, drift.show),
    "12": Figure("AlDD against fewer drag operations", 9, fewer.show),
    "13": Figure("without information preservation, with J = 1, with J = 3", 6, variants.show),
}
"""By the number that the paper gives them."""
SAME = {"5": "14"}
"""Figure 5 is the first drag of Figure 14."""
