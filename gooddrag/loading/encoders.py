"""Prompts as what a U-Net is told: by CLIP's text encoder, or by the two of SDXL."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from ..libraries import importing
from ..network.conditioning import Text, added_width, with_sizes

if TYPE_CHECKING:
    from diffusers import UNet2DConditionModel
    from transformers import CLIPTextModel, CLIPTokenizer

Encode = Callable[[str, tuple[int, int]], Text]
"""What a U-Net is told of a prompt for a picture of a size (width, height)."""

START, END, LENGTH = 49406, 49407, 77
"""Token ids that begin and end a text, and how many tokens there always are."""


@dataclass(frozen=True)
class Encoder:
    """A text encoder, which is on ``device`` only while it encodes: a prompt is one evaluation, and a drag needs the memory.
    ``tokenizer`` is asked for only when there are words, ``pad`` is the id that fills up."""

    model: CLIPTextModel
    tokenizer: Callable[[], CLIPTokenizer]
    device: str | torch.device
    pad: int = END

    def ids(self, prompt: str) -> Tensor:
        """``(1, 77)``. Those of the empty prompt need no vocabulary."""
        words = [START, END]
        if prompt:
            words = self.tokenizer()(prompt, max_length=LENGTH, truncation=True).input_ids
        return torch.tensor([words + (LENGTH - len(words)) * [self.pad]])

    @torch.no_grad()
    def __call__(self, prompt: str):
        ids = self.ids(prompt)
        try:
            return self.model.to(self.device)(ids.to(self.device), output_hidden_states=True)
        finally:
            self.model.to("cpu")


def one(encoder: Encoder) -> Encode:
    """Stable Diffusion 1.x and 2.x: the last layer."""
    return lambda prompt, size: encoder(prompt)[0]


def two(unet: UNet2DConditionModel, first: Encoder, second: Encoder) -> Encode:
    """SDXL: the last layer but one of both side by side, the ``second``'s pooled text, and the size of the padded picture."""

    def encode(prompt: str, size: tuple[int, int]) -> Text:
        a, b = first(prompt), second(prompt)
        text = torch.cat([a.hidden_states[-2], b.hidden_states[-2]], dim=-1)
        return with_sizes(unet, text, b.text_embeds, _padded(size))

    return encode


def none(unet: UNet2DConditionModel) -> Encode:
    """A model without a text encoder: zeros."""

    def encode(prompt: str, size: tuple[int, int]) -> Text:
        if prompt:
            raise ValueError("this model has no text encoder; leave the prompt empty")
        text, width = torch.zeros(1, 1, unet.config.cross_attention_dim), added_width(unet)
        if width is None:
            return text
        pooled = torch.zeros(1, width - 6 * unet.config.addition_time_embed_dim)
        return with_sizes(unet, text, pooled, _padded(size))

    return encode


def _padded(size: tuple[int, int]) -> tuple[int, int]:
    width, height = (-(-side // 8) * 8 for side in size)
    return width, height


def hub_tokenizer() -> CLIPTokenizer:
    """CLIP's vocabulary, which all these encoders share, from the hub's cache on this machine; nothing is downloaded. Raises
    ``ValueError`` where it is not there."""
    with importing("transformers"):
        from transformers import CLIPTokenizer
    name = "openai/clip-vit-large-patch14"
    try:
        return CLIPTokenizer.from_pretrained(name, local_files_only=True)
    except Exception:
        raise ValueError(
            f"a prompt needs the tokenizer {name}, which is not on this machine; get it by hf download {name}, leave the prompt "
            "empty, or use a diffusers folder that brings its tokenizer"
        ) from None
