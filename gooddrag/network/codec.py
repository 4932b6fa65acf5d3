"""Pictures to latents and back, with a diffusers autoencoder and without ever stretching a picture."""

from __future__ import annotations

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from ..finite import finite
from ..picture.geometry import crop, pad


def eight_bit(image: Image.Image) -> Image.Image:
    """A picture as RGB, RGBA or L. 16 bits a channel and fractions of 0..1 are scaled, which Pillow's own conversion would cut
    off at 255. Raises ``ValueError`` for numbers whose black and white are not known."""
    if image.mode == "F" or image.mode.startswith("I"):
        array = np.asarray(image)
        low, high, limit = array.min(), array.max(), 1.0 if image.mode == "F" else 65535
        if not (low >= 0 and high <= limit):
            raise ValueError(
                f"its values are {low:g} to {high:g}, where {'0 to 1' if limit == 1 else '0 to 65535'} can be read; save it "
                "with 8 or 16 bits a channel"
            )
        return Image.fromarray(np.round(array.astype(np.float64) * (255 / limit)).astype(np.uint8))
    if image.mode in ("RGB", "RGBA", "L"):
        return image.convert("RGBA") if image.has_transparency_data else image
    return image.convert("RGBA" if image.has_transparency_data else "RGB")


def to_tensor(image: Image.Image, under: str = "white") -> Tensor:
    """A picture as ``(1, 3, H, W)`` float32 in -1..1. What lies ``under`` a transparent one is white."""
    image = eight_bit(image)
    if image.has_transparency_data:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, under), image)
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
    finite(x, "the picture", "open it anew")
    posterior = vae.encode(pad(x).to(vae.device, vae.dtype)).latent_dist
    finite(posterior.mean, "what the autoencoder made of the picture", "load it in float32")
    scale = vae.config.scaling_factor
    return posterior.mean.to(x.dtype) * scale, posterior.std.to(x.dtype) * scale


@torch.no_grad()
def decode(vae, z: Tensor, size: tuple[int, int]) -> Tensor:
    """The picture ``(1, 3, height, width)`` of a latent in the model's scaling; ``size`` is (width, height)."""
    x = vae.decode(
        (finite(z, "the latent", "look at what made it") / vae.config.scaling_factor).to(vae.dtype)
    ).sample.to(z.dtype)
    finite(x, "what the autoencoder made of the latent", "load it in float32")
    return crop(x, *size)
