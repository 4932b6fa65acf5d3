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
STEP = 0.5
"""Of a cell: how finely a ray looks for the mask's border."""


def begun(start: DragState, points: DragPoints, editable: Tensor, least: float = 0.0) -> DragState:
    """``start`` with z_T warped along the arrows of ``points`` inside ``editable`` ``(1, 1, h, w)``, and with the handles looked
    for at their targets first, or as near as the mask lets them come. A drag that goes on from another is given back as it is, and
    so is one whose longest arrow has fewer than ``least`` pixels, where AlDD gets there by itself and spoils nothing on the way,
    or of which nothing may move."""
    z = start.latent
    longest = max(math.dist(handle, end) for handle, end in zip(points.handles, points.ends))
    if z is not start.source.inversion.latent or longest < least:
        return start
    region = editable[0, 0] > 0
    possible = within(points, region)
    if not any(possible.moving):
        return start
    cells = to_grid(possible.ends, grid_size(z))
    return replace(start, latent=along(z, possible, region), points=points, handles=cells)


def within(points: DragPoints, editable: Tensor) -> DragPoints:
    """The arrows as far as ``editable`` ``(h, w)`` lets them come: each ends at the last place on its way that may change, and one
    that begins where nothing may is held there like an anchor."""
    limit = torch.tensor(editable.shape).flip(0).sub(1)

    def may_change(places: Tensor) -> Tensor:
        columns, rows = ((places + 0.5) / LATENT_CELL).floor().long().clamp(min=0).minimum(limit).unbind(-1)
        return editable.cpu()[rows, columns]

    def end(handle: Point, target: Point) -> Point:
        way = torch.tensor([handle, target])
        if bool(may_change(way[1])):
            return target if bool(may_change(way[0])) else handle
        shares = torch.linspace(0, 1, max(2, math.ceil(math.dist(handle, target))))
        inside = may_change(way[0] + shares[:, None] * (way[1] - way[0]))
        last = shares[inside].max() if inside[0] else torch.zeros(())
        return tuple((way[0] + last * (way[1] - way[0])).tolist())

    return replace(points, targets=tuple(end(*pair) for pair in zip(points.handles, points.targets)))


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
    return ((weights * _stretch(places, editable, handles))[..., None] * ways).sum(dim=1)


def _stretch(places: Tensor, editable: Tensor, handles: Tensor) -> Tensor:
    """``(m, n)``: 1 at each handle, falling linearly to 0 where the ray from it through the place leaves the mask for good."""
    origins = handles.repeat(len(places), 1)
    ways = places.repeat_interleave(len(handles), 0) - origins
    distances = ways.norm(dim=1).clamp(min=1e-6)
    ways /= distances[:, None]
    limit = torch.tensor(editable.shape) - 1
    leaves = torch.full_like(distances, torch.inf)
    # a mask with a bay is left for good only after the place itself: each ray begins there, and goes on while it is inside;
    # a place that is the handle itself has none
    going = (ways.norm(dim=1) > 0.5).nonzero()[:, 0]
    steps, origins, ways = (distances[going] / STEP).floor(), origins[going], ways[going]
    while len(going):
        steps += 1
        cells = (origins + ways * (steps * STEP)[:, None]).round().long()
        inside = ((cells >= 0) & (cells <= limit)).all(dim=1)
        inside &= editable[tuple(cells.clamp(min=0).minimum(limit).unbind(-1))]
        leaves[going[~inside]] = STEP * steps[~inside]
        going, steps, origins, ways = going[inside], steps[inside], origins[inside], ways[inside]
    return (1 - distances / leaves).clamp(min=0).view(len(places), len(handles))


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
