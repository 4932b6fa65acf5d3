"""Mutual self-attention (MasaCtrl, arXiv 2304.08465): the edited picture looks at the source for its texture."""

from __future__ import annotations

import reprlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

from torch import Tensor

if TYPE_CHECKING:
    from diffusers import UNet2DConditionModel


class _Remembering:
    """Runs the wrapped processor and keeps what went into it."""

    def __init__(self, processor, memory: dict[str, Tensor], name: str):
        self.processor, self.memory, self.name = processor, memory, name

    def __call__(self, attn, hidden_states: Tensor, *args, **kwargs) -> Tensor:
        self.memory[self.name] = hidden_states.detach()
        return self.processor(attn, hidden_states, *args, **kwargs)


class _Looking:
    """Runs the wrapped processor with keys and values made from ``source`` ``(1, tokens, C)``."""

    def __init__(self, processor, source: Tensor):
        self.processor, self.source = processor, source

    def __call__(
        self, attn, hidden_states: Tensor, encoder_hidden_states: Tensor | None = None, *args, **kwargs
    ) -> Tensor:
        source = self.source.expand(hidden_states.shape[0], -1, -1)
        return self.processor(attn, hidden_states, source, *args, **kwargs)


def self_attention_layers(unet: UNet2DConditionModel, blocks: Sequence[str]) -> list[str]:
    """Names of the self-attention layers in the named blocks. Raises ``ValueError`` where a block has none."""
    names: list[str] = []
    for block in blocks:
        try:
            inside = [n for n, _ in unet.get_submodule(block).named_modules() if n.endswith("attn1")]
        except AttributeError:
            inside = []
        if not inside:
            raise ValueError(f"mutual_blocks names {reprlib.repr(block)}, which has no self-attention in this U-Net")
        names += [f"{block}.{n}" for n in inside]
    return names


@contextmanager
def wrapped(unet: UNet2DConditionModel, wrappers: Mapping[str, Callable]) -> Iterator[None]:
    """While active, some attention layers have the processor that a wrapper makes of their own; theirs is put back in any
    case."""
    # not by ``unet.set_attn_processor``, which walks through the whole network: 16 ms for a GPU to wait at every timestep
    layers = {name: unet.get_submodule(name) for name in wrappers}
    before = {name: layer.processor for name, layer in layers.items()}
    try:
        for name, layer in layers.items():
            layer.set_processor(wrappers[name](before[name]))
        yield
    finally:
        for name, layer in layers.items():
            layer.set_processor(before[name])


@contextmanager
def remembering(unet: UNet2DConditionModel, layers: Sequence[str]) -> Iterator[dict[str, Tensor]]:
    """While active, the inputs ``(b, tokens, C)`` of the named self-attention layers are collected by name."""
    memory: dict[str, Tensor] = {}
    with wrapped(unet, {n: partial(_Remembering, memory=memory, name=n) for n in layers}):
        yield memory


@contextmanager
def looking_at(unet: UNet2DConditionModel, memory: Mapping[str, Tensor]) -> Iterator[None]:
    """While active, the layers of ``memory`` take their keys and values from what was remembered of the source."""
    with wrapped(unet, {n: partial(_Looking, source=source) for n, source in memory.items()}):
        yield
