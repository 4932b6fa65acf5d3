"""LoRA tuning of the U-Net on one picture, with peft (line 1 of Algorithm 1)."""

from __future__ import annotations

import hashlib
import logging
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from safetensors import safe_open
from safetensors.torch import save
from torch import Tensor, nn

from .. import files
from ..config import PAPER, DragConfig
from ..finite import finite, of_unet
from ..libraries import importing
from ..network import memory
from ..network.conditioning import Conditioning, Text
from ..network.model import Model
from ..progress import Progress, silent

if TYPE_CHECKING:
    from diffusers import UNet2DConditionModel

log = logging.getLogger("GoodDrag")

TARGETS = ("to_q", "to_k", "to_v", "to_out.0")
"""The projections of every attention layer, self and cross."""

LOSS_SCALE = 2.0**10
"""First loss scale for a U-Net in float16; torch's own, 2**16, would cost the first steps of so short a training."""


def _advice(config: DragConfig) -> str:
    """What would need less memory, without what is done already."""
    cures = ["a smaller picture"]
    if config.lora_batch > 1:
        cures.append("a smaller batch_size (lora_batch)")
    if config.checkpointing == "off":
        cures.append("checkpointing=auto")
    return f"Use {' or '.join(cures)}"


@dataclass(frozen=True)
class LoRA:
    """Low-rank updates of a U-Net: ``weights`` maps a module's name in diffusers' U-Net to (down ``(rank, in)``, up
    ``(out, rank)``); the update of its weight is ``up @ down``."""

    rank: int
    weights: dict[str, tuple[Tensor, Tensor]]
    fingerprint: str = ""  # of what it was tuned on; see ``kept``

    def __post_init__(self) -> None:
        for name, pair in self.weights.items():
            for weight in pair:
                finite(weight, f"the LoRA's {name}", "tune it anew, with a lower learning_rate (lora_learning_rate)")

    def save(self, path: str | Path, *, new: bool = False) -> None:
        """Write a safetensors file in the common layout ``lora_unet_<module>.lora_down.weight``, which ComfyUI's and
        diffusers' LoRA loaders read. What is there is kept until all is written. Raises ``OSError``, and
        ``FileExistsError`` where a ``new`` file is wanted and something has the name."""
        tensors = {}
        for name, (down, up) in self.weights.items():
            prefix = f"lora_unet_{name.replace('.', '_')}"
            tensors[f"{prefix}.lora_down.weight"] = down.contiguous().cpu()
            tensors[f"{prefix}.lora_up.weight"] = up.contiguous().cpu()
            tensors[f"{prefix}.alpha"] = torch.tensor(float(self.rank))
        metadata = {"gooddrag_modules": "\n".join(self.weights), "gooddrag_fingerprint": self.fingerprint}
        metadata["gooddrag_digest"] = _digest(tensors)
        files.write(Path(path), save(tensors, {"format": "pt", **metadata}), new=new)

    @classmethod
    def load(cls, path: str | Path) -> LoRA:
        """Read what ``save`` wrote. Raises ``ValueError`` for another kind of file, and for weights that are not those written."""
        try:
            with safe_open(path, framework="pt") as file:
                metadata = file.metadata() or {}
                names = metadata.get("gooddrag_modules", "").split()
                tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 (safe_open is no mapping)
        except Exception as error:
            raise ValueError(f"{path} cannot be read as a safetensors file ({error})") from None
        if not names:
            raise ValueError(f"{path} was not written by GoodDrag: its metadata names no modules")
        weights = {}
        try:
            for name in names:
                prefix = f"lora_unet_{name.replace('.', '_')}"
                weights[name] = (tensors[f"{prefix}.lora_down.weight"], tensors[f"{prefix}.lora_up.weight"])
        except KeyError as error:
            raise ValueError(f"{path} is broken, delete it or give another name: it has no {error}") from None
        try:
            for name, pair in weights.items():
                if any(w.ndim < 2 or not w.is_floating_point() for w in pair):
                    raise ValueError(f"the weights of {name} are no matrices")
            if metadata.get("gooddrag_digest", digest := _digest(tensors)) != digest:
                raise ValueError("its weights are not those that were written")
            rank = next(iter(weights.values()))[0].shape[0]
            return cls(rank, weights, metadata.get("gooddrag_fingerprint", ""))
        except ValueError as error:
            raise ValueError(f"{path} is broken, delete it or give another name: {error}") from None


