"""Mean distance: where each handle's content is found in the edited picture, by features, against where it should be.

MD is DragBench's, MD2 that of RegionDrag and Inpaint4Drag, m-MD that of ICRDrag; they differ in where is searched. The features are
anybody's function; ``dift`` reads those of a diffusion model as DIFT does (arXiv 2306.03881).

Unlike theirs, MD is a mean over the pairs of one picture, of which tables take medians and means (DragBench pools all
pairs), and the 5 pixels of MD2's least radius are the picture's own (theirs are of 768x768).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ...network.conditioning import Text
from ...network.model import Model
from ...picture.geometry import padded

Points = Sequence[tuple[float, float]]
Features = Callable[[Tensor], Tensor]
"""Of a latent ``(1, 4, h, w)``: a map ``(C, h', w')``."""

TIMESTEP, NOISES = 261, 8
"""Of DIFT, and how many noises its map is the mean of."""
CHUNK = 64
"""Channels that are enlarged at once; a whole map of a large picture would take gigabytes."""


@torch.no_grad()
def dift(model: Model, text: Text, block: str, *, timestep: int = TIMESTEP, noises: int = NOISES) -> Features:
    """The output of ``block`` of the model for a noised latent, the mean over ``noises`` that are the same for every picture."""

    def features(z: Tensor) -> Tensor:
        schedule = model.schedule(50, 1.0)
        generator = torch.Generator().manual_seed(0)
        total = 0
        for _ in range(noises):
            noise = torch.randn(z.shape, generator=generator).to(z)
            noised = schedule.noised(z, noise, torch.tensor([timestep], device=z.device))
            with torch.no_grad():
                total = total + model.features(noised, timestep, text, block)[0]
        return total / noises

    return features


def matched(
    original: Tensor, edited: Tensor, handles: Points, size: tuple[int, int], allowed: np.ndarray | None = None
) -> np.ndarray:
    """Where the feature of ``original`` at each handle is most alike in ``edited``, by cosine: ``(n, 2)`` as (x, y) in pixels.

    The maps ``(C, h, w)`` are read as if enlarged bilinearly to the picture's ``size`` (width, height). ``allowed``
    ``(n, H, W)`` or ``(H, W)`` bool: where is searched.
    """
    found = []
    for i, likeness in enumerate(_likenesses(original, edited, handles, size)):
        if allowed is not None:
            where = allowed if allowed.ndim == 2 else allowed[i]
            likeness = np.where(where, likeness, -np.inf)
        y, x = np.unravel_index(int(likeness.argmax()), likeness.shape)
        found.append((x, y))
    return np.array(found, dtype=float)


def _likenesses(original: Tensor, edited: Tensor, handles: Points, size: tuple[int, int]) -> np.ndarray:
    width, height = size
    whole = padded(height), padded(width)  # what was encoded
    xs, ys = (torch.tensor([round(p[axis]) for p in handles]) for axis in (0, 1))
    dots, squares, sought = 0, 0, 0
    for start in range(0, len(edited), CHUNK):
        # enlarged in pieces: sums over channels are all that is needed
        first, second = (
            F.interpolate(m[None, start : start + CHUNK].float(), whole, mode="bilinear")[0, :, :height, :width]
            for m in (original, edited)
        )
        wanted = first[:, ys, xs]
        dots = dots + torch.einsum("cn,chw->nhw", wanted, second)
        squares, sought = squares + second.square().sum(0), sought + wanted.square().sum(0)
    return (dots / (squares.sqrt() * sought.sqrt()[:, None, None]).clamp(min=1e-12)).cpu().numpy()


def mean_distance(found: np.ndarray, targets: Points) -> float:
    """MD: the mean over pairs of the pixels between what was found and the target."""
    return float(np.linalg.norm(found - np.asarray(targets, dtype=float), axis=1).mean())


def relative_distance(found: np.ndarray, targets: Points, size: tuple[int, int]) -> float:
    """MD2: the same in shares of width and height, times 100."""
    return float(100 * np.linalg.norm((found - np.asarray(targets, dtype=float)) / np.asarray(size), axis=1).mean())


def discs(handles: Points, targets: Points, size: tuple[int, int]) -> np.ndarray:
    """Where MD2 searches for each pair: discs of radius ``max(5, distance / sqrt 2)`` around handle and target, ``(n, H, W)``."""
    width, height = size
    y, x = np.mgrid[:height, :width]
    allowed = []
    for p, q in zip(handles, targets):
        radius = max(5.0, float(np.hypot(q[0] - p[0], q[1] - p[1])) / 2**0.5)
        allowed.append(np.minimum(np.hypot(x - p[0], y - p[1]), np.hypot(x - q[0], y - q[1])) <= radius)
    return np.array(allowed)
