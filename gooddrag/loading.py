"""Models by name, for use without ComfyUI: the demo model, a diffusers folder, or a single-file checkpoint."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from . import demo
from .libraries import importing
from .network.model import Model

if TYPE_CHECKING:
    from diffusers import AutoencoderKL

SD15 = Path(__file__).parent / "sd15"
"""Configurations of Stable Diffusion 1.5, so that a checkpoint loads without a network connection."""


@dataclass(frozen=True)
class Loaded:
    """A model, its autoencoder, and its text encoder as a function from a prompt to ``(1, tokens, D)``."""

    model: Model
    vae: torch.nn.Module
    encode_text: Callable[[str], Tensor]


def load(
    name: str,
    device: str | torch.device = "cpu",
    dtype: torch.dtype = torch.float32,
    *,
    channels_last: bool = False,
    compiled: bool = False,
) -> Loaded:
    """``name`` is "demo", a folder in diffusers' layout (a text encoder is optional), or a Stable Diffusion 1.x
    checkpoint file. ``dtype`` is the U-Net's; autoencoder, latents and optimisers are float32. ``channels_last`` orders the
    U-Net's weights for convolutions, ``compiled`` compiles its transformer blocks when they first run (minutes).
    Raises ``ValueError`` that says what was expected."""
    loaded = _load(name, device, dtype)
    if channels_last:
        loaded.model.unet.to(memory_format=torch.channels_last)
    if compiled:
        loaded.model.unet.compile_repeated_blocks()
    return loaded


def _load(name: str, device: str | torch.device, dtype: torch.dtype) -> Loaded:
    if name == "demo":
        model, vae = demo.load(device, dtype)
        return Loaded(model, vae, lambda prompt: _no_words(prompt, demo.text(model)))
    path = Path(name)
    if path.is_dir():
        return _folder(path, device, dtype)
    if path.is_file():
        return _checkpoint(path, device, dtype)
    raise ValueError(f"the model {name!r} does not exist; give demo, a diffusers folder or a checkpoint file")


def _no_words(prompt: str, text: Tensor) -> Tensor:
    if prompt:
        raise ValueError("this model has no text encoder; leave the prompt empty")
    return text


def _prepare(unet, vae, device, prediction_type: str) -> tuple[Model, AutoencoderKL]:
    return Model(unet.to(device), prediction_type), vae.to(device).eval().requires_grad_(False)


def _folder(path: Path, device, dtype) -> Loaded:
    for part in ("unet", "vae"):
        if not (path / part / "config.json").is_file():
            raise ValueError(f"{path} is not a diffusers folder: it has no {part}/config.json")
    with importing("diffusers"):
        from diffusers import AutoencoderKL, DDIMScheduler, UNet2DConditionModel
    unet = UNet2DConditionModel.from_pretrained(path / "unet", torch_dtype=dtype)
    vae = AutoencoderKL.from_pretrained(path / "vae", torch_dtype=torch.float32)
    prediction_type = "epsilon"
    if (path / "scheduler").is_dir():
        prediction_type = DDIMScheduler.load_config(path / "scheduler").get("prediction_type", "epsilon")
    model, vae = _prepare(unet, vae, device, prediction_type)
    if not (path / "text_encoder").is_dir():
        empty = torch.zeros(1, 1, unet.config.cross_attention_dim)
        return Loaded(model, vae, lambda prompt: _no_words(prompt, empty))
    with importing("transformers"):
        from transformers import CLIPTextModel, CLIPTokenizer
    encoder = CLIPTextModel.from_pretrained(path / "text_encoder").to(device)
    tokenizer = CLIPTokenizer.from_pretrained(path / "tokenizer")
    return Loaded(model, vae, lambda prompt: _encode(encoder, _tokens(prompt, lambda: tokenizer)))


def _checkpoint(path: Path, device, dtype) -> Loaded:
    with importing("diffusers"):
        from diffusers import AutoencoderKL, UNet2DConditionModel
        from diffusers.loaders.single_file_utils import (
            create_diffusers_clip_model_from_ldm,
            load_single_file_checkpoint,
        )
    with importing("transformers"):
        from transformers import CLIPTextModel
    try:
        checkpoint = load_single_file_checkpoint(str(path), local_files_only=True)
    except Exception as error:
        raise ValueError(f"{path} cannot be read as a checkpoint ({str(error)[:200]})") from None
    probe = checkpoint.get("model.diffusion_model.input_blocks.1.1.transformer_blocks.0.attn2.to_k.weight")
    if probe is None or tuple(probe.shape) != (320, 768):
        raise ValueError(f"{path} is not a Stable Diffusion 1.x checkpoint; SDXL, Flux and others are not supported")
    common = dict(config=str(SD15), local_files_only=True)
    # each converter takes its keys out of the dictionary it is given
    unet = UNet2DConditionModel.from_single_file(dict(checkpoint), subfolder="unet", torch_dtype=dtype, **common)
    vae = AutoencoderKL.from_single_file(dict(checkpoint), subfolder="vae", torch_dtype=torch.float32, **common)
    model, vae = _prepare(unet, vae, device, "epsilon")
    encoder = create_diffusers_clip_model_from_ldm(
        CLIPTextModel, dict(checkpoint), subfolder="text_encoder", torch_dtype=torch.float32, **common
    ).to(device)
    return Loaded(model, vae, lambda prompt: _encode(encoder, _tokens(prompt, _hub_tokenizer)))


def _hub_tokenizer():
    with importing("transformers"):
        from transformers import CLIPTokenizer
    name = "openai/clip-vit-large-patch14"
    try:
        return CLIPTokenizer.from_pretrained(name)
    except Exception:
        raise ValueError(
            f"a prompt needs the tokenizer {name}, which could not be loaded; leave the prompt empty, or use a "
            "diffusers folder that brings its tokenizer"
        ) from None


def _tokens(prompt: str, tokenizer: Callable) -> Tensor:
    """77 token ids; those of the empty prompt are start and end of text, for which no vocabulary is needed."""
    if not prompt:
        return torch.tensor([[49406] + 76 * [49407]])
    return tokenizer()(prompt, padding="max_length", max_length=77, truncation=True, return_tensors="pt").input_ids


@torch.no_grad()
def _encode(encoder, ids: Tensor) -> Tensor:
    return encoder(ids.to(encoder.device))[0]
