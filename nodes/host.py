"""The one place that touches ComfyUI's runtime: models, devices, conversions, progress and cancelling."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import comfy.model_management
import comfy.model_sampling
import comfy.sd
import comfy.utils
import folder_paths
import latent_preview
import numpy as np
import torch
from comfy.model_patcher import ModelPatcher
from comfy_api.v0_0_2 import io, ui
from PIL import Image
from torch import Tensor

from ..gooddrag.config import CHECKPOINTING
from ..gooddrag.libraries import importing
from ..gooddrag.method.lora import LoRA
from ..gooddrag.network.model import Model
from ..gooddrag.network.schedule import SD_SCHEDULE
from ..gooddrag.picture.geometry import DragPoints, crop, pad
from ..gooddrag.progress import Progress
from . import notices

if TYPE_CHECKING:
    from diffusers import UNet2DConditionModel

log = logging.getLogger("GoodDrag")

PREFIX = "diffusion_model."

SIZE = "gooddrag_size"
"""Key of a LATENT under which this pack keeps the picture's (width, height) before padding."""


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


def _prediction_type(model: ModelPatcher) -> str:
    sampling = model.get_model_object("model_sampling")
    kinds = comfy.model_sampling
    name = type(sampling).__name__
    if isinstance(sampling, kinds.V_PREDICTION) and not isinstance(sampling, kinds.EDM):
        prediction_type = "v_prediction"
    elif isinstance(sampling, kinds.EPS) and not isinstance(sampling, (kinds.X0, kinds.EDM)):
        prediction_type = "epsilon"
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
    return prediction_type


def _weights(model: ModelPatcher) -> dict[str, Tensor]:
    """The U-Net's weights under diffusers' names: views of ComfyUI's memory, copies only where that is not possible
    (offloaded, quantised, or of a type that is cast on use)."""
    device = model.load_device
    dtype = model.model.get_dtype_inference()
    names = comfy.utils.unet_to_diffusers(model.model.model_config.unet_config)
    own = model.model.state_dict()
    result, copied = {}, 0
    for name, original in names.items():
        key = PREFIX + original
        if key not in own:
            continue
        weight = own[key]
        lent = weight.device == device and weight.dtype == dtype and type(weight) in (Tensor, torch.nn.Parameter)
        if not lent or getattr(model.model, "model_lowvram", False):
            weight = model.patch_weight_to_device(key, device_to=device, return_weight=True).to(device, dtype)
            copied += 1
        view = torch.empty(0, dtype=weight.dtype, device=weight.device)
        result[name] = view.set_(weight.untyped_storage(), weight.storage_offset(), weight.shape, weight.stride())
    if copied:
        log.info("GoodDrag: %d of %d weights had to be copied to be used for gradients", copied, len(result))
    return result


def checkpointing_input() -> io.Combo.Input:
    return io.Combo.Input(
        "checkpointing",
        options=list(CHECKPOINTING),
        default="auto",
        tooltip="Gradient checkpointing: less than half of the memory for about a third more time. auto looks at what is free.",
        advanced=True,
    )


@contextmanager
def diffusers_model(
    model: ModelPatcher,
    latent_shape: tuple[int, ...],
    *,
    gradients: Callable[[UNet2DConditionModel], int] | None = None,
) -> Iterator[Model]:
    """While active: the MODEL, with the LoRAs that are on it, as a diffusers U-Net over the same weights, and autograd
    switched on. ComfyUI makes room for the weights, a forward pass at ``latent_shape``, and as many bytes as ``gradients``
    says that the U-Net needs for them."""
    with importing("diffusers"):
        from diffusers import UNet2DConditionModel
    config, prediction_type = unet_config(model), _prediction_type(model)
    if model.is_dynamic():
        model = model.clone(disable_dynamic=True)
    needed = model.memory_required(list(latent_shape))
    with torch.device("meta"):
        unet = UNet2DConditionModel(**config)
    if gradients:
        torch.nn.Module.to(unet, model.model.get_dtype_inference())
        needed += gradients(unet)
    comfy.model_management.load_models_gpu([model], memory_required=needed, force_full_load=True)
    with torch.inference_mode(False):
        unet.load_state_dict(_weights(model), strict=True, assign=True)
        yield Model(unet, prediction_type)


def encode(vae, image: Tensor) -> Tensor:
    """The VAE's unscaled latent of ``image`` ``(1, H, W, 3)`` in 0..1, padded to multiples of 8 by reflection."""
    return vae.encode(pad(image.movedim(-1, 1)).movedim(1, -1))


def decode(vae, samples: Tensor, size: tuple[int, int]) -> Tensor:
    """Pictures ``(b, height, width, 3)`` in 0..1 of unscaled latents, cropped to ``size`` (width, height)."""
    return crop(vae.decode(samples).movedim(-1, 1), *size).movedim(1, -1)


def to_pillow(image: Tensor) -> Image.Image:
    """The first picture of an IMAGE ``(b, H, W, 3)``."""
    return Image.fromarray((image[0].clamp(0, 1) * 255).round().byte().cpu().numpy())


def to_pillow_list(images: Tensor) -> list[Image.Image]:
    """All pictures of an IMAGE."""
    return [to_pillow(image[None]) for image in images]


def to_images(pictures: list[Image.Image]) -> Tensor:
    """An IMAGE of pictures of one size."""
    return torch.stack([torch.from_numpy(np.array(p)).float() / 255 for p in pictures])


def temporary(image: Tensor, cls: type) -> dict:
    """A picture for the page: where it can be fetched from."""
    return dict(ui.PreviewImage(image, cls=cls).values[0])


