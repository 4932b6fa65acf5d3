"""Point tracking: Eq. 6 as pure functions."""

from __future__ import annotations

import torch
from torch import Tensor

from ..picture.geometry import sample_patches


@torch.no_grad()
def distances(feature: Tensor, originals: Tensor, handles: Tensor, *, radius: int, grid: tuple[int, int]) -> Tensor:
    """What Eq. 6 takes the least of: ``(n, 2 radius + 1, 2 radius + 1)``, the L1 distance of the features within ``radius``
    rows and columns of each handle to that of the original handle; infinite beyond the border.

    ``feature`` F(z_t^k) ``(1, C, h, w)``; ``originals`` F(z_t^0) at p_i^0, ``(n, C)``; ``handles`` p_i^{k-1}
    ``(n, 2)`` in grid cells.
    """
    windows, inside = sample_patches(feature, handles, radius, grid)
    distance = (windows - originals[:, :, None, None]).abs().sum(dim=1)
    return distance.masked_fill(~inside, torch.inf)


def nearest(distance: Tensor, handles: Tensor) -> Tensor:
    """Where the original handles are now, Eq. 6: of the cells whose ``distance`` is known the least, the first of equals."""
    side = distance.shape[-1]
    best = distance.flatten(1).argmin(dim=1).cpu()
    offset = torch.stack([best // side, best % side], dim=1) - side // 2
    return handles + offset.to(handles)
