"""Models by name, for use without ComfyUI: the demo model, a diffusers folder, or a single-file checkpoint."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from .. import demo
from ..libraries import importing
from ..network.family import FAMILIES, SUPPORTED, Family, refused
from ..network.model import Model
from ..network.schedule import prediction_type_of
from . import encoders
from .encoders import Encode, Encoder

if TYPE_CHECKING:
    from diffusers import AutoencoderKL

SD15, SDXL = (Path(__file__).parent.parent / name for name in ("sd15", "sdxl"))
"""Configurations, so that a checkpoint loads without a network connection. Of SDXL only what differs: its autoencoder has
another scale and the first of its text encoders is the same."""

LDM = "model.diffusion_model."
"""What the keys of the U-Net begin with in a checkpoint file."""


@dataclass(frozen=True)
class Loaded:
    """A model, its autoencoder, and its text encoders as a function of a prompt and the picture's (width, height)."""

    model: Model
    vae: torch.nn.Module
    encode_text: Encode


def load(
    name: str,
    device: str | torch.device = "cpu",
    dtype: torch.dtype = torch.float32,
    *,
    channels_last: bool = False,
    compiled: bool = False,
) -> Loaded:
    """``name`` is "demo", a folder in diffusers' layout (text encoders are optional), or a Stable Diffusion 1.x
    or SDXL checkpoint file. ``dtype`` is the U-Net's; autoencoder, latents and optimisers are float32. ``channels_last`` orders the
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
        return Loaded(model, vae, encoders.none(model.unet))
    path = Path(name)
    if path.is_dir():
        return _folder(path, device, dtype)
    if path.is_file():
        return _checkpoint(path, device, dtype)
    raise ValueError(f"the model {name[:200]!r} does not exist; give demo, a diffusers folder or a checkpoint file")


def _prepare(unet, vae, device, prediction_type: str) -> tuple[Model, AutoencoderKL]:
    return Model(unet.to(device), prediction_type), vae.to(device).eval().requires_grad_(False)


def _folder(path: Path, device, dtype) -> Loaded:
    for part in ("unet", "vae"):
        if not (path / part / "config.json").is_file():
            raise ValueError(f"{path} is not a diffusers folder: it has no {part}/config.json")
    with importing("diffusers"):
        from diffusers import AutoencoderKL, DDIMScheduler, UNet2DConditionModel
    if what := refused(UNet2DConditionModel.load_config(path / "unet")):
        raise ValueError(f"{path} is {what}, which GoodDrag cannot drag; use {SUPPORTED}")
    unet = UNet2DConditionModel.from_pretrained(path / "unet", torch_dtype=dtype)
    vae = AutoencoderKL.from_pretrained(path / "vae", torch_dtype=torch.float32)
    scheduler = DDIMScheduler.load_config(path / "scheduler") if (path / "scheduler").is_dir() else {}
    model, vae = _prepare(unet, vae, device, prediction_type_of(scheduler))
    if not (path / "text_encoder").is_dir():
        return Loaded(model, vae, encoders.none(unet))
    with importing("transformers"):
        from transformers import CLIPTextModel, CLIPTextModelWithProjection, CLIPTokenizer

    def encoder(cls, number: str) -> Encoder:
        tokenizer = CLIPTokenizer.from_pretrained(path / f"tokenizer{number}")
        words = cls.from_pretrained(path / f"text_encoder{number}").to(torch.float32)
        return Encoder(words, lambda: tokenizer, device, tokenizer.pad_token_id)

    first = encoder(CLIPTextModel, "")
    if not model.family.added:
        return Loaded(model, vae, encoders.one(first))
    return Loaded(model, vae, encoders.two(unet, first, encoder(CLIPTextModelWithProjection, "_2")))


def _family(path: Path, checkpoint: Mapping) -> Family:
    """Of a checkpoint file. Raises ``ValueError`` that says what else it is."""

    def shape(key: str, *rest: int) -> tuple[int, ...] | None:
        weight = checkpoint.get(LDM + key)
        return None if weight is None else tuple(weight.shape)

    sd1, _, sdxl = FAMILIES
    first, added = shape("input_blocks.0.0.weight"), shape("label_emb.0.0.weight")
    words = shape("input_blocks.1.1.transformer_blocks.0.attn2.to_k.weight")
    what = "none of the checkpoints that GoodDrag drags"
    if first is not None:
        config = {"in_channels": first[1], "block_out_channels": (320, 640, 1280), "addition_embed_type": "text_time"}
        if first[1] != 4:
            what = refused(config)
        elif added is not None and added[1] == 2560:
            what = "the SDXL refiner"
        elif words == (320, 1024):
            what = (
                "of Stable Diffusion 2.x, whose files do not say what the U-Net predicts: give it as a diffusers folder"
            )
        elif added is None and words == (320, 768):
            return sd1
        elif added == (1280, 2816) and shape("input_blocks.8.1.transformer_blocks.9.norm1.weight"):
            if "edm_mean" in checkpoint or "edm_vpred.sigma_max" in checkpoint:
                what = "trained in the EDM way"
            elif "ztsnr" in checkpoint:
                what = "trained with zero terminal SNR"
            else:
                return sdxl
        elif added == (1280, 2816):
            what = "a distilled SDXL: give it as a diffusers folder"
    raise ValueError(f"{path} is {what}; use {SUPPORTED} (a file of 1.x or SDXL, or a folder in diffusers' layout)")


def _checkpoint(path: Path, device, dtype) -> Loaded:
    with importing("diffusers"):
        from diffusers import AutoencoderKL, UNet2DConditionModel
        from diffusers.loaders.single_file_utils import (
            create_diffusers_clip_model_from_ldm,
            load_single_file_checkpoint,
        )
    with importing("transformers"):
        from transformers import CLIPTextModel, CLIPTextModelWithProjection
    try:
        checkpoint = load_single_file_checkpoint(str(path), local_files_only=True)
    except Exception as error:
        raise ValueError(f"{path} cannot be read as a checkpoint ({str(error)[:200]})") from None
    family = _family(path, checkpoint)

    def part(subfolder: str, dtype, folder: Path = SD15) -> dict:
        return dict(config=str(folder), subfolder=subfolder, torch_dtype=dtype, local_files_only=True)

    # each converter takes its keys out of the dictionary it is given
    unet = UNet2DConditionModel.from_single_file(
        dict(checkpoint), **part("unet", dtype, SDXL if family.added else SD15)
    )
    vae = AutoencoderKL.from_single_file(dict(checkpoint), **part("vae", torch.float32))
    vae.register_to_config(scaling_factor=family.latent_scale)
    model, vae = _prepare(unet, vae, device, "v_prediction" if "v_pred" in checkpoint else "epsilon")

    def words(cls, subfolder: str, folder: Path):
        how = part(subfolder, torch.float32, folder)
        return create_diffusers_clip_model_from_ldm(cls, dict(checkpoint), **how)

    first = Encoder(words(CLIPTextModel, "text_encoder", SD15), encoders.hub_tokenizer, device)
    if not family.added:
        return Loaded(model, vae, encoders.one(first))
    second = words(CLIPTextModelWithProjection, "text_encoder_2", SDXL)
    return Loaded(model, vae, encoders.two(unet, first, Encoder(second, encoders.hub_tokenizer, device, pad=0)))
