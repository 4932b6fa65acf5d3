"""The demo model as ComfyUI's own MODEL, VAE and CONDITIONING."""

from __future__ import annotations

import json
from typing import ClassVar

import comfy.latent_formats
import comfy.model_management
import comfy.model_patcher
import comfy.sd
import comfy.supported_models
import comfy.utils
import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from ..gooddrag.demo import WEIGHTS
from ..gooddrag.demo.vae import DemoVAE


class _LatentFormat(comfy.latent_formats.SD15):
    """SD1.5's scaling with preview colours fitted to the demo autoencoder."""

    def __init__(self):
        super().__init__()
        factors = json.loads((WEIGHTS / "preview.json").read_text())
        self.latent_rgb_factors, self.latent_rgb_factors_bias = factors["factors"], factors["bias"]
        self.taesd_decoder_name = None


class _Config(comfy.supported_models.SD15):
    """SD1.5's topology at the demo's width; made by hand because ComfyUI detects only the full one."""

    unet_extra_config: ClassVar[dict] = {}

    def __init__(self, config: dict):
        channels = config["block_out_channels"]
        layers = config["layers_per_block"]
        super().__init__(
            {
                "use_checkpoint": False,
                "image_size": 32,
                "in_channels": 4,
                "out_channels": 4,
                "model_channels": channels[0],
                "channel_mult": [c // channels[0] for c in channels],
                "num_res_blocks": [layers] * 4,
                "transformer_depth": [1] * (3 * layers) + [0] * layers,
                "transformer_depth_output": [1] * (3 * (layers + 1)) + [0] * (layers + 1),
                "transformer_depth_middle": 1,
                "use_spatial_transformer": True,
                "use_linear_in_transformer": False,
                "context_dim": config["cross_attention_dim"],
                "num_heads": -1,
                "num_head_channels": channels[0] // config["attention_head_dim"][0],
                "legacy": False,
                "adm_in_channels": None,
                "use_temporal_attention": False,
                "dtype": torch.float32,
            }
        )
        self.latent_format = _LatentFormat()


class _FirstStage(nn.Module):
    """The interface that ``comfy.sd.VAE`` expects of an autoencoder."""

    def __init__(self, vae: DemoVAE):
        super().__init__()
        self.vae = vae

    def encode(self, x: Tensor) -> Tensor:
        return self.vae.encode(x).latent_dist.mode()

    def decode(self, z: Tensor) -> Tensor:
        return self.vae.decode(z).sample


def _model() -> comfy.model_patcher.ModelPatcher:
    config = _Config(json.loads((WEIGHTS / "unet" / "config.json").read_text()))
    names = comfy.utils.unet_to_diffusers(config.unet_config)
    weights = load_file(WEIGHTS / "unet" / "diffusion_pytorch_model.safetensors")
    state = {names[key]: weight.float() for key, weight in weights.items()}
    load_device = comfy.model_management.get_torch_device()
    offload_device = comfy.model_management.unet_offload_device()
    model = config.get_model(state, "", device=offload_device)
    model.load_model_weights(state, "")
    return comfy.model_patcher.ModelPatcher(model, load_device=load_device, offload_device=offload_device)


def _vae() -> comfy.sd.VAE:
    # ComfyUI's class around an autoencoder of its own kind, whose place ours then takes
    stand_in = {
        "ch": 32,
        "ch_mult": [1],
        "num_res_blocks": 0,
        "z_channels": 4,
        "in_channels": 3,
        "out_ch": 3,
        "resolution": 32,
        "attn_resolutions": [],
        "double_z": True,
    }
    params = {"ddconfig": stand_in, "embed_dim": 4}
    vae = comfy.sd.VAE(sd=comfy.sd.AutoencoderKL(**params).state_dict(), config={"params": params}, dtype=torch.float32)
    ours = _FirstStage(DemoVAE.load(WEIGHTS / "vae")).eval()
    vae.first_stage_model = ours
    vae.patcher = comfy.model_patcher.ModelPatcher(
        ours, load_device=vae.device, offload_device=comfy.model_management.vae_offload_device()
    )
    vae.size = None
    # measured on the decoder's widest layer; SD's figures would reserve twenty times too much
    vae.memory_used_encode = vae.memory_used_decode = lambda shape, dtype: 64 * 1024 * 1024
    return vae


def load() -> tuple[comfy.model_patcher.ModelPatcher, comfy.sd.VAE, list]:
    """MODEL, VAE and the one CONDITIONING of the demo model."""
    model = _model()
    context = model.model.model_config.unet_config["context_dim"]
    return model, _vae(), [[torch.zeros(1, 1, context), {}]]
