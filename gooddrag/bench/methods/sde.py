"""SDE-Drag (arXiv 2311.01410): the latent is copied from handle to target, and the noise of a stochastic sampler mends it.

The way is cut into steps of two latent cells. For each, the picture's latent is taken to t_0 by the forward process, a square
around the handle is copied to where it shall go, stronger by ``ALPHA``, the place that it left becomes mostly new noise, and the
reverse process leads back with the noise that would have led the unedited latent back exactly. Outside of the mask every step is
the unedited latent.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from ...libraries import importing
from ...network.schedule import SD_SCHEDULE
from ...picture.geometry import LATENT_CELL, latent_mask
from .edited import Edited
from .prepared import Prepared

STEPS, STRENGTH = 100, 0.6
"""Of the sampler, half of the paper's 200 at half the cost, and t_0 as a share of them."""
STRIDE = 2
"""Latent cells that the content goes in a round."""
ALPHA, BETA = 1.1, 0.3
"""How much stronger what was copied is, and how much is kept of what was there."""
RADIUS = 5
"""Half the side of the copied square in latent cells, whatever the picture: in the small demo world a square that shrinks with
the picture holds too little to be recognised when the noise is mended."""


@torch.no_grad()
def sde_drag(prepared: Prepared, steps: int = STEPS) -> Edited:
    with importing("diffusers"):
        from diffusers import DDIMScheduler
    scheduler = DDIMScheduler(**SD_SCHEDULE, prediction_type=prepared.model.prediction_type)
    scheduler.set_timesteps(steps)
    timesteps = scheduler.timesteps.tolist()[steps - round(STRENGTH * steps) :]
    generator = torch.Generator().manual_seed(prepared.seed)
    z, points = prepared.z0, prepared.sample.points
    editable = latent_mask(prepared.mask, z)
    handles, targets = (torch.tensor(p).flip(-1).div(LATENT_CELL).floor() for p in zip(*points.arrows))
    ways = targets - handles
    rounds = max(round(float(ways.norm(dim=1).max()) / STRIDE), 1)
    for i in range(rounds):
        here, there = (handles + (ways * (k / rounds)).trunc() for k in (i, i + 1))
        z = _round(prepared, scheduler, timesteps, z, editable, here.long(), there.long(), generator)
    return Edited(prepared.picture(z), operations=rounds, ended="copied")


def _round(prepared, scheduler, timesteps: list[int], z0: Tensor, editable: Tensor, here, there, generator) -> Tensor:
    """z_0 after the content has gone from the cells ``here`` to those ``there``, ``(n, 2)`` as (row, column)."""
    path = _forward(scheduler, timesteps, z0, generator)
    z = _copied(path[-1], here, there, generator)
    for t, original, before in zip(timesteps, reversed(path[1:]), reversed(path[:-1])):
        both = prepared.model.predict(torch.cat([z, original]), t, prepared.text)
        mean, unedited = _reverse(scheduler, t, torch.cat([z, original]), both).chunk(2)
        # before - unedited: the noise that leads from the original to what it was made of
        z = editable * (mean + before - unedited) + (1 - editable) * before
    return z


def _alpha(scheduler, t: int) -> float:
    return float(scheduler.alphas_cumprod[t] if t >= 0 else scheduler.final_alpha_cumprod)


def _previous(scheduler, t: int) -> int:
    return t - scheduler.config.num_train_timesteps // scheduler.num_inference_steps


def _forward(scheduler, timesteps: list[int], z: Tensor, generator) -> list[Tensor]:
    """z_0 and its way to t_0, each from the one before: one step of the forward process after the other."""
    path = [z]
    for t in reversed(timesteps):
        share = _alpha(scheduler, t) / _alpha(scheduler, _previous(scheduler, t))
        noise = torch.randn(z.shape, generator=generator).to(z)
        path.append(math.sqrt(share) * path[-1] + math.sqrt(1 - share) * noise)
    return path


def _reverse(scheduler, t: int, z: Tensor, prediction: Tensor) -> Tensor:
    """Mean of z_{t-1} given z_t: the reverse process of DDPM, which is DDIM's with eta = 1, without its noise."""
    return scheduler.step(prediction, t, z, eta=1.0, variance_noise=torch.zeros_like(z)).prev_sample


def _copied(z: Tensor, here: Tensor, there: Tensor, generator) -> Tensor:
    """``z`` with the square around each of ``here`` copied to ``there``, and noise where it was. Squares end at the border."""
    result, size = z.clone(), torch.tensor(z.shape[2:])
    for p, q in zip(here, there):
        low = torch.minimum(p, q).clamp(max=RADIUS)
        high = (size - torch.maximum(p, q)).clamp(max=RADIUS)
        source, target = (tuple(slice(int(c - lo), int(c + hi)) for c, lo, hi in zip(x, low, high)) for x in (p, q))
        content = result[..., source[0], source[1]].clone()
        noise = torch.randn(content.shape, generator=generator).to(content)
        result[..., source[0], source[1]] = BETA * content + math.sqrt(1 - BETA**2) * noise
        result[..., target[0], target[1]] = ALPHA * content
    return result