def temporary_shade(mask: Tensor, cls: type) -> dict:
    """A mask ``(H, W)`` for the page: black, and transparent where the mask is white."""
    black = torch.zeros(1, *mask.shape, 3)
    return temporary(torch.cat([black, 1 - mask[None, ..., None].float().clamp(0, 1)], dim=-1), cls)


def to_model(model: ModelPatcher, samples: Tensor) -> Tensor:
    """A LATENT's unscaled samples in the model's scaling, on its device, as ordinary tensors for autograd."""
    with torch.inference_mode(False):
        return model.model.process_latent_in(samples.clone().float()).to(model.load_device)


def plain(tensor: Tensor | None) -> Tensor | None:
    """A copy that autograd may use; ComfyUI makes its tensors in inference mode."""
    with torch.inference_mode(False):
        return None if tensor is None else tensor.clone()


def from_model(model: ModelPatcher, z: Tensor) -> Tensor:
    """The way back."""
    return model.model.process_latent_out(z).to(comfy.model_management.intermediate_device())


def one_drag(points, name: str) -> DragPoints:
    """The points of an input that takes one drag only."""
    if not isinstance(points, DragPoints):
        raise ValueError(
            f"`{name}` holds {len(points)} variants of a drag; connect the points from before GoodDrag Variants"
        )
    return points


def one_picture(image: Tensor, name: str = "image") -> Tensor:
    """``(1, H, W, 3)`` of an IMAGE, which must hold one picture; an alpha channel is left away."""
    if image.shape[0] != 1:
        raise ValueError(
            f"`{name}` holds {image.shape[0]} pictures; GoodDrag edits one at a time, so take one with ImageFromBatch"
        )
    if image.shape[-1] == 4:
        notices.tell(f"The transparency of `{name}` is ignored.")
    return image[..., :3]


def one_mask(mask: Tensor | None, size: tuple[int, int]) -> Tensor | None:
    """A MASK as ``(H, W)``, resized to ``size`` (width, height) by nearest neighbour if it has another size."""
    if mask is None:
        return None
    if mask.ndim == 3:
        if mask.shape[0] != 1:
            raise ValueError(f"`mask` holds {mask.shape[0]} masks; connect one")
        mask = mask[0]
    if tuple(mask.shape) != (size[1], size[0]):
        notices.tell(
            f"The mask is {mask.shape[1]}x{mask.shape[0]} and was resized to the picture's {size[0]}x{size[1]}."
        )
        mask = torch.nn.functional.interpolate(mask[None, None].float(), (size[1], size[0]), mode="nearest")[0, 0]
    return mask


def text_of(conditioning: list, name: str = "positive") -> Tensor:
    """The text embedding ``(1, tokens, D)`` of a CONDITIONING; what else it carries is named and left away."""
    if not conditioning:
        raise ValueError(f"`{name}` is empty; connect a CLIPTextEncode, its text may be empty")
    text, options = conditioning[0]
    ignored = sorted({"control", "area", "mask", "gligen"} & set(options))
    if len(conditioning) > 1:
        ignored.append(f"{len(conditioning) - 1} further prompt{'s' if len(conditioning) > 2 else ''}")
    if ignored:
        notices.tell(f"`{name}` carries {', '.join(ignored)}, which dragging ignores.")
    return plain(text[:1])


def callback(model: ModelPatcher) -> Callable[[Progress], None]:
    """Progress bar, live preview as ComfyUI is set to show it, and cancelling, for the engine's functions."""
    previewer = latent_preview.get_previewer(model.load_device, model.model.latent_format)
    bar: comfy.utils.ProgressBar | None = None

    def report(progress: Progress) -> None:
        nonlocal bar
        comfy.model_management.throw_exception_if_processing_interrupted()
        if bar is None or bar.total != progress.total:
            bar = comfy.utils.ProgressBar(progress.total)
        picture = None
        if previewer is not None and progress.preview is not None:
            with torch.no_grad():
                kind, image, size = previewer.decode_latent_to_preview_image("JPEG", progress.preview)
            if image.width < 256:
                image = image.resize((image.width * 8, image.height * 8), Image.Resampling.BICUBIC)
            picture = (kind, image, size)
        bar.update_absolute(progress.step, progress.total, picture)

    return report


def lora_state_dict(model: ModelPatcher, lora: LoRA) -> dict[str, Tensor]:
    """A tuned LoRA in ComfyUI's own layout (LORA_MODEL): ``diffusion_model.<module>.lora_up.weight`` and so on."""
    names = comfy.utils.unet_to_diffusers(model.model.model_config.unet_config)
    result = {}
    for module, (down, up) in lora.weights.items():
        prefix = PREFIX + names[f"{module}.weight"].removesuffix(".weight")
        result[f"{prefix}.lora_up.weight"] = up.cpu()
        result[f"{prefix}.lora_down.weight"] = down.cpu()
        result[f"{prefix}.alpha"] = torch.tensor(float(lora.rank))
    return result


def lora_file(name: str) -> Path:
    """The file among ComfyUI's LoRAs that a person means by ``name``, its folder made."""
    folder = Path(folder_paths.get_folder_paths("loras")[0]).resolve()
    path = (folder / name.removesuffix(".safetensors")).resolve()
    if folder not in path.parents:
        raise ValueError(f"`file` is {name!r}, which lies outside of {folder}; give a name inside of it")
    path.parent.mkdir(parents=True, exist_ok=True)
    return path.with_name(f"{path.name}.safetensors")


def with_lora(model: ModelPatcher, state: dict[str, Tensor]) -> ModelPatcher:
    """A clone of the MODEL with the LoRA as patches."""
    return comfy.sd.load_lora_for_models(model, None, state, 1.0, 0.0)[0]
