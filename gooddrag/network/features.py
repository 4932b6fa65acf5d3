"""What the U-Net predicts, and the feature map F that it passes on the way."""

from __future__ import annotations

import reprlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from torch import Tensor, nn

from .conditioning import Conditioning, Text, adding

if TYPE_CHECKING:
    from diffusers import UNet2DConditionModel


class _Reached(Exception):
    """Raised inside the forward pass once the feature block has run, when nothing after it is wanted."""


def feature_block(unet: UNet2DConditionModel, name: str) -> nn.Module:
    """The block by its name in the U-Net, ``"up_blocks.2"`` in the paper. Raises ``ValueError``."""
    blocks = {"mid_block": unet.mid_block} if unet.mid_block is not None else {}  # a distilled SDXL has none
    blocks.update((f"up_blocks.{i}", block) for i, block in enumerate(unet.up_blocks))
    if name not in blocks:
        raise ValueError(f"feature_block is {reprlib.repr(name)}; this U-Net has {', '.join(blocks)}")
    return blocks[name]


@contextmanager
def _capture(block: nn.Module, stop: bool) -> Iterator[list[Tensor]]:
    seen: list[Tensor] = []

    def hook(_module: nn.Module, _inputs: tuple, output: Tensor) -> None:
        seen.append(output)
        if stop:
            raise _Reached

    handle = block.register_forward_hook(hook)
    try:
        yield seen
    finally:
        handle.remove()


def predict(unet: UNet2DConditionModel, z: Tensor, t: int | Tensor, text: Text) -> Tensor:
    """The U-Net's prediction for ``z`` ``(b, 4, h, w)`` at ``t``, given ``text`` ``(1, tokens, D)`` or more; in z's dtype."""
    dtype = unet.conv_in.weight.dtype  # ``unet.dtype`` walks through all modules, at every step
    given = Conditioning.of(text).held(z, t)
    more = given.residuals.arguments(dtype) if given.residuals else {}
    words = given.text.to(device=z.device, dtype=dtype).expand(z.shape[0], -1, -1)
    with adding(unet, given.added):
        return unet(z.to(dtype), t, encoder_hidden_states=words, **more).sample.to(z.dtype)


def predict_with_features(
    unet: UNet2DConditionModel, z: Tensor, t: int, text: Text, block: str, *, features_only: bool = False
) -> tuple[Tensor | None, Tensor]:
    """The prediction and F(z), the output of ``block``, ``(b, C, h', w')`` at the block's own resolution.

    ``features_only`` leaves the forward pass after the block; the prediction is then None.
    """
    prediction = None
    with _capture(feature_block(unet, block), stop=features_only) as seen:
        try:
            prediction = predict(unet, z, t, text)
        except _Reached:
            pass
    return prediction, seen[0].to(z.dtype)
