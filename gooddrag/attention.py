"""Mutual self-attention (MasaCtrl, arXiv 2304.08465): the edited picture looks at the source for its texture."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from diffusers import UNet2DConditionModel
from torch import Tensor


class _MutualSelfAttention:
    """Runs the wrapped processor with keys and values made from the first element of the batch."""

    def __init__(self, processor):
        self.processor = processor

    def __call__(
        self, attn, hidden_states: Tensor, encoder_hidden_states: Tensor | None = None, *args, **kwargs
    ) -> Tensor:
        source = hidden_states[:1].expand_as(hidden_states)
        return self.processor(attn, hidden_states, source, *args, **kwargs)


def self_attention_layers(unet: UNet2DConditionModel, blocks: Sequence[str]) -> list[str]:
    """Names of the self-attention processors in the named blocks, in the order of the U-Net."""
    prefixes = tuple(f"{block}." for block in blocks)
    names = [n for n in unet.attn_processors if n.startswith(prefixes) and n.endswith("attn1.processor")]
    for prefix in prefixes:
        if not any(n.startswith(prefix) for n in names):
            raise ValueError(f"mutual_blocks names {prefix[:-1]!r}, which has no self-attention in this U-Net")
    return names


@contextmanager
def mutual_self_attention(unet: UNet2DConditionModel, blocks: Sequence[str]) -> Iterator[None]:
    """While active, the U-Net takes batches [source, edited] and, in the self-attention layers of ``blocks``, both
    elements attend to the source's keys and values. The processors are put back in any case."""
    before = dict(unet.attn_processors)
    layers = set(self_attention_layers(unet, blocks))
    try:
        unet.set_attn_processor({n: _MutualSelfAttention(p) if n in layers else p for n, p in before.items()})
        yield
    finally:
        unet.set_attn_processor(before)
