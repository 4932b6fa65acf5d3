"""A MODEL lent to the engine: a diffusers U-Net over ComfyUI's memory."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import comfy.model_management
import comfy.utils
import torch
from comfy.model_patcher import ModelPatcher
from torch import Tensor

from ..gooddrag.libraries import importing
from ..gooddrag.network.model import Model
from . import families
from .host import PREFIX

if TYPE_CHECKING:
    from diffusers import UNet2DConditionModel

log = logging.getLogger("GoodDrag")


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
    config, prediction_type = families.unet_config(model), families.prediction_type(model)
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
