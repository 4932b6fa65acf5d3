"""Pictures to latents and back, with a diffusers autoencoder and without ever stretching a picture."""

from __future__ import annotations

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from ..picture.geometry import crop, pad


def to_tensor(image: Image.Image) -> Tensor:
    """A picture as ``(1, 3, H, W)`` float32 in -1..1. Transparency is laid on white."""
    if image.has_transparency_data:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    array = np.asarray(image.convert("RGB"), dtype=np.float32)
    return torch.from_numpy(array / 127.5 - 1).permute(2, 0, 1)[None]


def to_image(x: Tensor) -> Image.Image:
    """``(1, 3, H, W)`` in -1..1 as a picture."""
    array = (x[0].float().clamp(-1, 1) + 1) * 127.5
    return Image.fromarray(array.round().byte().permute(1, 2, 0).cpu().numpy())


@torch.no_grad()
def encode(vae, x: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation of the picture's latent in the model's scaling, each ``(1, 4, h, w)``.

    ``x`` ``(1, 3, H, W)`` is padded to multiples of 8 by reflection.
    """
    posterior = vae.encode(pad(x).to(vae.device, vae.dtype)).latent_dist
    scale = vae.config.scaling_factor
    return posterior.mean.to(x.dtype) * scale, posterior.std.to(x.dtype) * scale


@torch.no_grad()
def decode(vae, z: Tensor, size: tuple[int, int]) -> Tensor:
    """The picture ``(1, 3, height, width)`` of a latent in the model's scaling; ``size`` is (width, height)."""
    x = vae.decode((z / vae.config.scaling_factor).to(vae.dtype)).sample.to(z.dtype)
    return crop(x, *size)
