"""Memory: what is free, what a gradient step will need beside the weights, and what running out looks like."""

from __future__ import annotations

import json
import logging
import os
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import lru_cache
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from ..libraries import importing
from .attention import wrapped
from .conditioning import Conditioning, added_width
from .convolution import freeze
from .features import predict_with_features
from .model import Model
from .window import Window

if TYPE_CHECKING:
    from diffusers import UNet2DConditionModel

log = logging.getLogger("GoodDrag")

WORKING = 1.6
"""Peak over what autograd keeps: buffers of kernels and gradients on their way (measured, docs/performance.md)."""
PROJECTIONS = ("to_q.weight", "to_k.weight", "to_v.weight", "to_out.0.weight")
AGAIN = 0.4
"""With checkpointing, the part of what it would keep otherwise that one block computed again holds (measured)."""


def free_bytes(device: torch.device) -> int | None:
    """Memory that can still be taken on ``device``; None where torch cannot tell."""
    backend = getattr(
        torch, device.type, None
    )  # torch.cuda, torch.mps, torch.xpu; others have none or one of their own
    if device.type == "mps":
        return max(backend.recommended_max_memory() - backend.current_allocated_memory(), 0)
    if device.type == "cpu":
        if "SC_AVPHYS_PAGES" in getattr(os, "sysconf_names", {}):
            return _available() or os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    elif hasattr(backend, "mem_get_info"):
        unused = backend.memory_reserved(device) - backend.memory_allocated(device)
        return backend.mem_get_info(device)[0] + unused
    return None


def _available() -> int | None:
    """Linux: free pages and the page cache that can be given up."""
    try:
        with open("/proc/meminfo") as file:
            return next(int(line.split()[1]) * 1024 for line in file if line.startswith("MemAvailable:"))
    except (OSError, StopIteration):
        return None


