"""DragGAN (arXiv 2305.10973) on the demo world's generator, and the inversion that a picture from outside needs first.

The latent w of the layers before the features is moved until the features around each handle lie a step further along its arrow;
what the handles have become is then looked for around where they were. Nothing else than w changes, so that the generator always
draws a picture of its world.
"""

from __future__ import annotations

import copy
from functools import cache

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from ...demo import world
from ...demo.generator import FEATURES, Generator, difference
from .edited import Edited
from .prepared import Prepared

SUPERVISED, SEARCHED = 3, 12
"""r_1 and r_2 of the paper, in pixels: what is moved around a handle, and how far it is looked for."""
MASK_WEIGHT = 20.0
RATE = 0.05
"""Adam's step, as a share of how far w spreads over the scenes of the world."""
OPERATIONS = 300
NEAR, NEAR_OF_MANY, MANY = 1.0, 2.0, 5
"""Pixels within which every handle must have come, and from how many pairs on more are allowed."""

CANDIDATES = 256
"""Scenes from whose w the inversion begins: that which looks most alike."""
FITTED, TUNED = 200, 80
"""Steps that look for w, and steps of pivotal tuning (arXiv 2106.05744) that let the generator's weights follow the picture."""
FIT_RATE, TUNE_RATE = 0.05, 1e-3


def draggan(prepared: Prepared) -> Edited:
    """Raises ``ValueError`` for a picture that cannot be of the generator's world."""
    sample = prepared.sample
    if sample.size != (world.SIZE, world.SIZE):
        raise ValueError(
            f"the picture is {sample.size[0]}x{sample.size[1]}; the generator of DragGAN draws the demo world, "
            f"{world.SIZE}x{world.SIZE}: leave draggan out for other pictures"
        )
    picture = torch.from_numpy(sample.picture).permute(2, 0, 1)[None].float() / 127.5 - 1
    generator, ws = inverted(picture)
    handles, targets = (torch.tensor(p, dtype=torch.float32) for p in zip(*sample.points.arrows))
    ws, handles, operations = dragged(generator, ws, handles, targets, prepared.mask)
    with torch.no_grad():
        drawn = generator(ws)[0].clamp(-1, 1)
    left = float((targets - handles).norm(dim=1).mean())
    ended = "reached" if operations < OPERATIONS else "operations"
    return Edited(_picture(drawn), left=left, operations=operations, ended=ended)


def _picture(drawn: Tensor) -> np.ndarray:
    return ((drawn.permute(1, 2, 0) + 1) * 127.5).round().byte().numpy()


@cache
def _generator() -> Generator:
    return Generator.load()


@cache
def _library() -> tuple[Tensor, Tensor]:
    """w of scenes that are in no test, and small pictures of them."""
    generator = _generator()
    with torch.no_grad():
        w = generator.of([world.Scene.sample(np.random.default_rng((78, i))) for i in range(CANDIDATES)])
        return w, torch.cat([generator(generator.spread(part), 32) for part in w.split(32)])


def inverted(picture: Tensor) -> tuple[Generator, Tensor]:
    """A generator that draws ``picture`` ``(1, 3, 256, 256)`` in -1..1, and its ``(1, layers, latent)``: w of every layer
    is looked for from the most similar known scene on, then the weights are tuned around it."""
    generator = copy.deepcopy(_generator())
    known, pictures = _library()
    small = F.interpolate(picture, pictures.shape[2:], mode="area")
    best = int((pictures - small).abs().mean(dim=(1, 2, 3)).argmin())
    ws = generator.spread(known[best : best + 1]).clone().requires_grad_()
    spread = known.std(dim=0).mean()
    optimizer = torch.optim.Adam([ws], lr=1.0)
    for step in range(FITTED):
        share = step / FITTED
        optimizer.param_groups[0]["lr"] = float(FIT_RATE * spread) * min(1.0, 4 * (1 - share))
        size = FEATURES if share < 0.75 else world.SIZE
        error = difference(generator(ws, size), F.interpolate(picture, (size, size), mode="area"))
        optimizer.zero_grad()
        error.backward()
        optimizer.step()
    ws = ws.detach()
    generator.requires_grad_(True)
    optimizer = torch.optim.Adam(generator.parameters(), lr=TUNE_RATE)
    for _ in range(TUNED):
        error = difference(generator(ws), picture)
        optimizer.zero_grad()
        error.backward()
        optimizer.step()
    return generator.requires_grad_(False), ws


