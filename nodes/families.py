"""What a MODEL is: the U-Nets that can be dragged, and what the others are called."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import comfy.model_base
import comfy.model_sampling
import torch
from comfy.model_patcher import ModelPatcher

from ..gooddrag.libraries import importing
from ..gooddrag.network.family import Family, family_of, refused
from ..gooddrag.network.schedule import SD_SCHEDULE

FAMILIES = {
    "SDXLRefiner": "the refiner of Stable Diffusion XL",
    "SDXL_instructpix2pix": "instruct-pix2pix on Stable Diffusion XL",
    "SD21UnclipL": "unCLIP on Stable Diffusion 2.1",
    "SD21UnclipH": "unCLIP on Stable Diffusion 2.1",
    "SD_X4Upscaler": "the x4 upscaler of Stable Diffusion 2",
    "SVD_img2vid": "Stable Video Diffusion",
    "SV3D_u": "Stable Video 3D",
    "SV3D_p": "Stable Video 3D",
    "Stable_Zero123": "Stable Zero123",
    "SD3": "Stable Diffusion 3",
}
"""What people call the families that look like one that can be dragged; others go by ComfyUI's name."""

CHANNELS = {
    9: "an inpainting checkpoint: its U-Net also takes a mask and the masked picture, 9 channels",
    8: "an instruct-pix2pix checkpoint: its U-Net also takes the picture, 8 channels",
    5: "a depth checkpoint: its U-Net also takes a depth map, 5 channels",
}


def _what(model: ModelPatcher, config: dict) -> str:
    """In words, what a MODEL is that cannot be dragged."""
    given = getattr(model.model, "model_config", None)
    family = type(given if given is not None else model.model).__name__
    channels = config.get("in_channels")
    if family in FAMILIES:
        return f"{FAMILIES[family]} (family {family})"
    if "context_dim" in config and channels in CHANNELS:
        return f"{CHANNELS[channels]} instead of 4 (family {family})"
    if config.get("use_temporal_attention"):
        return f"a video model (family {family})"
    return f"of the family {family}"


def _blocks(counts: Iterable[int], layers: Sequence[int]) -> tuple[int | tuple[int, ...], ...]:
    """Transformer blocks in each layer, in the order of ``counts``, as diffusers wants them for each of its blocks: one number, or
    one for each of its ``layers`` where they differ."""
    rest = iter(counts)
    rows = [tuple(next(rest) for _ in range(n)) for n in layers]
    return tuple(row[0] if len(set(row)) == 1 else row for row in rows)


