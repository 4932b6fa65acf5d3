"""Narrow U-Nets of every family in the key layout of its checkpoints, read by ComfyUI's own loader.

ComfyUI detects a family by widths, so each narrow one is a subclass of its family with other widths; everything else, also
which samplings a checkpoint asks for, is ComfyUI's.
"""

import comfy.cldm.cldm
import comfy.controlnet
import comfy.ops
import comfy.samplers
import comfy.sd
import comfy.supported_models as supported
import comfy.t2i_adapter.adapter
import torch
from comfy.ldm.modules.diffusionmodules.openaimodel import UNetModel
from comfy.model_management import load_models_gpu
from comfy.sampler_helpers import convert_cond
from safetensors.torch import save_file

CONTEXT, POOLED = 24, 20
ADM = POOLED + 6 * 256

SD = dict(channel_mult=[1, 2, 4, 4], num_res_blocks=[2] * 4, transformer_depth=[1, 1, 1, 1, 1, 1, 0, 0],
          transformer_depth_output=[1] * 9 + [0] * 3, transformer_depth_middle=1)  # fmt: skip
XL = dict(channel_mult=[1, 2, 4], num_res_blocks=[2] * 3, adm_in_channels=ADM, num_classes="sequential")
KOALA = dict(XL, num_res_blocks=[1] * 3)


def depths(down, up, middle):
    return dict(transformer_depth=down, transformer_depth_output=up, transformer_depth_middle=middle)


FAMILIES = {
    "SD15": (supported.SD15, SD),
    "SD20": (supported.SD20, SD),
    "SD21-v": (supported.SD20, SD),
    "SDXL": (supported.SDXL, {**XL, **depths([0, 0, 1, 1, 3, 3], [0, 0, 0, 1, 1, 1, 3, 3, 3], 3)}),
    "SDXL-v": (supported.SDXL, {**XL, **depths([0, 0, 1, 1, 3, 3], [0, 0, 0, 1, 1, 1, 3, 3, 3], 3)}),
    "SSD1B": (supported.SSD1B, {**XL, **depths([0, 0, 2, 2, 4, 4], [0, 0, 0, 1, 1, 2, 5, 4, 4], -1)}),
    "Segmind_Vega": (supported.Segmind_Vega, {**XL, **depths([0, 0, 1, 1, 2, 2], [0, 0, 0, 1, 1, 1, 2, 2, 2], -1)}),
    "KOALA_700M": (supported.KOALA_700M, {**KOALA, **depths([0, 2, 5], [0, 0, 2, 2, 5, 5], -2)}),
    "KOALA_1B": (supported.KOALA_1B, {**KOALA, **depths([0, 2, 6], [0, 0, 2, 2, 6, 6], 6)}),
}
"""By name: ComfyUI's class and the shape of its U-Net; of the deep ones fewer transformers in a row, in the same places."""

OTHERS = {
    "refiner": (
        supported.SDXLRefiner,
        dict(SD, adm_in_channels=POOLED + 5 * 256, num_classes="sequential")
        | depths([0, 0, 2, 2, 2, 2, 0, 0], [0, 0, 0, 2, 2, 2, 2, 2, 2, 0, 0, 0], 2),
    ),
    "SDXL inpainting": (supported.SDXL, {**FAMILIES["SDXL"][1], "in_channels": 9}),
    "SDXL instruct": (supported.SDXL_instructpix2pix, {**FAMILIES["SDXL"][1], "in_channels": 8}),
    "SD15 inpainting": (supported.SD15, {**SD, "in_channels": 9}),
    "SD15 instruct": (supported.SD15_instructpix2pix, {**SD, "in_channels": 8}),
    "SD21 unCLIP": (supported.SD21UnclipL, dict(SD, adm_in_channels=1536, num_classes="sequential")),
}
"""What is refused."""


def detected(base: type, shape: dict) -> type:
    """``base`` as ComfyUI detects it when it is narrow."""
    widths = {"model_channels": 32, "context_dim": CONTEXT}
    for name in ("adm_in_channels", "transformer_depth"):
        if name in base.unet_config and name in shape:
            widths[name] = shape[name]
    extra = dict(base.unet_extra_config)
    if extra["num_head_channels"] > 0:
        extra["num_head_channels"] = 16
    return type(base.__name__, (base,), {"unet_config": {**base.unet_config, **widths}, "unet_extra_config": extra})


