"""A full-size checkpoint with random weights in the original single-file layout, of Stable Diffusion 1.5 or of SDXL.

``python tests/slow/random_checkpoint.py COMFYUI_DIR sd15|sdxl FILE.safetensors`` writes it: about 2.1 or 6.9 GB in half precision.
"""

import subprocess
import sys
from pathlib import Path

import torch

SD15 = {
    "use_checkpoint": False, "image_size": 32, "in_channels": 4, "out_channels": 4, "use_spatial_transformer": True,
    "legacy": False, "adm_in_channels": None, "use_temporal_attention": False, "model_channels": 320,
    "num_res_blocks": [2, 2, 2, 2], "channel_mult": [1, 2, 4, 4], "transformer_depth": [1, 1, 1, 1, 1, 1, 0, 0],
    "transformer_depth_output": [1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0], "transformer_depth_middle": 1,
    "use_linear_in_transformer": False, "context_dim": 768, "num_heads": 8, "num_head_channels": -1,
}  # fmt: skip
SDXL = {
    "use_checkpoint": False, "image_size": 32, "in_channels": 4, "out_channels": 4, "use_spatial_transformer": True,
    "legacy": False, "num_classes": "sequential", "adm_in_channels": 2816, "use_temporal_attention": False,
    "model_channels": 320, "num_res_blocks": [2, 2, 2], "channel_mult": [1, 2, 4], "transformer_depth": [0, 0, 2, 2, 10, 10],
    "transformer_depth_output": [0, 0, 0, 2, 2, 2, 10, 10, 10], "transformer_depth_middle": 10,
    "use_linear_in_transformer": True, "context_dim": 2048, "num_heads": -1, "num_head_channels": 64,
}  # fmt: skip
UNETS = {"sd15": SD15, "sdxl": SDXL}
VAE = {
    "double_z": True, "z_channels": 4, "resolution": 256, "in_channels": 3, "out_ch": 3, "ch": 128,
    "ch_mult": [1, 2, 4, 4], "num_res_blocks": 2, "attn_resolutions": [], "dropout": 0.0,
}  # fmt: skip


def kept(comfyui: Path, checkpoints: Path, family: str = "sd15") -> Path:
    """The file in ComfyUI's folder of checkpoints, made by ComfyUI's own classes when it is not there yet."""
    file = checkpoints / f"random_{family}.safetensors"
    if not file.exists():
        part = file.with_suffix(".part.safetensors")
        subprocess.run([sys.executable, __file__, str(comfyui), family, str(part)], check=True)
        part.rename(file)
    return file


def fill(name: str, tensor: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Weights that keep the variance of what passes through; norms that do nothing."""
    if tensor.ndim == 1:
        return torch.full(tensor.shape, 1.0 if name.endswith("weight") else 0.0, dtype=torch.float16)
    fan_in = tensor[0].numel()
    return (torch.randn(tensor.shape, generator=generator) * fan_in**-0.5).half()


def main(comfyui: str, family: str, file: str) -> None:
    sys.path.insert(0, comfyui)
    import comfy.options

    comfy.options.enable_args_parsing(False)
    from comfy.cli_args import args

    args.cpu = True
    import comfy.ops
    import comfy.sd1_clip
    import comfy.sdxl_clip
    import comfy.supported_models
    from comfy.ldm.models.autoencoder import AutoencoderKL
    from comfy.ldm.modules.diffusionmodules.openaimodel import UNetModel
    from safetensors.torch import save_file

    parts = {
        "model.diffusion_model.": UNetModel(**UNETS[family], device="meta", operations=comfy.ops.disable_weight_init),
        "first_stage_model.": AutoencoderKL(ddconfig=VAE, embed_dim=4),
    }
    if family == "sd15":
        parts["cond_stage_model."] = comfy.sd1_clip.SD1ClipModel(device="cpu", dtype=torch.float32).clip_l
    else:
        both = comfy.sdxl_clip.SDXLClipModel(device="cpu", dtype=torch.float16)
        parts |= {"clip_l.": both.clip_l, "clip_g.": both.clip_g}
    generator = torch.Generator().manual_seed(0)
    state = {}
    for prefix, module in parts.items():
        for name, tensor in module.state_dict().items():
            unused = ("logit_scale",) if prefix == "clip_g." else ("logit_scale", "text_projection.weight")
            if tensor.is_floating_point() and not name.endswith(unused):
                state[prefix + name] = fill(name, tensor, generator)
    if family == "sdxl":
        words = {key: state.pop(key) for key in list(state) if key.startswith("clip_")}
        config = comfy.supported_models.SDXL(UNETS[family])
        words = config.process_clip_state_dict_for_saving(words)
        state |= {key: weight.contiguous() for key, weight in words.items()}
    Path(file).parent.mkdir(parents=True, exist_ok=True)
    save_file(state, file)


if __name__ == "__main__":
    main(*sys.argv[1:])