def _digest(tensors: dict[str, Tensor]) -> str:
    digest = hashlib.sha256()
    for name in sorted(tensors):
        digest.update(name.encode() + tensors[name].contiguous().flatten().view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


@contextmanager
def _adapter(unet: UNet2DConditionModel, rank: int) -> Iterator[dict[str, nn.Module]]:
    """peft's LoRA layers in every attention projection, by module name; afterwards the U-Net is as it was."""
    with importing("peft"):
        from peft import LoraConfig, inject_adapter_in_model
    before = {n: m for n, m in unet.named_modules() if n.endswith(TARGETS)}
    flags = {p: p.requires_grad for p in unet.parameters()}
    had_config = hasattr(unet, "peft_config")
    try:
        config = LoraConfig(r=rank, lora_alpha=rank, init_lora_weights="gaussian", target_modules=list(TARGETS))
        inject_adapter_in_model(config, unet, adapter_name="gooddrag")
        if unet.dtype in (torch.float16, torch.bfloat16):
            # peft casts what goes in and out; an update of AdamW is lost in half precision
            for name in before:
                unet.get_submodule(name).lora_A.float()
                unet.get_submodule(name).lora_B.float()
        yield {n: unet.get_submodule(n) for n in before}
    finally:
        for name, module in before.items():
            parent, _, child = name.rpartition(".")
            setattr(unet.get_submodule(parent), child, module)
        if not had_config and hasattr(unet, "peft_config"):
            del unet.peft_config
        for parameter, flag in flags.items():
            parameter.requires_grad_(flag)


LAST_SEED = 2**64 - 1


def check_seed(seed: int) -> None:
    """Raise ``ValueError`` for what torch does not take as a seed."""
    if not 0 <= seed <= LAST_SEED:
        raise ValueError(
            f"seed is {seed}, {'below 0' if seed < 0 else 'more than 64 bits'}; give one from 0 to {LAST_SEED}"
        )


@torch.enable_grad()
def train_lora(
    model: Model,
    z0: Tensor,
    text: Text,
    config: DragConfig = PAPER,
    *,
    seed: int = 0,
    std: Tensor | None = None,
    callback: Callable[[Progress], None] = silent,
) -> LoRA:
    """Tune on the latent ``z0`` ``(1, 4, h, w)`` of one picture under ``text`` ``(1, tokens, D)`` or more, without its control.

    AdamW with weight decay 1e-2 and constant rate on the mean squared error of the prediction, at uniform random
    timesteps. ``std`` is the standard deviation of the autoencoder's posterior, resampled at every step; None
    takes ``z0`` as it is. The same seed gives the same LoRA on the same device. The LoRA is float32 for a U-Net in half
    precision. Raises ``NotEnoughMemory`` when there is not enough even with gradient checkpointing, ``ValueError`` when latent,
    text or predictions hold NaN or infinity, or when the tuning diverges.
    """
    finite(z0, "the picture's latent", "look at the autoencoder")
    told = replace(Conditioning.of(text).checked(), control=None)
    check_seed(seed)
    schedule = model.schedule(1000, 1.0)
    generator = torch.Generator().manual_seed(seed)

    def normal() -> Tensor:
        return torch.randn(config.lora_batch, *z0.shape[1:], generator=generator).to(z0)

    with torch.random.fork_rng(devices=[]), _adapter(model.unet, config.lora_rank) as layers:
        parameters = []
        for layer in layers.values():
            # drawn from the generator, so that the result does not depend on the state of torch's
            down, up = layer.lora_A["gooddrag"].weight, layer.lora_B["gooddrag"].weight
            with torch.no_grad():
                down.copy_(torch.randn(down.shape, generator=generator) / config.lora_rank)
                up.zero_()
            parameters += [down, up]
        for parameter in parameters:
            parameter.requires_grad_()
        optimizer = torch.optim.AdamW(parameters, lr=config.lora_learning_rate, weight_decay=1e-2)
        scaler = torch.amp.GradScaler(
            model.device.type, init_scale=LOSS_SCALE, enabled=model.unet.dtype == torch.float16
        )
        within, shape = nullcontext(lambda compute: compute()), (config.lora_batch, *z0.shape[1:])
        if config.lora_steps:
            within = memory.sparingly(model, shape, None, config.checkpointing, advice=_advice(config), tuning=True)
        loss = None
        with within as attempt:
            for step in range(config.lora_steps):
                t = torch.randint(0, 1000, (config.lora_batch,), generator=generator).to(z0.device)
                callback(Progress("lora", step, config.lora_steps, int(t[0]), loss))
                z = z0 if std is None else z0 + std * normal()
                z, noise = z.expand(config.lora_batch, -1, -1, -1), normal()

                def gradient(z: Tensor = z, noise: Tensor = noise, t: Tensor = t) -> float:
                    optimizer.zero_grad()
                    prediction = model.predict(schedule.noised(z, noise, t), t, told)
                    error = F.mse_loss(prediction, schedule.target(z, noise, t))
                    scaler.scale(error).backward()
                    return error.item()

                loss = attempt(gradient)
                if not math.isfinite(loss):
                    raise ValueError(
                        _diverged(step, config) if step else f"the loss is {loss}; {of_unet(model.unet.dtype)}"
                    )
                scaler.step(optimizer)
                scaler.update()
        callback(Progress("lora", config.lora_steps, config.lora_steps, 0, loss))
        weights = {
            name: (layer.lora_A["gooddrag"].weight.detach().clone(), layer.lora_B["gooddrag"].weight.detach().clone())
            for name, layer in layers.items()
        }
    return LoRA(config.lora_rank, weights)


def _diverged(step: int, config: DragConfig) -> str:
    return (
        f"the tuning diverged after {step} of {config.lora_steps} steps, so there is no LoRA; lower learning_rate "
        f"(lora_learning_rate), which is {config.lora_learning_rate:g}, or the steps"
    )


@contextmanager
def applied(unet: UNet2DConditionModel, lora: LoRA) -> Iterator[None]:
    """While active the U-Net has the LoRA on it; afterwards it is exactly as before."""
    with _adapter(unet, lora.rank) as layers:
        missing = set(lora.weights) ^ set(layers)
        if missing:
            raise ValueError(
                f"the LoRA does not fit this U-Net: {len(missing)} layers differ, for example {min(missing)}"
            )
        for name, (down, up) in lora.weights.items():
            layer = layers[name]
            with torch.no_grad():
                layer.lora_A["gooddrag"].weight.copy_(down)
                layer.lora_B["gooddrag"].weight.copy_(up)
            layer.requires_grad_(False)  # gradients of it would keep the inputs of every layer
        yield
