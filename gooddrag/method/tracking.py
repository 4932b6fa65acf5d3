"""Point tracking: Eq. 6 as a pure function."""

from __future__ import annotations

import torch
from torch import Tensor

from ..picture.geometry import sample_patches


@torch.no_grad()
def track(feature: Tensor, originals: Tensor, handles: Tensor, *, radius: int, grid: tuple[int, int]) -> Tensor:
    """Where the original handles are now: Eq. 6.

    ``feature`` F(z_t^k) ``(1, C, h, w)``; ``originals`` F(z_t^0) at p_i^0, ``(n, C)``; ``handles`` p_i^{k-1}
    ``(n, 2)`` in grid cells. Returns, for each, the grid cell within ``radius`` rows and columns of the handle whose
    feature is nearest in L1, the first of equals; cells beyond the border are not searched.
    """
    windows, inside = sample_patches(feature, handles, radius, grid)
    distance = (windows - originals[:, :, None, None]).abs().sum(dim=1)
    distance = distance.masked_fill(~inside, torch.inf)
    best = distance.flatten(1).argmin(dim=1).cpu()
    side = 2 * radius + 1
    offset = torch.stack([best // side - radius, best % side - radius], dim=1)
    return handles + offset.to(handles)