def state(family: type, shape: dict, *, v_prediction: bool = False) -> dict:
    """Random weights, ``v_prediction`` with the sign by which ComfyUI knows SD2.1."""
    config = {
        "image_size": 32, "in_channels": 4, "out_channels": 4, "use_spatial_transformer": True, "legacy": False,
        "use_checkpoint": False, **shape, **family.unet_extra_config, "context_dim": CONTEXT, "model_channels": 32,
        "use_linear_in_transformer": family.unet_config["use_linear_in_transformer"],
    }  # fmt: skip
    config = {k: v for k, v in config.items() if v is not None}
    if "num_heads" in shape:
        config["num_heads"] = shape["num_heads"]
    with torch.inference_mode(False):
        unet, generator = (
            UNetModel(**config, operations=comfy.ops.disable_weight_init),
            torch.Generator().manual_seed(5),
        )
        result = {}
        for name, weight in unet.state_dict().items():
            if weight.ndim > 1:
                result[name] = torch.randn(weight.shape, generator=generator) * weight[0].numel() ** -0.5
            else:
                result[name] = torch.randn(weight.shape, generator=generator) * 0.02 + name.endswith("weight")
    if v_prediction:
        key = "output_blocks.11.1.transformer_blocks.0.norm1.bias"
        result[key] = torch.linspace(-1, 1, 32)
    return result


def load(monkeypatch, path, name: str, **more):
    """The MODEL of a family, through a file and ComfyUI's loader of diffusion models; ``more`` tensors are added to the file."""
    base, shape = {**FAMILIES, **OTHERS}[name]
    family = detected(base, shape)
    monkeypatch.setattr(supported, "models", [family, *supported.models])
    tensors = state(family, shape, v_prediction=name == "SD21-v")
    if name == "SDXL-v":
        more["v_pred"] = torch.zeros(1)
    save_file({k: v.contiguous() for k, v in {**tensors, **more}.items()}, path)
    return comfy.sd.load_diffusion_model(str(path))


def conditioning(name: str, seed: int = 1, **more) -> list:
    generator = torch.Generator().manual_seed(seed)
    text = torch.randn(1, 7, CONTEXT, generator=generator)
    pooled = (
        {}
        if name.startswith("SD1") or name.startswith("SD2")
        else {"pooled_output": torch.randn(1, POOLED, generator=generator)}
    )
    return [[text, {**pooled, **more}]]


def predicted(model, z, t, positive):
    """What ComfyUI predicts of a latent at a timestep under a CONDITIONING, in the kind that the model predicts."""
    load_models_gpu([model], force_full_load=True)
    model.pre_run()
    sampling = model.get_model_object("model_sampling")
    sigma = sampling.sigma(torch.tensor([float(t)])).to(z)
    kept, noise = 1 / (1 + sigma**2).sqrt(), sigma / (1 + sigma**2).sqrt()
    x = z / kept
    with torch.inference_mode():
        conds = {"positive": convert_cond(positive)}
        conds = comfy.samplers.process_conds(model.model, x, conds, x.device)
        (denoised,) = comfy.samplers.calc_cond_batch(model.model, [conds["positive"]], x, sigma, model.model_options)
    epsilon = (x - denoised) / sigma
    v_prediction = model.model.model_type.name == "V_PREDICTION"
    return ((epsilon - noise * z) / kept if v_prediction else epsilon).clone()


def controlnet(name: str, seed: int = 8):
    """A ControlNet for a family that ``load`` has loaded, with random weights, through ComfyUI's loader."""
    base, shape = FAMILIES[name]
    family = detected(base, shape)
    config = {
        "image_size": 32, "in_channels": 4, "use_spatial_transformer": True, "legacy": False, "use_checkpoint": False,
        **{k: v for k, v in shape.items() if k != "transformer_depth_output"}, **family.unet_extra_config,
        "context_dim": CONTEXT, "model_channels": 32, "hint_channels": 3,
        "use_linear_in_transformer": family.unet_config["use_linear_in_transformer"],
    }  # fmt: skip
    with torch.inference_mode(False):
        net = comfy.cldm.cldm.ControlNet(
            **{k: v for k, v in config.items() if v is not None}, operations=comfy.ops.disable_weight_init
        )
        generator = torch.Generator().manual_seed(seed)
        tensors = {
            name: torch.randn(w.shape, generator=generator) * (w[0].numel() ** -0.5 if w.ndim > 1 else 0.02)
            + (w.ndim == 1 and name.endswith("weight"))
            for name, w in net.state_dict().items()
        }
    return comfy.controlnet.load_controlnet_state_dict(tensors)


def adapter(name: str, seed: int = 9):
    """A T2I-Adapter, likewise; SDXL's has another layout."""
    xl = name.startswith("SDXL")
    with torch.inference_mode(False):
        net = comfy.t2i_adapter.adapter.Adapter(
            cin=768 if xl else 192, channels=[32, 64, 128, 128], nums_rb=2, ksize=1, sk=True, use_conv=False, xl=xl
        )
        generator = torch.Generator().manual_seed(seed)
        tensors = {
            name: torch.randn(w.shape, generator=generator) * (w[0].numel() ** -0.5 if w.ndim > 1 else 0.02)
            for name, w in net.state_dict().items()
        }
    return comfy.controlnet.load_controlnet_state_dict(tensors)
