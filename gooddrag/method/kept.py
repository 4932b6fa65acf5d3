"""A tuned LoRA that is kept in a file, and read from there when everything that decides it is the same."""

from __future__ import annotations

import dataclasses
import hashlib
import logging
import os
import re
import stat
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import torch
from safetensors import safe_open
from torch import Tensor

from .. import files
from ..config import PAPER, DragConfig
from ..network.conditioning import Conditioning, Text
from ..network.model import Model
from ..progress import Progress, silent
from . import lora
from .lora import TARGETS, LoRA

log = logging.getLogger("GoodDrag")

HEADER = 1000
"""Bytes that a LoRA's file has for each layer beside its weights, at most."""


def unheard(path: Path) -> None:
    """Of a file that nobody asks for."""


def _fingerprint(model: Model, z0: Tensor, text: Text, config: DragConfig, seed: int, std: Tensor | None) -> str:
    """Of all that decides a LoRA. Of a weight the first values must do: 3 GB would take longer than they save."""
    digest = hashlib.sha256()
    for tensor in (z0, *Conditioning.of(text).tensors, std, *(p.flatten()[:16] for p in model.unet.parameters())):
        digest.update(b"" if tensor is None else tensor.detach().float().cpu().numpy().tobytes())
    decided = (config.lora_rank, config.lora_steps, config.lora_learning_rate, config.lora_batch, seed)
    digest.update(repr((decided, model.prediction_type, str(model.unet.dtype))).encode())
    return digest.hexdigest()


def tuned(
    model: Model,
    z0: Tensor,
    text: Text,
    config: DragConfig = PAPER,
    *,
    file: Path,
    seed: int = 0,
    std: Tensor | None = None,
    callback: Callable[[Progress], None] = silent,
    tell: Callable[[str], None] = log.warning,
    kept: Callable[[Path], None] = unheard,
) -> LoRA:
    """The LoRA that ``file`` keeps if it was tuned on the same model, picture, text and settings; else ``train_lora``, kept
    there.

    What lies under that name and is something else is never touched: the LoRA is kept beside it as ``name-2``, ``name-3``
    and so on, and found there the next time. ``tell`` hears that in a sentence, and why a LoRA could not be kept, which
    is returned all the same; ``kept`` hears the file that was written. Raises ``ValueError`` before any tuning when the
    file cannot be written.
    """
    fingerprint = _fingerprint(model, z0, text, config, seed, std)
    for path in (file, *_beside(file)):
        if _fingerprint_in(path) == fingerprint:
            try:
                found = LoRA.load(path)
            except ValueError:
                continue  # damaged behind its header
            if not _fits(found, model):
                continue
            log.info("GoodDrag: the LoRA was read from %s", path)
            weights = {n: (d.to(z0.device), u.to(z0.device)) for n, (d, u) in found.weights.items()}
            return LoRA(found.rank, weights, fingerprint)
    _check(file, _size(model, config.lora_rank))
    result = lora.train_lora(model, z0, text, config, seed=seed, std=std, callback=callback)
    result = dataclasses.replace(result, fingerprint=fingerprint)
    while True:
        free = _free(file)
        try:
            result.save(free, new=True)
            break
        except FileExistsError:  # another run kept its own there just now
            continue
        except OSError as error:
            tell(f"The LoRA was tuned and is used, but could not be kept in {free}: {_reason(error)}.")
            return result
    kept(free)
    if free != file:
        tell(f"{file.name} is something else and was left as it is; the LoRA is kept beside it, in {free.name}.")
    return result


def _fits(found: LoRA, model: Model) -> bool:
    """Whether it has weights for every layer that is tuned, and for no other."""
    layers = {n: m.weight.shape for n, m in model.unet.named_modules() if n.endswith(TARGETS)}
    shapes = {n: (up.shape[0], down.shape[1]) for n, (down, up) in found.weights.items() if up.ndim == down.ndim == 2}
    return shapes == {n: tuple(shape[:2]) for n, shape in layers.items()} and all(
        w.is_floating_point() and found.rank in w.shape for pair in found.weights.values() for w in pair
    )


def _beside(file: Path) -> Iterator[Path]:
    """What lies beside ``file`` under the names that are taken when it is something else."""
    pattern = re.compile(re.escape(file.stem) + r"-(\d{1,6})" + re.escape(file.suffix))
    try:
        names = sorted((int(m[1]), n) for n in os.listdir(file.parent) if (m := pattern.fullmatch(n)))
    except OSError:
        return iter(())
    return (file.with_name(name) for _, name in names)


def _free(file: Path) -> Path:
    """``file``, or the first name beside it that nothing has."""
    names = (file if n == 1 else file.with_name(f"{file.stem}-{n}{file.suffix}") for n in count(1))
    return next(path for path in names if not os.path.lexists(path))


def _fingerprint_in(path: Path) -> str | None:
    """What the header of a kept LoRA says it was tuned on; None if it is anything else. Opens nothing but plain files:
    opening a pipe would wait for its other end."""
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            return None
        with safe_open(path, framework="pt") as opened:
            metadata = opened.metadata() or {}
    except Exception as error:
        log.debug("%s is no kept LoRA: %s", path, error)
        return None
    return metadata.get("gooddrag_fingerprint") if metadata.get("gooddrag_modules") else None


def _size(model: Model, rank: int) -> int:
    """Bytes of a LoRA's file."""
    shapes = [m.weight.shape for n, m in model.unet.named_modules() if n.endswith(TARGETS)]
    return sum(HEADER + (rows + cols) * rank * torch.float32.itemsize for rows, cols, *_ in shapes)


def _check(file: Path, size: int) -> None:
    try:
        files.check_text(file)
        files.check_name(file.name)
        files.check_room(_free(file), size)
    except (OSError, ValueError) as error:
        reason = _reason(error) if isinstance(error, OSError) else str(error)
        raise ValueError(
            f"the LoRA cannot be kept in {str(file)[:300]}: {reason}; give another file, or none to tune without keeping it"
        ) from None


def _reason(error: OSError) -> str:
    return error.strerror or str(error)