def _translated(model: ModelPatcher, theirs: dict) -> dict | None:
    """diffusers' configuration of ComfyUI's ``theirs``; None for what is no ``UNet2DConditionModel``."""
    if "num_res_blocks" not in theirs or theirs.get("context_dim") is None or theirs.get("use_temporal_attention"):
        return None
    channels = [theirs["model_channels"] * m for m in theirs["channel_mult"]]
    layers, per_head = list(theirs["num_res_blocks"]), theirs.get("num_head_channels", -1)
    down = _blocks(theirs["transformer_depth"], layers)
    up = _blocks(reversed(theirs["transformer_depth_output"]), [n + 1 for n in reversed(layers)])
    middle, deepest = theirs.get("transformer_depth_middle", 1), down[-1] if isinstance(down[-1], int) else down[-1][0]
    if min(middle, deepest) > 0 and middle != deepest:
        return None  # diffusers has one number for both
    config = dict(
        in_channels=theirs["in_channels"],
        out_channels=theirs.get("out_channels", 4),
        block_out_channels=tuple(channels),
        layers_per_block=tuple(layers),
        attention_head_dim=tuple(c // per_head for c in channels) if per_head > 0 else theirs["num_heads"],
        cross_attention_dim=theirs["context_dim"],
        use_linear_projection=bool(theirs.get("use_linear_in_transformer")),
        upcast_attention=theirs.get("attn_precision") == torch.float32,
        down_block_types=tuple("CrossAttnDownBlock2D" if blocks else "DownBlock2D" for blocks in down),
        up_block_types=tuple("CrossAttnUpBlock2D" if blocks else "UpBlock2D" for blocks in up),
        mid_block_type={-1: "UNetMidBlock2D", -2: None}.get(middle, "UNetMidBlock2DCrossAttn"),
    )
    # a block without attention has a number all the same
    down = (*(blocks or 1 for blocks in down[:-1]), down[-1] or max(middle, 1))
    if set(down) != {1} or set(up) > {0, 1}:
        config["transformer_layers_per_block"] = down
        config["reverse_transformer_layers_per_block"] = tuple(blocks or 1 for blocks in up)
    if theirs.get("adm_in_channels") is not None:
        config["projection_class_embeddings_input_dim"] = theirs["adm_in_channels"]
        if isinstance(model.model, (comfy.model_base.SDXL, comfy.model_base.SDXLRefiner)):
            config.update(addition_embed_type="text_time", addition_time_embed_dim=256)
        else:
            config["class_embed_type"] = "projection"
    elif theirs.get("num_classes") is not None:
        config["num_class_embeds"] = theirs["num_classes"]
    return config


def unet_config(model: ModelPatcher) -> dict:
    """diffusers' configuration of a MODEL's U-Net. Raises ``ValueError`` that names a family that is not supported."""
    if model is None:
        raise ValueError(
            "`model` is None: the node that it comes from found none in its file; connect a checkpoint loader"
        )
    theirs = getattr(getattr(model.model, "model_config", None), "unet_config", {})
    config = _translated(model, theirs)
    if config is None or refused(config):
        raise ValueError(
            f"`model` is {_what(model, theirs)}, which GoodDrag cannot drag; connect an ordinary Stable Diffusion 1.x, 2.x or "
            "SDXL checkpoint, with 4 channels, to `model`"
        )
    return config


def family(model: ModelPatcher) -> Family:
    """The family of a MODEL. Raises ``ValueError`` for one that is not supported."""
    return family_of(unet_config(model))


def _kind(sampling) -> str:
    """In words, what a MODEL predicts if it is neither epsilon nor v."""
    kinds = comfy.model_sampling
    words = {
        kinds.EDM: "EDM (continuous noise levels, v prediction)",
        kinds.X0: "x0 prediction",
        kinds.CONST: "rectified flow",
    }
    found = next((word for kind, word in words.items() if isinstance(sampling, kind)), None)
    return found or " ".join(base.__name__ for base in type(sampling).__mro__[:3])


def prediction_type(model: ModelPatcher) -> str:
    """What the MODEL predicts, "epsilon" or "v_prediction". Raises ``ValueError`` when it is something else or when its noise
    schedule is not that of Stable Diffusion."""
    sampling = model.get_model_object("model_sampling")
    kinds = comfy.model_sampling
    if isinstance(sampling, kinds.V_PREDICTION) and not isinstance(sampling, kinds.EDM):
        predicts = "v_prediction"
    elif isinstance(sampling, kinds.EPS) and not isinstance(sampling, (kinds.X0, kinds.EDM)):
        predicts = "epsilon"
    else:
        raise ValueError(
            f"`model` is sampled as {_kind(sampling)}; GoodDrag needs epsilon or v prediction. Remove the ModelSampling node in "
            "front of `model`, or use another checkpoint"
        )
    with importing("diffusers"):
        from diffusers import DDIMScheduler
    alphas = DDIMScheduler(**SD_SCHEDULE).alphas_cumprod
    expected = ((1 - alphas) / alphas).sqrt()
    sigmas = getattr(sampling, "sigmas", torch.empty(0)).cpu().float()
    if sigmas.shape != expected.shape or not torch.allclose(sigmas, expected, rtol=0.02):
        largest = f"up to sigma {sigmas.max():.4g}" if sigmas.numel() else "without fixed steps"
        if getattr(sampling, "zsnr", False):
            what = f"has zero terminal SNR (noise {largest})"
        else:
            what = f"has {sigmas.numel()} noise levels {largest}" if sigmas.numel() else f"has noise levels {largest}"
        raise ValueError(
            f"`model` {what}, not the schedule of Stable Diffusion (1000 levels up to sigma {expected.max():.4g}), which "
            "GoodDrag inverts with. Remove the ModelSampling node in front of `model`, or use another checkpoint"
        )
    return predicts
