"""Pictures to tensors, latents and back."""

import numpy as np
import pytest
import torch
from PIL import Image

from gooddrag.network import codec


def noise(mode="RGB", size=(70, 65)):
    return Image.fromarray(np.random.default_rng(0).integers(0, 256, (*size[::-1], 3), dtype=np.uint8)).convert(mode)


def test_pictures_go_there_and_back():
    image = noise()
    x = codec.to_tensor(image)
    assert x.shape == (1, 3, 65, 70)
    assert (x.min(), x.max()) == (-1, 1)
    assert np.array_equal(np.asarray(codec.to_image(x)), np.asarray(image))


def test_transparency_is_laid_on_white():
    image = noise("RGBA")
    image.putalpha(Image.new("L", image.size, 0))
    assert (codec.to_tensor(image) == 1).all()


@pytest.mark.parametrize("mode", ["L", "P", "CMYK", "1", "I;16"])
def test_other_modes_become_colour(mode):
    image = noise("L").convert(mode) if mode != "I;16" else Image.new("I;16", (70, 65), 30000)
    assert codec.to_tensor(image).shape == (1, 3, 65, 70)


def test_latent_is_scaled_and_the_picture_comes_back_in_its_size(vae):
    x = codec.to_tensor(noise())
    mean, std = codec.encode(vae, x)
    assert mean.shape == std.shape == (1, 4, 9, 9)
    padded = torch.nn.functional.pad(x, (0, 2, 0, 7), mode="reflect")
    posterior = vae.encode(padded).latent_dist
    assert torch.allclose(mean, posterior.mean * vae.config.scaling_factor)
    assert torch.allclose(std, posterior.std * vae.config.scaling_factor)
    assert codec.decode(vae, mean, (70, 65)).shape == x.shape
