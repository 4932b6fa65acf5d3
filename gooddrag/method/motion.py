"""Motion supervision: Eq. 7 and Eq. 8 as a pure function."""

from __future__ import annotations

import torch
from torch import Tensor

from ..picture.geometry import sample_patches

REACHED = 2.0
"""A handle nearer to its target than this many grid cells has arrived (ALGORITHM: left out of the loss)."""


def steps_ahead(handles: Tensor, targets: Tensor, drag_size: float) -> Tensor:
    """beta * d_i, capped at the distance that is left: ``(n, 2)`` grid cells."""
    way = targets - handles
    distance = way.norm(dim=1, keepdim=True)
    return way / distance.clamp(min=1e-6) * distance.clamp(max=drag_size)


def feature_loss(
    feature: Tensor,
    templates: Tensor,
    templates_inside: Tensor,
    handles: Tensor,
    targets: Tensor,
    *,
    drag_size: float,
    radius: int,
    grid: tuple[int, int],
    anchors: Tensor | None = None,
) -> Tensor:
    """The first term of Eq. 7 / Eq. 8, a scalar.

    ``feature`` F(z_t^k) ``(1, C, h, w)``; ``templates`` ``(n, C, 2r+1, 2r+1)`` without gradient: patches of
    F(z_t^0) around the original handles for Eq. 8, of F(z_t^k) around the current ones for Eq. 7; ``handles``
    p_i^k and ``targets`` q_i ``(n, 2)`` in grid cells. Pairs that have arrived do not count, except ``anchors`` ``(n,)`` bool,
    for which p_i^k = q_i is where the template must stay, so d_i = 0.

    The scale is the authors': ``(2 r)^2`` times the *mean* over channels and patch. Cells of either patch beyond the
    picture's border are left out of the mean (the authors' code fails there).
    """
    going = (targets - handles).norm(dim=1) >= REACHED
    if anchors is not None:
        going = going | anchors
    if not going.any():
        return feature.sum() * 0.0
    centres = (handles + steps_ahead(handles, targets, drag_size))[going]
    patches, inside = sample_patches(feature, centres, radius, grid)
    valid = (inside & templates_inside[going])[:, None]
    difference = (patches - templates[going].detach()).abs() * valid
    count = (valid.sum(dim=(1, 2, 3)) * feature.shape[1]).clamp(min=1)
    return (2 * radius) ** 2 * (difference.sum(dim=(1, 2, 3)) / count).sum()


def mask_loss(z: Tensor, reference: Tensor, mask: Tensor) -> Tensor:
    """The second term without lambda: the L1 sum of z_{t-1}^k - z_{t-1}^0 outside ``mask`` ``(1, 1, h, w)``."""
    return torch.sum(torch.abs((z - reference.detach()) * (1 - mask)))
