"""The demo model's autoencoder: factor 8, four latent channels, no normalisation layers.

Without normalisation a latent cell acts on its neighbourhood only, so a picture whose latent was changed
inside a mask stays bit for bit what it was far outside of it. The interface is that of diffusers'
``AutoencoderKL`` (``encode(x).latent_dist``, ``decode(z).sample``, ``config.scaling_factor``), without diffusers.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

WEIGHTS_FILE = "diffusion_pytorch_model.safetensors"
"""Named as in a diffusers folder, beside ``config.json``."""


@dataclass(frozen=True)
class Config:
    block_out_channels: tuple[int, ...] = (32, 64, 128)
    layers_per_block: tuple[int, ...] = (1, 2, 3)
    latent_channels: int = 4
    scaling_factor: float = 0.18215


@dataclass(frozen=True)
class Posterior:
    """A point, not a cloud: ``std`` is what diffusers' lower clamp of the log-variance leaves."""

    mean: Tensor

    @property
    def std(self) -> Tensor:
        return torch.full_like(self.mean, -15.0).exp()

    def mode(self) -> Tensor:
        return self.mean


@dataclass(frozen=True)
class Encoded:
    latent_dist: Posterior


@dataclass(frozen=True)
class Decoded:
    sample: Tensor


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


class DemoVAE(nn.Module):
    """Deterministic convolutional autoencoder; see the module's docstring.

    ``encode``: ``(b, 3, H, W)`` in -1..1 to latents ``(b, 4, H/8, W/8)`` of standard deviation about
    ``1 / scaling_factor``; ``decode`` is the way back. H and W are multiples of 8.
    """

    def __init__(self, config: Config = Config()):
        super().__init__()
        self.config = config
        widths, layers = config.block_out_channels, config.layers_per_block
        stages: list[nn.Module] = [nn.PixelUnshuffle(2), nn.Conv2d(12, widths[0], 3, padding=1)]
        for i, (width, count) in enumerate(zip(widths, layers)):
            if i:
                stages.append(nn.Conv2d(widths[i - 1], width, 4, stride=2, padding=1))
            stages += [_Residual(width) for _ in range(count)]
        self.encoder = nn.Sequential(*stages, nn.SiLU(), nn.Conv2d(widths[-1], config.latent_channels, 3, padding=1))
        stages = [nn.Conv2d(config.latent_channels, widths[-1], 3, padding=1)]
        for i in reversed(range(len(widths))):
            stages += [_Residual(widths[i]) for _ in range(layers[i] + 1)]
            if i:
                stages += [nn.Conv2d(widths[i], 4 * widths[i - 1], 3, padding=1), nn.PixelShuffle(2)]
        self.decoder = nn.Sequential(*stages, nn.SiLU(), nn.Conv2d(widths[0], 12, 3, padding=1), nn.PixelShuffle(2))

    @classmethod
    def load(cls, folder: Path) -> DemoVAE:
        """In float32, for use: no gradients of its weights."""
        given = json.loads((folder / "config.json").read_text())
        values = {field.name: given[field.name] for field in fields(Config)}
        vae = cls(Config(**{name: tuple(v) if isinstance(v, list) else v for name, v in values.items()}))
        vae.load_state_dict({name: weight.float() for name, weight in load_file(folder / WEIGHTS_FILE).items()})
        return vae.eval().requires_grad_(False)

    def save(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "config.json").write_text(json.dumps(asdict(self.config), indent=2) + "\n")
        save_file({name: weight.contiguous() for name, weight in self.state_dict().items()}, folder / WEIGHTS_FILE)

    @property
    def device(self) -> torch.device:
        return self.encoder[1].weight.device

    @property
    def dtype(self) -> torch.dtype:
        return self.encoder[1].weight.dtype

    def encode(self, x: Tensor) -> Encoded:
        return Encoded(Posterior(self.encoder(x) / self.config.scaling_factor))

    def decode(self, z: Tensor) -> Decoded:
        return Decoded(self.decoder(z * self.config.scaling_factor))
