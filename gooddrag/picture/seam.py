"""The seam between an edit and the picture that it is put back into."""

from __future__ import annotations

import torch
from torch import Tensor

from .geometry import LATENT_CELL

FEATHER = LATENT_CELL
"""Pixels over which both are blended. The mask's edge is rounded to whole cells of the latent, and over the last one edit and
picture differ by what the autoencoder lost: a narrower blend shows that as a line, a broader one takes more away of the edit."""

STRAIGHT = ((0, 1), (1, 0), (0, -1), (-1, 0))
DIAGONAL = ((1, 1), (1, -1), (-1, 1), (-1, -1))


def share(mask: Tensor, feather: float = FEATHER) -> Tensor:
    """The edit's share of every pixel, ``(H, W)`` in 0..1 like ``mask``: the greatest that is nowhere above the mask and climbs by
    at most 1 in ``feather`` pixels,

        a(p) = min over q of mask(q) + |p - q| / feather.

    It is 0 wherever the mask is. Edges softer than that stay what they are; at the picture's border there is none. Distances are
    those of straight and diagonal steps, at most 8 % too long. ``feather`` up to 1 leaves the mask as it is.
    """
    rows, cols = ((mask > 0).any(axis).nonzero().flatten() for axis in (1, 0))
    result = mask.float().clone()
    if feather <= 1 or not len(rows):
        return result
    # beyond a pixel of the outside everything is 0 and stays so
    box = tuple(slice(max(int(i[0]) - 1, 0), int(i[-1]) + 2) for i in (rows, cols))
    part, step = result[box], 1
    while step < feather:  # steps of 1, 2, 4, .. pixels, each once, make every distance
        part = _lowered(part, step, STRAIGHT, step / feather)
        part = _lowered(part, step, DIAGONAL, 2**0.5 * step / feather)
        step *= 2
    result[box] = part
    return result


def _lowered(a: Tensor, step: int, directions: tuple[tuple[int, int], ...], climb: float) -> Tensor:
    """The lowest of ``a`` and of what lies ``step`` pixels away in ``directions``, raised by ``climb``."""
    result = a.clone()
    raised = a + climb
    for down, right in directions:
        here = result[_ahead(step * down), _ahead(step * right)]
        torch.minimum(here, raised[_ahead(-step * down), _ahead(-step * right)], out=here)
    return result


def _ahead(step: int) -> slice:
    """What is left of an axis when it is moved."""
    return slice(step, None) if step >= 0 else slice(None, step)


def pasted(edited: Tensor, original: Tensor, share: Tensor) -> Tensor:
    """Pictures ``(b, H, W, c)`` with the edit's ``share`` ``(H, W)``: exactly the original's numbers at 0, the edit's at 1."""
    return torch.lerp(original, edited, share[..., None].to(original))
