"""The demo autoencoder stands without diffusers, with the interface of its ``AutoencoderKL``."""

import torch

from gooddrag.demo.vae import Config, DemoVAE


def test_what_is_saved_is_loaded(tmp_path):
    vae = DemoVAE(Config((8, 8, 8), (1, 1, 1), 4, 0.5))
    vae.save(tmp_path / "vae")
    again = DemoVAE.load(tmp_path / "vae")
    x = torch.rand(1, 3, 32, 24)
    assert again.config == vae.config
    assert (again.dtype, again.device) == (torch.float32, torch.device("cpu"))
    assert torch.equal(again.encode(x).latent_dist.mode(), vae.encode(x).latent_dist.mode())
    assert not any(p.requires_grad for p in again.parameters())


def test_interface_is_that_of_diffusers(vae):
    ours = DemoVAE(Config((8, 8, 8), (1, 1, 1)))
    x = torch.rand(2, 3, 32, 24)
    for one in (vae, ours):
        posterior = one.encode(x).latent_dist
        assert posterior.mean.shape == posterior.std.shape == posterior.mode().shape
        assert one.decode(posterior.mean).sample.shape == x.shape
        assert one.config.scaling_factor > 0
    assert torch.allclose(ours.encode(x).latent_dist.std, torch.tensor(-30.0).mul(0.5).exp())
