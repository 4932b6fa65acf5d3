"""What a MODEL is: the U-Nets that can be dragged, and what the others are called."""

from __future__ import annotations

import comfy.model_sampling
import torch
from comfy.model_patcher import ModelPatcher

from ..gooddrag.libraries import importing
from ..gooddrag.network.schedule import SD_SCHEDULE


def _family(model: ModelPatcher) -> str:
    config = getattr(model.model, "model_config", None)
    return type(config if config is not None else model.model).__name__


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
            f"the MODEL is of the family {_family(model)}, which GoodDrag cannot drag: connect a Stable Diffusion 1.x "
            "or 2.x checkpoint (not an inpainting, pix2pix, SDXL, SD3 or Flux model) to `model`"
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


def prediction_type(model: ModelPatcher) -> str:
    sampling = model.get_model_object("model_sampling")
    kinds = comfy.model_sampling
    name = type(sampling).__name__
    if isinstance(sampling, kinds.V_PREDICTION) and not isinstance(sampling, kinds.EDM):
        predicts = "v_prediction"
    elif isinstance(sampling, kinds.EPS) and not isinstance(sampling, (kinds.X0, kinds.EDM)):
        predicts = "epsilon"
    else:
        raise ValueError(
            f"the MODEL is sampled as {name}; GoodDrag needs epsilon or v prediction. Remove the ModelSampling node in "
            "front of `model`"
        )
    with importing("diffusers"):
        from diffusers import DDIMScheduler
    alphas = DDIMScheduler(**SD_SCHEDULE).alphas_cumprod
    expected = ((1 - alphas) / alphas).sqrt()
    sigmas = getattr(sampling, "sigmas", torch.empty(0)).cpu().float()
    if sigmas.shape != expected.shape or not torch.allclose(sigmas, expected, rtol=0.02):
        raise ValueError(
            "the MODEL has another noise schedule than Stable Diffusion 1.x (a zero terminal SNR or a ModelSampling node); "
            "GoodDrag cannot invert with it. Use a checkpoint with the usual schedule"
        )
    return predicts
