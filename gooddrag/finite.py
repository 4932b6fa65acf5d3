"""The door that NaN and infinity do not pass."""

from __future__ import annotations

import torch
from torch import Tensor


def finite(tensor: Tensor, name: str, advice: str) -> Tensor:
    """``tensor``, of any shape. Raises ``ValueError``, with ``name`` and ``advice``, when it holds a NaN or an infinite value."""
    known = (
        tensor.float() if tensor.is_floating_point() and tensor.itemsize == 1 else tensor
    )  # torch knows no isfinite of fp8
    wrong = tensor.numel() - int(known.isfinite().sum())
    if wrong:
        raise ValueError(f"{name} holds {wrong} of {tensor.numel()} values that are NaN or infinite; {advice}")
    return tensor


def of_unet(dtype: torch.dtype) -> str:
    """The advice where a U-Net of this type made them out of what was finite."""
    cure = "look at its weights and at the LoRAs on it"
    return f"the U-Net made them in {dtype}: " + (
        cure if dtype in (torch.float32, torch.float64) else f"load it in float32, or {cure}"
    )
