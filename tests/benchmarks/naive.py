"""A gradient step, and an edit, as the authors' code computes them: the baseline.

Nothing is frozen, so the backward pass makes a gradient for every weight of the U-Net; the whole U-Net is evaluated; the
feature map is upsampled to half the picture's resolution before the patches are read from it. With a LoRA their attention is
torch's fused one, which is diffusers' default now; without one it is diffusers' ``AttnProcessor``, which keeps every score.
``tests/parity/test_baseline.py`` holds it to what the engine computes.
"""

from __future__ import annotations

import time

import torch
import torch.nn.functional as F
from diffusers import UNet2DConditionModel
from torch import Tensor

from gooddrag.config import DragConfig
from gooddrag.network.conditioning import Text
from gooddrag.network.family import family_of
from gooddrag.network.features import predict
from gooddrag.network.schedule import Schedule


def features(
    unet: UNet2DConditionModel, z: Tensor, t: int, text: Text, grid: tuple[int, int], block: str = "up_blocks.2"
):
    """Prediction and the upsampled map of ``block``."""
    seen = []
    handle = unet.get_submodule(block).register_forward_hook(lambda _m, _i, output: seen.append(output))
    try:
        prediction = predict(unet, z, t, text)
    finally:
        handle.remove()
    return prediction, F.interpolate(seen[0].to(z.dtype), grid, mode="bilinear")


def patch(feature: Tensor, centre: Tensor, radius: int) -> Tensor:
    """A square of side 2 r + 1 at a place between the cells, bilinearly from the whole map."""
    row, col = (int(c) for c in centre.floor())
    fy, fx = (centre - centre.floor()).tolist()
    wide = feature[:, :, row - radius : row + radius + 2, col - radius : col + radius + 2]
    high = wide[:, :, :-1] * (1 - fy) + wide[:, :, 1:] * fy
    return high[..., :-1] * (1 - fx) + high[..., 1:] * fx


class Step:
    """One gradient step on ``z`` at ``t``, again and again. ``original`` is F(z_t^0), upsampled, ``denoised`` z_{t-1}^0."""

    def __init__(self, unet, z: Tensor, t: int, text: Text, config: DragConfig, handle: Tensor, target: Tensor,
                 mask: Tensor, original: Tensor, denoised: Tensor):  # fmt: skip
        self.unet, self.t, self.text, self.mask = unet.requires_grad_(True), t, text, mask
        self.config = family_of(unet.config).settled(config)
        self.grid = (z.shape[-2] * 4, z.shape[-1] * 4)
        self.handle, self.target = handle, target
        self.schedule = Schedule(config.inference_steps, config.strength)
        self.original, self.denoised = original, denoised
        self.z = z.clone().requires_grad_()
        self.optimizer = torch.optim.Adam([self.z], lr=config.learning_rate)

    def __call__(self) -> float:
        config = self.config
        prediction, feature = features(self.unet, self.z, self.t, self.text, self.grid, self.config.feature_block)
        denoised, _ = self.schedule.denoise(prediction, self.t, self.z)
        way = self.target - self.handle
        ahead = self.handle + way / way.norm() * config.drag_size
        template = patch(self.original, self.handle, config.supervision_radius)
        moved = patch(feature, ahead, config.supervision_radius)
        loss = (2 * config.supervision_radius) ** 2 * F.l1_loss(moved, template)
        loss = loss + config.mask_weight * ((denoised - self.denoised) * (1 - self.mask)).abs().sum()
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        return loss.item()


def edit(unet, z0: Tensor, text: Tensor, config: DragConfig, handle: Tensor, target: Tensor, mask: Tensor) -> dict:
    """Seconds of each part of a whole edit. Tracking's search, which costs next to nothing, is left out."""
    schedule, grid = Schedule(config.inference_steps, config.strength), (z0.shape[-2] * 4, z0.shape[-1] * 4)
    seconds = dict.fromkeys(("invert", "reference", "drag", "denoise"), 0.0)
    mark = time.perf_counter()

    def lap(part: str) -> None:
        nonlocal mark
        seconds[part] += time.perf_counter() - mark
        mark = time.perf_counter()

    with torch.no_grad():
        z = z0
        for t in reversed(schedule.timesteps):
            z = schedule.invert(unet(z, t, encoder_hidden_states=text).sample, t, z)
        lap("invert")
        reference, source = [], z
        for t in schedule.timesteps[: config.drag_steps + 1]:
            prediction, feature = features(unet, source, t, text, grid)
            following, _ = schedule.denoise(prediction, t, source)
            reference.append((feature, following))
            source = following
        lap("reference")
    source = z
    for i, t in enumerate(schedule.timesteps):
        if i < config.drag_steps:
            step = Step(unet, z, t, text, config, handle, target, mask, *reference[i])
            for _ in range(config.operations_per_step * config.gradient_steps):
                step()
            z = step.z.detach()
            lap("drag")
        with torch.no_grad():
            both = torch.cat([source, z])
            prediction = unet(both, t, encoder_hidden_states=text.expand(2, -1, -1)).sample
            source, z = schedule.denoise(prediction, t, both)[0].chunk(2)
        lap("denoise")
    return seconds