class _Kept(torch.autograd.Function):
    """Saves for the backward pass what flash attention saves, and computes nothing."""

    @staticmethod
    def forward(ctx, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        result = torch.empty_like(query)
        ctx.save_for_backward(query, key, value, result)
        return result

    @staticmethod
    def backward(ctx, gradient: Tensor) -> tuple[Tensor, ...]:
        raise NotImplementedError


class _FlashAttention:
    """``area``: of the picture, which self-attention looks at, over that of the window whose tokens it is given."""

    def __init__(self, area: float):
        self.area = area

    def __call__(self, attn, hidden_states: Tensor, encoder_hidden_states: Tensor | None = None, *_a, **_k) -> Tensor:
        other = encoder_hidden_states
        if other is None:
            batch, count, channels = hidden_states.shape
            beyond = hidden_states.new_empty(batch, round(count * (self.area - 1)), channels)
            other = torch.cat([hidden_states, beyond], dim=1)
        return attn.to_out[0](_Kept.apply(attn.to_q(hidden_states), attn.to_k(other), attn.to_v(other)))


def gradient_bytes(
    unet: UNet2DConditionModel,
    latent_shape: tuple[int, ...],
    *,
    block: str | None,
    tokens: int = 77,
    checkpointing: bool = False,
    tuning: bool = False,
    window: Window | None = None,
) -> int:
    """Memory beside the weights for one gradient of the U-Net by its input ``latent_shape`` ``(b, 4, h, w)``, or by a ``window``
    of that.

    ``block``: the forward pass ends there; None runs the whole U-Net. ``tuning``: a LoRA is on the attention layers, whose
    inputs are kept for its gradients. The pass is made on torch's meta device, where it costs
    a third of a second and no memory, and what autograd would keep is counted.
    """
    config = json.dumps({k: v for k, v in unet.config.items() if not k.startswith("_")}, sort_keys=True)
    shape, area = tuple(latent_shape), 1.0
    if window:
        shape, area = (*shape[:2], window.bottom - window.top, window.right - window.left), 1 / window.share

    def count(checkpointing: bool) -> int:
        return _kept(config, unet.dtype, shape, area, block, tokens, tuning, checkpointing)

    kept = count(False)
    if not checkpointing:
        return int(WORKING * kept)
    return int(WORKING * count(True) + AGAIN * kept)


@lru_cache(maxsize=64)
@torch.inference_mode(False)
@torch.enable_grad()
def _kept(
    config: str, dtype, shape, area: float, block: str | None, tokens: int, tuning: bool, checkpointing: bool
) -> int:
    with importing("diffusers"):
        from diffusers import UNet2DConditionModel
    with torch.device("meta"):
        twin = UNet2DConditionModel.from_config(json.loads(config))
        freeze(twin)
        torch.nn.Module.to(twin, dtype)  # diffusers' own would warn of layers that this U-Net has not
        for name, parameter in twin.named_parameters():
            parameter.requires_grad_(tuning and name.endswith(PROJECTIONS))
        z = torch.empty(shape, dtype=dtype, requires_grad=True)
        text, added = torch.empty(1, tokens, twin.config.cross_attention_dim, dtype=dtype), added_width(twin)
        told = Conditioning(text, torch.empty(1, added, dtype=dtype) if added else None)
        t = torch.empty(shape[0], dtype=torch.long)
    if checkpointing:
        twin.enable_gradient_checkpointing()
    weights = {p.untyped_storage()._cdata for p in twin.parameters()}
    storages: dict[int, torch.UntypedStorage] = {}

    def keep(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage._cdata not in weights:
            storages[storage._cdata] = storage
        return tensor

    hooks = torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor)
    layers = [name.removesuffix(".processor") for name in twin.attn_processors]
    with hooks, wrapped(twin, dict.fromkeys(layers, lambda _: _FlashAttention(area))):
        predict_with_features(twin, z, t, told, block or "up_blocks.0", features_only=block is not None)
    return sum(s.nbytes() for s in storages.values())


OUT_OF_MEMORY = re.compile(
    r"out of memory"  # CUDA, HIP, MPS, XPU, NPU
    r"|total bytes of ndarray > |invalid buffer size"  # one tensor too large for MPS
    r"|can't allocate memory|not enough memory: you tried to allocate"  # the CPU on Linux, on Windows
    r"|could not allocate tensor with|not enough gpu video memory"  # DirectML
    r"|(cublas|cudnn|hipblas|miopen)_?status_?alloc_?failed"
    r"|out_of_(device|host)_memory|hiperroroutofmemory",
    re.IGNORECASE,
)
"""What torch's backends say; only CUDA, and XPU since lately, have a class for it."""


def is_out_of_memory(error: BaseException) -> bool:
    """Whether memory could not be had: by the error's class, by its words, or because it wraps one that says so."""
    if isinstance(error, NotEnoughMemory):
        return False  # said already
    if isinstance(error, (torch.OutOfMemoryError, MemoryError)):
        return True
    if not isinstance(error, RuntimeError):
        return False
    inner = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return bool(OUT_OF_MEMORY.search(str(error))) or (inner is not None and is_out_of_memory(inner))


def give_back(device: torch.device) -> None:
    """Let the caching allocator, where the device has one, return what it does not use."""
    empty = getattr(getattr(torch, device.type, None), "empty_cache", None)
    if empty:
        empty()


@lru_cache
def _say_unplanned(kind: str) -> None:
    log.warning(
        "GoodDrag: what is free on %s cannot be known, so memory is not planned; should it run out, it is tried once more with "
        "gradient checkpointing",
        kind,
    )


@contextmanager
def explained(advice: str, state: Callable[[], str] = str) -> Iterator[None]:
    """Running out of memory inside becomes ``NotEnoughMemory`` with ``advice``; ``state`` tells what was tried already."""
    failed = None
    try:
        yield
    except Exception as error:
        if not is_out_of_memory(error):
            raise
        size = re.search(r"tried to allocate [\d.]+ \w+|tensor with [\d.]+ bytes", str(error), re.IGNORECASE)
        failed = f"out of memory{state()}{f' ({size[0].lower()})' if size else ''}. {advice}"
    if failed:  # outside of the handler, which would keep the frames and their tensors
        raise NotEnoughMemory(failed)


def gigabytes(size: int) -> str:
    """In megabytes below a tenth of a gigabyte."""
    return f"{size / 1e9:.1f} GB" if size >= 1e8 else f"{size / 1e6:.0f} MB"


class NotEnoughMemory(MemoryError):
    """There is not enough memory for an edit; says how much is needed and which settings to change."""


def plan(
    unet: UNet2DConditionModel,
    latent_shape: tuple[int, ...],
    block: str | None,
    checkpointing: str,
    *,
    advice: str,
    tuning: bool = False,
    window: Window | None = None,
) -> bool:
    """Whether to use gradient checkpointing: as ``checkpointing`` says ("on", "off"), or with "auto" when the gradients
    would not fit without. Raises ``NotEnoughMemory`` with ``advice`` when they cannot fit."""
    free = free_bytes(unet.device)
    if free is None:
        _say_unplanned(unet.device.type)
        return checkpointing == "on"
    asked = dict(block=block, tuning=tuning, window=window)
    plain = gradient_bytes(unet, latent_shape, **asked)
    chosen = checkpointing == "on" or (checkpointing == "auto" and plain > free)
    needed = plain
    if chosen:
        needed = gradient_bytes(unet, latent_shape, **asked, checkpointing=True)
    part = f" ({window.share:.0%} of it)" if window else ""
    what = (
        f"gradients at {latent_shape[-1] * 8}x{latent_shape[-2] * 8}{part} need about {gigabytes(needed)} beside the model "
        f"{'with' if chosen else 'without'} gradient checkpointing, and {gigabytes(free)} are free"
    )
    if needed > free:
        raise NotEnoughMemory(f"{what}. {advice}")
    log.info("GoodDrag: %s", what)
    return chosen


def fitting(
    unet: UNet2DConditionModel,
    latent_shape: tuple[int, ...],
    block: str | None,
    checkpointing: str,
    *,
    window: Window | None,
    most: int,
) -> int:
    """For how many latents at once, from 1 to ``most``, the gradients fit into the free memory."""
    free = free_bytes(unet.device)
    if free is None or most <= 1:
        return max(1, most)
    one = gradient_bytes(unet, latent_shape, block=block, window=window, checkpointing=checkpointing == "on")
    return max(1, min(most, free // one))


@contextmanager
def sparingly(
    model: Model,
    latent_shape: tuple[int, ...],
    block: str | None,
    checkpointing: str,
    *,
    advice: str,
    tuning: bool = False,
    window: Window | None = None,
) -> Iterator[Callable]:
    """While active, gradients of ``model`` are computed within the memory that there is; see ``plan``.

    Gives a function that calls what it is given; if memory runs out it calls once more with gradient checkpointing, which
    then stays on, unless ``checkpointing`` is "off". Raises ``NotEnoughMemory`` with ``advice`` when that is not enough.
    """
    with ExitStack() as until_the_end:

        def attempt(compute: Callable):
            if not model.unet.is_gradient_checkpointing:
                try:
                    return compute()
                except Exception as error:
                    if not is_out_of_memory(error) or checkpointing == "off":
                        raise
                log.warning("GoodDrag: out of memory; going on with gradient checkpointing, which is slower")
                give_back(model.device)
                until_the_end.enter_context(model.checkpointed())
            return compute()

        if plan(model.unet, latent_shape, block, checkpointing, advice=advice, tuning=tuning, window=window):
            until_the_end.enter_context(model.checkpointed())

        def state() -> str:
            return ", although gradient checkpointing is on" if model.unet.is_gradient_checkpointing else ""

        with explained(advice, state):
            yield attempt
