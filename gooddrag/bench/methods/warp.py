"""One-step warping of the inverted latent, of FastDrag's kind (arXiv 2405.15769): no gradient, no tracking.

Every latent cell inside the mask moves along the arrows, less the farther it is from the handle on its way to the mask's border,
as a sheet of rubber would that is held there; ground that is laid bare is filled from the nearest cells around it. Denoising
then takes keys and values from the unedited picture at every step.
"""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from ...config import DragConfig
from ...method.drag import drag
from ...method.source import Source
from ...method.state import DragResult, DragState
from ...picture.geometry import LATENT_CELL, grid_size, latent_mask, to_grid
from .edited import Edited
from .prepared import Prepared

AWAY = 0.5
"""Of a cell, so that the distance to the handle's own cell is not zero."""


def warp(prepared: Prepared) -> Edited:
    # a drag without operations only denoises the latent that it begins with
    result = _drag(prepared, prepared.config.replace(operations=0), arrived=False)
    return Edited(prepared.picture(result.latent), ended="warped")


def warp_start(prepared: Prepared) -> Edited:
    """GoodDrag from the warped latent: handles are looked for at their targets first, and dragged on from where they are found."""
    return Edited.of_drag(prepared, _drag(prepared, prepared.config.replace(exact_source=True), arrived=True))


def _drag(prepared: Prepared, config: DragConfig, *, arrived: bool) -> DragResult:
    """From the warped z_T, with the handles at their targets if they have ``arrived``."""
    inversion, points = prepared.inversion(), prepared.sample.points
    z = inversion.latent
    editable = latent_mask(prepared.mask, z)[0, 0] > 0
    moved = warped(z, editable.cpu(), *(_cells(p) for p in (points.handles, points.targets)))
    state = replace(DragState.undragged(points, Source(inversion, config)), latent=moved)
    if arrived:
        state = replace(state, handles=to_grid(points.targets, grid_size(z)))
    return drag(prepared.model, inversion, points, prepared.mask, config, state=state)


def _cells(points: tuple[tuple[float, float], ...]) -> Tensor:
    """Pixels (x, y) to latent cells (row, column), with their fractions."""
    return torch.tensor(points, dtype=torch.float32).flip(-1) / LATENT_CELL - 0.5 + 0.5 / LATENT_CELL


def warped(z: Tensor, editable: Tensor, handles: Tensor, targets: Tensor) -> Tensor:
    """``z`` ``(1, 4, h, w)`` with its ``editable`` ``(h, w)`` cells moved; handles and targets ``(n, 2)`` as (row, column).

    Where several cells come to lie on one, the one that was moved farthest stays. Cells outside of ``editable`` are as they were.
    """
    places = editable.nonzero().float()
    shifts = _shifts(places, editable, handles, targets - handles)
    ends = (places + shifts).round().long()
    limit = torch.tensor(editable.shape) - 1
    lands = ((ends >= 0) & (ends <= limit)).all(dim=1)
    lands &= editable[tuple(ends.clamp(min=0).minimum(limit).T)]
    order = shifts.norm(dim=1).argsort(stable=True)
    order = order[lands[order]]
    result, filled = z.clone(), ~editable
    for i in order.tolist():  # the farthest last
        (row, column), (to_row, to_column) = places[i].long().tolist(), ends[i].tolist()
        result[..., to_row, to_column] = z[..., row, column]
        filled[to_row, to_column] = True
    return _filled(result, filled)


def _shifts(places: Tensor, editable: Tensor, handles: Tensor, ways: Tensor) -> Tensor:
    """How far each of ``places`` ``(m, 2)`` moves: the arrows, by inverse distance to their handles, each stretched."""
    distance = torch.cdist(places, handles) + AWAY
    weights = 1 / distance
    weights = weights / weights.sum(dim=1, keepdim=True)
    stretch = torch.stack([_stretch(places, editable, handle) for handle in handles], dim=1)
    return ((weights * stretch)[..., None] * ways).sum(dim=1)


def _stretch(places: Tensor, editable: Tensor, handle: Tensor) -> Tensor:
    """1 at the handle, falling linearly to 0 where the ray from it through the place leaves the mask."""
    way = places - handle
    distance = way.norm(dim=1).clamp(min=1e-6)
    steps = torch.arange(0, float(sum(editable.shape)), 0.5)
    rays = handle + (way / distance[:, None])[:, None] * steps[:, None]  # (m, s, 2)
    cells, limit = rays.round().long(), torch.tensor(editable.shape) - 1
    inside = ((cells >= 0) & (cells <= limit)).all(dim=2) & editable[
        tuple(cells.clamp(min=0).minimum(limit).unbind(-1))
    ]
    beyond = steps > distance[:, None]  # a mask with a bay is left for good only after the place itself
    leaves = torch.where(beyond & ~inside, steps, torch.inf).amin(dim=1)
    return (1 - distance / leaves).clamp(min=0)


def _filled(z: Tensor, filled: Tensor) -> Tensor:
    """Holes of ``z`` as the mean of the nearest filled cell in each of the four directions, by inverse distance."""
    result = z.clone()
    for row, column in (~filled).nonzero().tolist():
        found, weights = [], []
        for dr, dc in ((0, 1), (0, -1), (1, 0), (-1, 0)):
            r, c, steps = row + dr, column + dc, 1
            while 0 <= r < z.shape[2] and 0 <= c < z.shape[3] and not filled[r, c]:
                r, c, steps = r + dr, c + dc, steps + 1
            if 0 <= r < z.shape[2] and 0 <= c < z.shape[3]:
                found.append(z[..., r, c])
                weights.append(1 / steps)
        if found:
            share = torch.tensor(weights, dtype=z.dtype, device=z.device) / sum(weights)
            # a mean of noises has less variance than noise; this gives back what it loses
            result[..., row, column] = (torch.stack(found, -1) * share).sum(-1) / share.square().sum().sqrt()
    return result
