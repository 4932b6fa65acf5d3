"""A MODEL lent to the engine: a diffusers U-Net over ComfyUI's memory.

What ComfyUI can evaluate but autograd cannot use (fp8 and other quantised weights, offloaded ones, LoRAs in bypass form) is
copied once for each MODEL; ComfyUI manages the copies like any model, and they go with the MODEL.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

import comfy.model_management
import comfy.utils
import torch
from comfy.model_patcher import ModelPatcher
from comfy.quant_ops import QuantizedTensor
from torch import Tensor, nn

from ..gooddrag.libraries import importing
from ..gooddrag.network.convolution import release
from ..gooddrag.network.model import Model
from . import bypass, families
from .host import PREFIX

if TYPE_CHECKING:
    from diffusers import UNet2DConditionModel

log = logging.getLogger("GoodDrag")

ORDINARY = (Tensor, nn.Parameter)


@dataclass(frozen=True)
class _Copies:
    """Weights of a MODEL that could not be shared. ``key``: of what they were copied from; ``names``: diffusers' names in the
    order of the parameters of ``patcher``, by which ComfyUI loads, offloads and counts them."""

    key: tuple
    names: list[str]
    patcher: ModelPatcher

    def tensors(self) -> dict[str, Tensor]:
        return dict(zip(self.names, self.patcher.model.kept.parameters()))


# all go when ComfyUI drops the MODEL (or, of the first, the module under it)
_roots: WeakKeyDictionary[nn.Module, ModelPatcher] = WeakKeyDictionary()
_delegates: WeakKeyDictionary[ModelPatcher, tuple[object, ModelPatcher]] = WeakKeyDictionary()
_copies: WeakKeyDictionary[ModelPatcher, _Copies] = WeakKeyDictionary()


def _whole(model: ModelPatcher) -> ModelPatcher:
    """The MODEL without dynamic VRAM, which keeps weights where autograd cannot reach them. ComfyUI builds it from the file;
    this is done once for all MODELs over the same weights."""
    if not getattr(model, "is_dynamic", bool)():
        return model
    kept = _delegates.get(model)
    if kept is not None and kept[0] == model.patches_uuid:
        return kept[1]
    root = _roots.get(model.model)
    if root is None:
        if getattr(model, "cached_patcher_init", None) is None:
            raise ValueError(
                "`model` uses dynamic VRAM, and its loader does not say how to load it without, which gradients need; use "
                "ComfyUI's own loader, or start ComfyUI with --disable-dynamic-vram"
            )
        root = model.clone(disable_dynamic=True)
        root.parent = None
        root.injections.clear()
        root.patches.clear()
        _roots[model.model] = root
    delegate = model.clone(disable_dynamic=True, model_override=root.get_clone_model_override())
    delegate.injections.clear()  # they act on the modules of the dynamic one; `bypass` reads them from there
    delegate.parent = root
    _delegates[model] = (model.patches_uuid, delegate)
    return delegate


def _usable(weight: Tensor, device: torch.device, dtype: torch.dtype) -> bool:
    return weight.device == device and weight.dtype == dtype and type(weight) in ORDINARY


def _copied(model: ModelPatcher, key: str, device: torch.device, dtype: torch.dtype) -> Tensor:
    """A weight with its patches as autograd can use it."""
    module = model.model.get_submodule(key.rpartition(".")[0])
    weight = comfy.utils.get_attr(model.model, key)
    if not isinstance(weight, QuantizedTensor) and type(weight) not in ORDINARY:
        raise ValueError(
            f"`model` has weights of the kind {type(weight).__name__}, which cannot be lent for gradients; load the model from "
            "a safetensors file (fp8 is fine)"
        )
    if key in model.patches and not getattr(module, "comfy_patched_weights", False):
        weight = model.patch_weight_to_device(key, device_to=device, return_weight=True)
    weight = weight.to(device)
    if isinstance(weight, QuantizedTensor):
        weight = weight.dequantize()
    return weight.to(dtype)


def _ordinary(weight: Tensor) -> Tensor:
    """A tensor over the same memory that was not made in inference mode."""
    view = torch.empty(0, dtype=weight.dtype, device=weight.device)
    return view.set_(weight.untyped_storage(), weight.storage_offset(), weight.shape, weight.stride())


def _names(model: ModelPatcher) -> dict[str, str]:
    """ComfyUI's keys of the U-Net's weights by diffusers' names. SDXL's added conditioning has two there, of which ours has one."""
    own = model.model.state_dict()
    names = comfy.utils.unet_to_diffusers(model.model.model_config.unet_config)
    return {name: PREFIX + key for name, key in names.items() if PREFIX + key in own and "class_embedding" not in name}


def _copy(given: ModelPatcher, model: ModelPatcher, keys: dict[str, str]) -> _Copies | None:
    """Copies of what cannot be shared of ``model``, which is loaded; None where all can be."""
    device, dtype = model.load_device, model.model.get_dtype_inference()
    lowvram = getattr(model.model, "model_lowvram", False)
    added = bypass.adapters(given)
    result: dict[str, Tensor] = {}
    for name, key in keys.items():
        weight = comfy.utils.get_attr(model.model, key)
        if lowvram or not _usable(weight, device, dtype):
            result[name] = _copied(model, key, device, dtype)
    names = {key: name for name, key in keys.items()}
    for module, hooks in added.items():
        weight_name, bias_name = names.get(f"{module}.weight"), names.get(f"{module}.bias")
        if weight_name is None:
            continue
        weight = _copied(model, f"{module}.weight", device, dtype)
        bias = _copied(model, f"{module}.bias", device, dtype) if bias_name else None
        weight, bias = bypass.merged(hooks, weight, bias)
        result[weight_name] = weight.to(device, dtype)
        if bias_name:
            result[bias_name] = bias.to(device, dtype)
    if not result:
        return None
    holder = nn.Module()
    with torch.inference_mode(False):
        holder.kept = nn.ParameterList([nn.Parameter(_ordinary(w), requires_grad=False) for w in result.values()])
    log.info("GoodDrag: %d of %d weights had to be copied to be used for gradients", len(result), len(keys))
    patcher = ModelPatcher(holder, load_device=device, offload_device=model.offload_device)
    return _Copies(_state(given, model), list(result), patcher)


def identity(model: ModelPatcher) -> tuple:
    """Of the weights and of all that is on them, for as long as the MODEL is there."""
    hooks = tuple(id(h) for hooks in bypass.adapters(model).values() for h in hooks)
    return model.patches_uuid, hooks


def _state(given: ModelPatcher, model: ModelPatcher) -> tuple:
    return *identity(given), model.load_device, model.model.get_dtype_inference()


def _weights(given: ModelPatcher, needed: int, beside: Sequence[ModelPatcher]) -> dict[str, Tensor]:
    """The U-Net's weights under diffusers' names, loaded with ``needed`` bytes and the models ``beside`` them: views of ComfyUI's
    memory, copies where that cannot be."""
    model = _whole(given)
    keys = _names(model)

    def load(*models: ModelPatcher) -> None:
        comfy.model_management.load_models_gpu([*models, *beside], memory_required=needed, force_full_load=True)

    kept = _copies.get(given)
    if kept is not None and kept.key != _state(given, model):
        del _copies[given]
        kept = None
    if kept is None or len(kept.names) < len(keys):
        load(model, *([kept.patcher] if kept else ()))
    if kept is None:
        kept = _copy(given, model, keys)
        if kept is not None:
            _copies[given] = kept
    if kept is None:
        copies: dict[str, Tensor] = {}
    else:
        load(*([model] if len(kept.names) < len(keys) else ()), kept.patcher)
        copies = kept.tensors()
    # what is offloaded now but was not when the copies were made
    device, dtype = model.load_device, model.model.get_dtype_inference()
    result = {}
    for name, key in keys.items():
        weight = copies[name] if name in copies else comfy.utils.get_attr(model.model, key)
        result[name] = weight if _usable(weight, device, dtype) else _copied(model, key, device, dtype)
    return result


@contextmanager
def diffusers_model(
    model: ModelPatcher,
    latent_shape: tuple[int, ...],
    *,
    gradients: Callable[[UNet2DConditionModel], int] | None = None,
    beside: Sequence[ModelPatcher] = (),
) -> Iterator[Model]:
    """While active: the MODEL, with the LoRAs that are on it, as a diffusers U-Net over the same weights, and autograd
    switched on. ComfyUI makes room for the weights, a forward pass at ``latent_shape``, and as many bytes as ``gradients``
    says that the U-Net needs for them, and loads the models ``beside`` it."""
    with importing("diffusers"):
        from diffusers import UNet2DConditionModel
    config, prediction_type = families.unet_config(model), families.prediction_type(model)
    needed = model.memory_required(list(latent_shape))
    with torch.device("meta"):
        unet = UNet2DConditionModel(**config)
    if gradients:
        nn.Module.to(unet, model.model.get_dtype_inference())
        needed += gradients(unet)
    weights = _weights(model, needed, beside)
    with torch.inference_mode(False):
        unet.load_state_dict({name: _ordinary(weight) for name, weight in weights.items()}, strict=True, assign=True)
        try:
            yield Model(unet, prediction_type)
        finally:
            release(unet)  # ComfyUI may move the weights now, and their memory shall be free


def fingerprint(model: Model) -> str:
    """Of the weights that a drag sees, with all that is on them; the first values of each must do."""
    values = torch.cat([p.detach().flatten()[:16].float() for p in model.unet.parameters()])
    digest = hashlib.sha256(values.cpu().numpy().tobytes())
    digest.update(model.prediction_type.encode())
    return digest.hexdigest()
