"""What a precision costs where it is computed: some processors have no half precision, and imitate it."""

from __future__ import annotations

import time

import torch

SIDE, ROUNDS = 512, 3


def slowdown(dtype: torch.dtype, device: torch.device | str = "cpu") -> float:
    """How many times as long as in float32 a product of matrices takes in ``dtype`` on ``device``, the fastest of three rounds.
    Below 1 it is faster. A processor without arithmetic of its own for a half precision takes ten to a hundred times as long."""
    return _seconds(dtype, device) / _seconds(torch.float32, device)


def _seconds(dtype: torch.dtype, device: torch.device | str) -> float:
    a = torch.ones(SIDE, SIDE, dtype=dtype, device=device)
    rounds = []
    for _ in range(ROUNDS + 1):
        start = time.perf_counter()
        (a @ a)[0, 0].item()  # waits for the device
        rounds.append(time.perf_counter() - start)
    return min(rounds[1:])  # the first one prepares
