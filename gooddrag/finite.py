"""The door that NaN and infinity do not pass."""

from __future__ import annotations

from torch import Tensor


def finite(tensor: Tensor, name: str, advice: str) -> Tensor:
    """``tensor``, of any shape. Raises ``ValueError``, with ``name`` and ``advice``, when it holds a NaN or an infinite value."""
    wrong = tensor.numel() - int(tensor.isfinite().sum())
    if wrong:
        raise ValueError(f"{name} holds {wrong} of {tensor.numel()} values that are NaN or infinite; {advice}")
    return tensor
