"""A gradient step as the authors' code computes it: the baseline.

Nothing is frozen, so the backward pass makes a gradient for every weight of the U-Net; the whole U-Net is evaluated; the
feature map is upsampled to half the picture's resolution before the patches are read from it.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from diffusers import UNet2DConditionModel
from torch import Tensor

from gooddrag.config import DragConfig
from gooddrag.schedule import Schedule


def features(unet: UNet2DConditionModel, z: Tensor, t: int, text: Tensor, grid: tuple[int, int]):
    """Prediction and the upsampled map of the third up block."""
    seen = []
    handle = unet.up_blocks[2].register_forward_hook(lambda _m, _i, output: seen.append(output))
    try:
        prediction = unet(z, t, encoder_hidden_states=text).sample
    finally:
        handle.remove()
    return prediction, F.interpolate(seen[0], grid, mode="bilinear")


def patch(feature: Tensor, centre: Tensor, radius: int) -> Tensor:
    """A square of side 2 r + 1 at a place between the cells, bilinearly from the whole map."""
    h, w = feature.shape[-2:]
    offset = torch.arange(-radius, radius + 1, dtype=feature.dtype)
    y, x = torch.meshgrid(centre[1] + offset, centre[0] + offset, indexing="ij")
    places = torch.stack([x / (w - 1), y / (h - 1)], -1) * 2 - 1
    return F.grid_sample(feature, places[None], align_corners=True)


class Step:
    """One gradient step on ``z``, again and again."""

    def __init__(self, unet, z: Tensor, text: Tensor, config: DragConfig, handle: Tensor, target: Tensor, mask: Tensor):
        self.unet, self.text, self.config, self.mask = unet.requires_grad_(True), text, config, mask
        self.grid = (z.shape[-2] * 4, z.shape[-1] * 4)
        self.handle, self.target = handle, target
        self.schedule = Schedule(config.inference_steps, config.strength)
        self.t = self.schedule.timesteps[0]
        with torch.no_grad():
            prediction, self.original = features(unet, z, self.t, text, self.grid)
            self.denoised, _ = self.schedule.denoise(prediction, self.t, z)
        self.z = z.clone().requires_grad_()
        self.optimizer = torch.optim.Adam([self.z], lr=config.learning_rate)

    def __call__(self) -> float:
        config = self.config
        prediction, feature = features(self.unet, self.z, self.t, self.text, self.grid)
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
