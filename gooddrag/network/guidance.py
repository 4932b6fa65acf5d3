"""Classifier-free guidance (arXiv 2207.12598): away from what a negative prompt would give."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from .conditioning import Conditioning, Text

MOST = 30
"""Of the scale; predictions of this many times their difference are no pictures long before."""


@dataclass(frozen=True)
class Guidance:
    """``scale`` w above 1; ``negative`` is told in place of the text. Raises ``ValueError`` for another scale."""

    scale: float
    negative: Text

    def __post_init__(self) -> None:
        if not 1 < self.scale <= MOST:
            raise ValueError(
                f"the guidance scale is {self.scale:g}; it must be above 1, which is no guidance, and at most {MOST}"
            )

    def __call__(self, prediction: Tensor, negative: Tensor) -> Tensor:
        """eps(z, negative) + w (eps(z, text) - eps(z, negative)), and the same of v."""
        return negative + self.scale * (prediction - negative)


def alike(a: Guidance | None, b: Guidance | None) -> bool:
    """Whether both guide alike, or neither."""
    if a is None or b is None:
        return a is b
    return a.scale == b.scale and Conditioning.of(a.negative).same(b.negative)
