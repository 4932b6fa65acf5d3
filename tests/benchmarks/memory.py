"""Memory in bytes: resident of this process, or of the GPU as torch allocates it.

Linux only: the kernel's own high-water mark, which can be reset.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch

STATUS, CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")


def _field(name: str) -> int:
    line = next(x for x in STATUS.read_text().splitlines() if x.startswith(name))
    return int(line.split()[1]) * 1024


def now() -> int:
    return _field("VmRSS:")


def reset_peak() -> None:
    CLEAR.write_text("5")


def peak() -> int:
    return _field("VmHWM:")


@dataclass(frozen=True)
class Meter:
    """What is taken now, and the most that was taken since ``reset_peak``."""

    now: Callable[[], int]
    reset_peak: Callable[[], None]
    peak: Callable[[], int]


METERS = {
    "cpu": Meter(now, reset_peak, peak),
    "cuda": Meter(torch.cuda.memory_allocated, torch.cuda.reset_peak_memory_stats, torch.cuda.max_memory_allocated),
}
