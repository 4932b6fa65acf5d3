"""The demo model's autoencoder: factor 8, four latent channels, no normalisation layers.

Without normalisation a latent cell acts on its neighbourhood only, so a picture whose latent was changed
inside a mask stays bit for bit what it was far outside of it. The interface is that of diffusers'
``AutoencoderKL`` (``encode(x).latent_dist``, ``decode(z).sample``, ``config.scaling_factor``).
"""

from __future__ import annotations

import torch
from diffusers.configuration_utils import ConfigMixin, register_to_config
from diffusers.models.autoencoders.vae import DecoderOutput, DiagonalGaussianDistribution
from diffusers.models.modeling_outputs import AutoencoderKLOutput
from diffusers.models.modeling_utils import ModelMixin
from torch import Tensor, nn


class _Residual(nn.Module):
    def __init__(self, channels: int):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1)
        nn.init.zeros_(self.conv2.weight)
        nn.init.zeros_(self.conv2.bias)

    def forward(self, x: Tensor) -> Tensor:
        h = self.conv1(nn.functional.silu(x))
        return x + self.conv2(nn.functional.silu(h))


class DemoVAE(ModelMixin, ConfigMixin):
    """Deterministic convolutional autoencoder; see the module's docstring.

    ``encode``: ``(b, 3, H, W)`` in -1..1 to latents ``(b, 4, H/8, W/8)`` of standard deviation about
    ``1 / scaling_factor``; ``decode`` is the way back. H and W are multiples of 8.
    """

    @register_to_config
    def __init__(
        self,
        block_out_channels: tuple[int, ...] = (32, 64, 128),
        layers_per_block: tuple[int, ...] = (1, 2, 3),
        latent_channels: int = 4,
        scaling_factor: float = 0.18215,
    ):
        super().__init__()
        widths = list(block_out_channels)
        stages: list[nn.Module] = [nn.PixelUnshuffle(2), nn.Conv2d(12, widths[0], 3, padding=1)]
        for i, (width, layers) in enumerate(zip(widths, layers_per_block)):
            if i:
                stages.append(nn.Conv2d(widths[i - 1], width, 4, stride=2, padding=1))
            stages += [_Residual(width) for _ in range(layers)]
        self.encoder = nn.Sequential(*stages, nn.SiLU(), nn.Conv2d(widths[-1], latent_channels, 3, padding=1))
        stages = [nn.Conv2d(latent_channels, widths[-1], 3, padding=1)]
        for i in reversed(range(len(widths))):
            stages += [_Residual(widths[i]) for _ in range(layers_per_block[i] + 1)]
            if i:
                stages += [nn.Conv2d(widths[i], 4 * widths[i - 1], 3, padding=1), nn.PixelShuffle(2)]
        self.decoder = nn.Sequential(*stages, nn.SiLU(), nn.Conv2d(widths[0], 12, 3, padding=1), nn.PixelShuffle(2))

    def encode(self, x: Tensor, return_dict: bool = True) -> AutoencoderKLOutput:
        mean = self.encoder(x) / self.config.scaling_factor
        # a point, not a cloud: the log-variance is diffusers' lower clamp
        moments = torch.cat([mean, torch.full_like(mean, -30.0)], dim=1)
        posterior = DiagonalGaussianDistribution(moments)
        return AutoencoderKLOutput(latent_dist=posterior) if return_dict else (posterior,)

    def decode(self, z: Tensor, return_dict: bool = True) -> DecoderOutput:
        sample = self.decoder(z * self.config.scaling_factor)
        return DecoderOutput(sample=sample) if return_dict else (sample,)
