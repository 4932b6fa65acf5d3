"""DDIM inversion (Eq. 3) of a picture's latent, and the denoising pass that undoes it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from ..config import PAPER, DragConfig
from ..finite import finite, of_unet
from ..network import memory
from ..network.conditioning import Conditioning, Text
from ..network.guidance import Guidance
from ..network.model import Model
from ..network.schedule import Schedule
from ..progress import Progress, silent

ADVICE = "Use a smaller picture, or free memory: other programs on the GPU, models that are kept loaded"


@dataclass(frozen=True)
class Inversion:
    """A picture as noise: ``latent`` is z_T ``(1, 4, h, w)``, reached along ``schedule`` under ``text``
    ``(1, tokens, D)`` or more, and away from the negative of ``guidance`` if there is any; ``size`` is the picture's
    (width, height) before padding. ``path`` are the latents on the way, from z_T to z_0, one more than timesteps."""

    latent: Tensor
    schedule: Schedule
    text: Text
    size: tuple[int, int]
    guidance: Guidance | None = None
    path: tuple[Tensor, ...] = ()


@torch.no_grad()
def invert(
    model: Model,
    z0: Tensor,
    text: Text,
    size: tuple[int, int],
    config: DragConfig = PAPER,
    callback: Callable[[Progress], None] = silent,
    *,
    guidance: Guidance | None = None,
) -> Inversion:
    """Invert ``z0`` ``(1, 4, h, w)``, the picture's latent in the model's scaling, to z_T.

    Each step evaluates the U-Net at the timestep that it steps *to*, on the latent that it steps *from*. With ``guidance`` it does
    so twice, and whatever denoises the inversion as well; gradient steps follow ``text`` alone. Raises ``ValueError`` when latent,
    text or prediction hold NaN or infinity, ``NotEnoughMemory``.
    """
    finite(z0, "the picture's latent", "look at the autoencoder")
    Conditioning.of(text).checked()
    if guidance:
        Conditioning.of(guidance.negative).checked("the negative text")
    schedule = model.schedule(config.inference_steps, config.strength)
    z, path = z0, [z0]
    for i, t in enumerate(reversed(schedule.timesteps)):
        callback(Progress("invert", i, len(schedule.timesteps), t))
        with memory.explained(ADVICE, lambda: f" while inverting at {size[0]}x{size[1]}"):
            prediction = model.predict(z, t, text)
            if guidance:
                prediction = guidance(prediction, model.predict(z, t, guidance.negative))
            z = schedule.invert(prediction, t, z)
        finite(z, "the inverted latent", of_unet(model.unet.dtype))
        path.append(z)
    callback(Progress("invert", len(schedule.timesteps), len(schedule.timesteps), schedule.timesteps[0]))
    return Inversion(z, schedule, text, size, guidance, tuple(reversed(path)))
