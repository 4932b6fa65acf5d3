"""ComfyUI's runtime for all nodes: conversions, files, progress and cancelling. Its MODEL is `families`' and `lent`'s matter."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

import comfy.model_management
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

from ..gooddrag import files
from ..gooddrag.config import CHECKPOINTING
from ..gooddrag.finite import finite
from ..gooddrag.method.lora import LoRA
from ..gooddrag.picture.geometry import DragPoints, pad
from ..gooddrag.progress import Progress

log = logging.getLogger("GoodDrag")

PREFIX = "diffusion_model."


def checkpointing_input() -> io.Combo.Input:
    return io.Combo.Input(
        "checkpointing",
        options=list(CHECKPOINTING),
        default="auto",
        tooltip="Gradient checkpointing: less than half of the memory for 1.3 times the time on a CPU, 1.6 to 2.4 times on a GPU. "
        "auto looks at what is free.",
        advanced=True,
    )


OTHER_VAE = "use another VAE, or start ComfyUI with --fp32-vae"


WRONG_VAE = "connect the VAE of the checkpoint that `model` comes from"


def encode(vae, image: Tensor) -> Tensor:
    """The VAE's unscaled latent of ``image`` ``(1, H, W, 3)`` in 0..1, padded to multiples of 8 by reflection.
    Raises ``ValueError`` when the VAE is of another family."""
    _check_vae(vae)
    padded = pad(image.movedim(-1, 1)).movedim(1, -1)
    height, width = padded.shape[1] // 8, padded.shape[2] // 8
    z = vae.encode(padded)
    if tuple(z.shape) != (1, 4, height, width):
        raise ValueError(
            f"`vae` makes a latent of {shape(z)} of this picture; those of Stable Diffusion and SDXL have 4 channels at an "
            f"eighth of the size, 1x4x{height}x{width}; {WRONG_VAE}"
        )
    return finite(z, "what `vae` made of `image`", OTHER_VAE)


def _check_vae(vae) -> None:
    if vae is None:
        raise ValueError(f"`vae` is None: the node that it comes from found none in its file; {WRONG_VAE}")


def shape(tensor: Tensor) -> str:
    return "x".join(map(str, tensor.shape)) or "a single number"


def decode(vae, samples: Tensor) -> Tensor:
    """Pictures ``(b, height, width, 3)`` in 0..1 of unscaled latents, as VAE Decode gives them."""
    _check_vae(vae)
    given = samples.shape[1] if samples.ndim > 1 else 4
    dimensions, channels = getattr(vae, "latent_dim", 2) + 2, getattr(vae, "latent_channels", given)
    if samples.ndim != dimensions or samples.shape[1] != channels:
        raise ValueError(
            f"`latent` is {shape(samples)}, but `vae` decodes latents of {channels} channels and {dimensions} dimensions; connect "
            "the VAE that belongs to the model that made the latent"
        )
    images = vae.decode(finite(samples, "`latent`", "look at the node that it comes from"))
    return finite(images.reshape(-1, *images.shape[-3:]), "what `vae` made of `latent`", OTHER_VAE)


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
    shade = 1 - mask[None, ..., None].float().clamp(0, 1)
    return temporary(torch.cat([torch.zeros_like(shade).expand(-1, -1, -1, 3), shade], dim=-1), cls)


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


def check_interrupted() -> None:
    """Raises what ends the run when the person has cancelled it."""
    comfy.model_management.throw_exception_if_processing_interrupted()


def callback(model: ModelPatcher) -> Callable[[Progress], None]:
    """Progress bar, live preview as ComfyUI is set to show it, and cancelling, for the engine's functions."""
    previewer = latent_preview.get_previewer(model.load_device, model.model.latent_format)
    bar: comfy.utils.ProgressBar | None = None

    def report(progress: Progress) -> None:
        nonlocal bar
        check_interrupted()
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


FOLDERS = 16
"""How deep the file of a LoRA may lie."""


def lora_file(name: str) -> Path:
    """The file among ComfyUI's LoRAs that a person means by ``name``, its folder made. Raises ``ValueError`` for a name that
    cannot be a file there."""
    folder = Path(folder_paths.get_folder_paths("loras")[0]).resolve()
    shown = repr(name if len(name) <= 100 else f"{name[:97]}...")
    parts = name.replace("\\", "/").removesuffix(".safetensors").split("/")
    try:
        files.check_path(name)
        if parts[-1] in ("", "."):
            raise ValueError("it is an empty name")
        path = (folder / "/".join(parts)).resolve()
        if folder not in path.parents:
            raise ValueError("it lies outside of ComfyUI's folder of LoRAs")
        if len(parts) > FOLDERS:
            raise ValueError(f"it lies deeper than {FOLDERS} folders")
        for part in path.relative_to(folder).parts:
            files.check_name(part)
        path.parent.mkdir(parents=True, exist_ok=True)
    except (
        OSError,
        RuntimeError,
        ValueError,
    ) as error:  # links that lead to themselves: RuntimeError until Python 3.12
        reason = error.strerror if isinstance(error, OSError) else error
        raise ValueError(
            f"`file` is {shown}, which cannot be a file among the LoRAs: {reason}; give another name"
        ) from None
    return path.with_name(f"{path.name}.safetensors")


def with_lora(model: ModelPatcher, state: dict[str, Tensor]) -> ModelPatcher:
    """A clone of the MODEL with the LoRA as patches."""
    return comfy.sd.load_lora_for_models(model, None, state, 1.0, 0.0)[0]
