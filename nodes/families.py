"""What a MODEL is: the U-Nets that can be dragged, and what the others are called."""

from __future__ import annotations

import comfy.model_sampling
import torch
from comfy.model_patcher import ModelPatcher

from ..gooddrag.libraries import importing
from ..gooddrag.network.schedule import SD_SCHEDULE

FAMILIES = {
    "SDXL": "Stable Diffusion XL",
    "SDXLRefiner": "the refiner of Stable Diffusion XL",
    "SDXL_instructpix2pix": "instruct-pix2pix on Stable Diffusion XL",
    "SSD1B": "SSD-1B, a smaller Stable Diffusion XL",
    "Segmind_Vega": "Segmind Vega, a smaller Stable Diffusion XL",
    "KOALA_700M": "KOALA, a smaller Stable Diffusion XL",
    "KOALA_1B": "KOALA, a smaller Stable Diffusion XL",
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


def unet_config(model: ModelPatcher) -> dict:
    """diffusers' configuration of a MODEL's U-Net. Raises ``ValueError`` that names a family that is not supported."""
    config = getattr(getattr(model.model, "model_config", None), "unet_config", {})
    plain = (
        "num_res_blocks" in config
        and config.get("context_dim") is not None
        and config.get("adm_in_channels") is None
        and not config.get("use_temporal_attention")
        and config.get("in_channels") == 4
        and config.get("out_channels", 4) == 4
        and set(config.get("transformer_depth", ())) <= {0, 1}
    )
    if not plain:
        raise ValueError(
            f"`model` is {_what(model, config)}, which GoodDrag cannot drag; connect an ordinary Stable Diffusion 1.x or 2.x "
            "checkpoint, with 4 channels, to `model`"
        )
    channels = [config["model_channels"] * m for m in config["channel_mult"]]
    layers = list(config["num_res_blocks"])
    per_head = config.get("num_head_channels", -1)
    heads = [c // per_head for c in channels] if per_head > 0 else config["num_heads"]
    depth = iter(config["transformer_depth"])
    attention = [sum(next(depth) for _ in range(n)) > 0 for n in layers]
    return dict(
        in_channels=4,
        out_channels=4,
        block_out_channels=tuple(channels),
        layers_per_block=tuple(layers),
        attention_head_dim=tuple(heads) if isinstance(heads, list) else heads,
        cross_attention_dim=config["context_dim"],
        use_linear_projection=bool(config.get("use_linear_in_transformer")),
        upcast_attention=config.get("attn_precision") == torch.float32,
        down_block_types=tuple("CrossAttnDownBlock2D" if a else "DownBlock2D" for a in attention),
        up_block_types=tuple("CrossAttnUpBlock2D" if a else "UpBlock2D" for a in reversed(attention)),
    )


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
    schedule is not that of Stable Diffusion 1.x."""
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
            f"`model` {what}, not the schedule of Stable Diffusion 1.x (1000 levels up to sigma {expected.max():.4g}), which "
            "GoodDrag inverts with. Remove the ModelSampling node in front of `model`, or use another checkpoint"
        )
    return predicts
