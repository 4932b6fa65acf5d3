"""Mutual self-attention (MasaCtrl, arXiv 2304.08465): the edited picture looks at the source for its texture."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from diffusers import UNet2DConditionModel
from torch import Tensor


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


def self_attention_layers(unet: UNet2DConditionModel, blocks: Sequence[str] | None = None) -> list[str]:
    """Names of the self-attention processors in the named blocks, or in all, in the order of the U-Net."""
    if blocks is None:
        return [n for n in unet.attn_processors if n.endswith("attn1.processor")]
    prefixes = tuple(f"{block}." for block in blocks)
    names = [n for n in unet.attn_processors if n.startswith(prefixes) and n.endswith("attn1.processor")]
    for prefix in prefixes:
        if not any(n.startswith(prefix) for n in names):
            raise ValueError(f"mutual_blocks names {prefix[:-1]!r}, which has no self-attention in this U-Net")
    return names


@contextmanager
def replaced(unet: UNet2DConditionModel, changes: Mapping[str, object]) -> Iterator[None]:
    """While active, other processors in some layers; those that were there are put back in any case."""
    before = dict(unet.attn_processors)
    try:
        unet.set_attn_processor({**before, **changes})
        yield
    finally:
        unet.set_attn_processor(before)


@contextmanager
def remembering(unet: UNet2DConditionModel, blocks: Sequence[str] | None = None) -> Iterator[dict[str, Tensor]]:
    """While active, the inputs ``(b, tokens, C)`` of the self-attention layers of ``blocks``, or of all, are collected by name."""
    memory: dict[str, Tensor] = {}
    before = unet.attn_processors
    layers = self_attention_layers(unet, blocks)
    with replaced(unet, {n: _Remembering(before[n], memory, n) for n in layers}):
        yield memory


@contextmanager
def looking_at(unet: UNet2DConditionModel, memory: Mapping[str, Tensor]) -> Iterator[None]:
    """While active, the layers of ``memory`` take their keys and values from what was remembered of the source."""
    before = unet.attn_processors
    with replaced(unet, {n: _Looking(before[n], source) for n, source in memory.items()}):
        yield
