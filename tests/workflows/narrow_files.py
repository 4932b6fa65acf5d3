"""Writes the files that the example workflows ask for: random weights in the true key layout, narrow.

``python -m tests.workflows.narrow_files COMFYUI_DIR FOLDER``
"""

import sys
from pathlib import Path

import torch

SDXL_V = "sdxl_v.safetensors"


def main(comfyui: str, folder: str) -> None:
    sys.path.insert(0, comfyui)
    import comfy.options

    comfy.options.enable_args_parsing(False)
    from comfy.cli_args import args

    args.cpu = True
    import comfy.ops
    from comfy.cldm.cldm import ControlNet
    from comfy.ldm.models.autoencoder import AutoencoderKL
    from safetensors.torch import save_file
    from spandrel.architectures.ESRGAN.__arch.RRDB import RRDBNet

    from devtools.templates import checkpoints
    from tests.slow.random_checkpoint import VAE, fill
    from tests.workflows.narrow_nodes import narrow_families as families

    narrow, generator = families.narrow, torch.Generator().manual_seed(0)

    def weights(prefix: str, module) -> dict:
        tensors = {k: v for k, v in module.state_dict().items() if v.is_floating_point() and v.ndim}
        return {prefix + k: fill(k, v, generator) for k, v in tensors.items()}

    def save(model: dict, state: dict) -> None:
        path = Path(folder) / model["directory"] / model["name"]
        path.parent.mkdir(parents=True, exist_ok=True)
        save_file({k: v.contiguous() for k, v in state.items()}, path)

    def unet(family: str, prefix: str = "model.diffusion_model.") -> dict:
        return {prefix + k: v for k, v in narrow.state(*narrow.FAMILIES[family]).items()}

    vae = weights("first_stage_model.", AutoencoderKL(ddconfig=VAE, embed_dim=4))
    words = families.SD1Words(device="cpu", dtype=torch.float32)
    save(checkpoints.SD15, unet("SD15") | vae | weights("cond_stage_model.", words.clip_l))
    words = families.SDXLWords(device="cpu", dtype=torch.float32)
    texts = weights("clip_l.", words.clip_l) | weights("clip_g.", words.clip_g)
    texts = families.SDXL(narrow.FAMILIES["SDXL"][1]).process_clip_state_dict_for_saving(texts)
    save(checkpoints.SDXL, unet("SDXL") | vae | texts)
    save({**checkpoints.SDXL, "name": SDXL_V}, unet("SDXL") | vae | texts | {"v_pred": torch.zeros(1)})

    base, shape = narrow.FAMILIES["SD15"]
    config = {"image_size": 32, "in_channels": 4, "hint_channels": 3, "use_spatial_transformer": True, "legacy": False,
              **shape, **base.unet_extra_config, "model_channels": 32, "context_dim": narrow.CONTEXT}  # fmt: skip
    config = {k: v for k, v in config.items() if k != "transformer_depth_output"}
    save(checkpoints.CANNY, weights("", ControlNet(**config, operations=comfy.ops.disable_weight_init)))

    attention = "diffusion_model.input_blocks.1.1.transformer_blocks.0.attn1.to_q"
    low = {f"{attention}.lora_down.weight": torch.randn(4, 32), f"{attention}.lora_up.weight": torch.randn(32, 4)}
    save(checkpoints.DETAIL, low)
    save(checkpoints.ESRGAN, weights("", RRDBNet(num_filters=8, num_blocks=1)))


if __name__ == "__main__":
    main(*sys.argv[1:])
