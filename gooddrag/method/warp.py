"""A drag that begins near its end: the inverted latent is moved along the arrows before the first gradient step.

The moving is that of FastDrag's kind (arXiv 2405.15769), without gradient and tracking. Every latent cell inside the mask moves
along the arrows, less the farther it is from the handle on its way to the mask's border, as a sheet of rubber would that is held
there; ground that is laid bare is filled from the nearest cells around it.
"""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import product

import torch
from torch import Tensor

from ..picture.geometry import LATENT_CELL, DragPoints, grid_size, to_grid
from ..picture.value import Point
from .state import DragState

AWAY = 0.5
"""Of a cell, so that the distance to the handle's own cell is not zero."""


def begun(start: DragState, points: DragPoints, editable: Tensor, least: float = 0.0) -> DragState:
    """``start`` with z_T warped along the arrows of ``points`` inside ``editable`` ``(1, 1, h, w)``, and with the handles looked
    for at their targets first. A drag that goes on from another is given back as it is, and so is one whose longest arrow has
    fewer than ``least`` pixels: AlDD gets there by itself, and spoils nothing on the way."""
    z = start.latent
    longest = max(math.dist(handle, end) for handle, end in zip(points.handles, points.ends))
    if z is not start.source.inversion.latent or longest < least:
        return start
    cells = to_grid(points.ends, grid_size(z))
    return replace(start, latent=along(z, points, editable[0, 0] > 0), points=points, handles=cells)


def along(z: Tensor, points: DragPoints, editable: Tensor) -> Tensor:
    """``z`` ``(1, 4, h, w)`` with its ``editable`` ``(h, w)`` cells moved along the arrows; anchors hold what is around them."""
    moved = warped(z.cpu().float(), editable.cpu(), _cells(points.handles), _cells(points.ends))
    return moved.to(z)


def _cells(points: tuple[Point, ...]) -> Tensor:
    """Pixels (x, y) to latent cells (row, column), with their fractions."""
    return torch.tensor(points, dtype=torch.float32).flip(-1) / LATENT_CELL - 0.5 + 0.5 / LATENT_CELL


def warped(z: Tensor, editable: Tensor, handles: Tensor, targets: Tensor) -> Tensor:
    """``z`` ``(1, 4, h, w)`` with its ``editable`` ``(h, w)`` cells moved; handles and targets ``(n, 2)`` as (row, column).

    Where several cells come to lie on one, the one that was moved farthest stays. Cells outside of ``editable`` are as they were.
    """
    width = editable.shape[1]
    places = editable.nonzero()
    shifts = _shifts(places.float(), editable, handles, targets - handles)
    ends = (places + shifts).round().long()
    limit = torch.tensor(editable.shape) - 1
    lands = ((ends >= 0) & (ends <= limit)).all(dim=1)
    lands &= editable[tuple(ends.clamp(min=0).minimum(limit).unbind(-1))]
    order = shifts.norm(dim=1).argsort(stable=True)
    order = order[lands[order]]  # the farthest last
    froms, tos = ((at[order, 0] * width + at[order, 1]) for at in (places, ends))
    last = torch.full((editable.numel(),), -1).scatter_reduce(0, tos, torch.arange(len(tos)), "amax")
    landed = last >= 0
    result = z.flatten(2).clone()
    result[..., landed] = z.flatten(2)[..., froms[last[landed]]]
    return _filled(result.view_as(z), ~editable | landed.view_as(editable))


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
    hole = (~filled).nonzero()
    rows, columns = hole.unbind(-1)
    total = torch.zeros(*z.shape[:2], len(hole))
    weight, squares = torch.zeros(len(hole)), torch.zeros(len(hole))
    for axis, backward in product((0, 1), (False, True)):
        place = _nearest(filled, axis, backward)[rows, columns]
        exists = place >= 0
        row, column = (place.clamp(min=0), columns) if axis == 0 else (rows, place.clamp(min=0))
        near = torch.where(exists, 1 / (place - hole[:, axis]).abs().clamp(min=1), 0.0)
        total += near * z[..., row, column]
        weight += near
        squares += near.square()
    some = weight > 0
    result = z.clone()
    # a mean of noises has less variance than noise; dividing by this gives back what it loses
    result[..., rows[some], columns[some]] = total[..., some] / squares[some].sqrt()
    return result


def _nearest(filled: Tensor, axis: int, backward: bool) -> Tensor:
    """For every cell the index along ``axis`` of the nearest ``filled`` one before it, or behind it; -1 for none."""
    length = filled.shape[axis]
    index = torch.arange(length).view(-1, 1) if axis == 0 else torch.arange(length)
    if backward:
        at = torch.where(filled, length - 1 - index, -1).flip(axis).cummax(axis).values.flip(axis)
        return torch.where(at >= 0, length - 1 - at, -1)
    return torch.where(filled, index, -1).cummax(axis).values