def dragged(
    generator: Generator, ws: Tensor, handles: Tensor, targets: Tensor, mask: Tensor | None
) -> tuple[Tensor, Tensor, int]:
    """w of every layer after the drag, where the handles are, and how many steps that took.

    ``handles``, ``targets`` ``(n, 2)`` as (x, y) in pixels of the picture; ``mask`` ``(H, W)`` bool, True where it may change.
    """
    before, after = ws[:, : generator.movable].clone().requires_grad_(), ws[:, generator.movable :]
    optimizer = torch.optim.Adam([before], lr=RATE * float(_library()[0].std(dim=0).mean()))
    with torch.no_grad():
        original = generator.drawn(ws, FEATURES)[1]
    templates = _at(original, handles)  # f_i of the paper: the handles' own features
    kept = None
    if mask is not None:
        kept = F.interpolate((~mask)[None, None].float(), original.shape[2:], mode="area")
    enough = NEAR_OF_MANY if len(handles) > MANY else NEAR
    for operation in range(OPERATIONS):
        ways = targets - handles
        distances = ways.norm(dim=1)
        if (distances <= enough).all():
            return torch.cat([before.detach(), after], dim=1), handles, operation
        features = generator.drawn(torch.cat([before, after], dim=1), FEATURES)[1]
        steps = ways / distances.clamp(min=1.0)[:, None]
        around = handles[:, None] + _disc(SUPERVISED)
        # the features at q stand still and those at q + d learn to be like them
        error = (_at(features, around + steps[:, None]) - _at(features.detach(), around)).abs().mean(dim=(1, 2)).sum()
        if kept is not None:
            error = error + MASK_WEIGHT * ((features - original) * kept).abs().mean()
        optimizer.zero_grad()
        error.backward()
        optimizer.step()
        with torch.no_grad():
            features = generator.drawn(torch.cat([before, after], dim=1), FEATURES)[1]
            handles = _tracked(features, templates, handles)
    return torch.cat([before.detach(), after], dim=1), handles, OPERATIONS


def _disc(radius: int) -> Tensor:
    """Offsets within ``radius``, ``(k, 2)``."""
    axis = torch.arange(-radius, radius + 1, dtype=torch.float32)
    offsets = torch.cartesian_prod(axis, axis)
    return offsets[offsets.norm(dim=1) <= radius]


def _at(features: Tensor, places: Tensor) -> Tensor:
    """``features`` ``(1, c, h, w)``, stretched over the picture, at ``places`` ``(..., 2)`` in its pixels: ``(..., c)``."""
    grid = (places + 0.5) / world.SIZE * 2 - 1
    values = F.grid_sample(features, grid.reshape(1, 1, -1, 2), padding_mode="border", align_corners=False)
    return values[0, :, 0].T.reshape(*places.shape[:-1], -1)


def _tracked(features: Tensor, templates: Tensor, handles: Tensor) -> Tensor:
    """Around each handle the place whose feature is nearest to the template, by L1."""
    axis = torch.arange(-SEARCHED, SEARCHED + 1, dtype=torch.float32)
    places = (handles[:, None] + torch.cartesian_prod(axis, axis)).clamp(0, world.SIZE - 1)
    distances = (_at(features, places) - templates[:, None]).abs().sum(dim=-1)
    return places[torch.arange(len(handles)), distances.argmin(dim=1)]
