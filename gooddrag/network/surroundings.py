"""Evaluate the U-Net only where the picture may change, with the unedited picture's activations around it.

Beyond a window around the mask the latent stays the unedited picture's. What the U-Net makes of it out there is then taken
from the unedited picture as well, instead of being evaluated again at every gradient and denoising step (spatially
incremental inference, SIGE, arXiv 2211.02048): convolutions see the unedited neighbours at the window's edge, group norms
count the values beyond it, self-attention looks at the whole picture. For the unedited latent this is exact; of an edited
one it leaves out what the edit would change in activations beyond the window.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .attention import remembering, wrapped
from .group_norm import Spread, normalized, spread, without
from .window import Window

if TYPE_CHECKING:
    from diffusers import UNet2DConditionModel


@dataclass(frozen=True)
class Surroundings:
    """What the U-Net makes of the unedited picture at one timestep, as far as a window of it depends on that, by the names of
    its layers: the ring of cells around the window in the input of every 3x3 convolution, ``(1, c, cells)``; the spread of
    the values beyond the window in the input of every group norm; the inputs of every self-attention, ``(1, n, c)``."""

    window: Window
    rings: dict[str, Tensor]
    norms: dict[str, Spread]
    tokens: dict[str, Tensor]

    @property
    def tensors(self) -> list[Tensor]:
        spreads = [t for _, mean, deviations in self.norms.values() for t in (mean, deviations)]
        return [*self.rings.values(), *spreads, *self.tokens.values()]


def _ring(x: Tensor, window: Window) -> Tensor:
    """The cells around the window in a map ``x``, ``(1, c, cells)``: above, below, left and right of it; zeros beyond the map."""
    height, width = x.shape[-2:]
    rows, cols = window.inside(height, width)
    frame = x[..., max(rows.start - 1, 0) : rows.stop + 1, max(cols.start - 1, 0) : cols.stop + 1]
    beyond = cols.start == 0, cols.stop == width, rows.start == 0, rows.stop == height
    frame = F.pad(frame, [int(side) for side in beyond])
    return torch.cat([frame[..., 0, :], frame[..., -1, :], frame[..., 1:-1, 0], frame[..., 1:-1, -1]], -1)


def _frame(ring: Tensor, h: int, w: int) -> Tensor:
    """A ring as a map with zeros in its window of ``h`` x ``w`` cells."""
    frame = ring.new_zeros(1, ring.shape[1], h + 2, w + 2)
    sides = frame[..., 0, :], frame[..., -1, :], frame[..., 1:-1, 0], frame[..., 1:-1, -1]
    for side, cells in zip(sides, ring.split([w + 2, w + 2, h, h], -1)):
        side.copy_(cells)
    return frame


@contextmanager
def _computing(forwards: dict[nn.Module, Callable[[Tensor], Tensor]]) -> Iterator[None]:
    """While active, these modules compute something else; in any case their own forward pass is put back."""
    before = {module: vars(module).get("forward") for module in forwards}
    try:
        for module, forward in forwards.items():
            module.forward = forward  # hides the one of the class
        yield
    finally:
        for module, forward in before.items():
            if forward is None:
                del module.forward
            else:
                module.forward = forward


@contextmanager
def recording(unet: UNet2DConditionModel, window: Window) -> Iterator[Surroundings]:
    """While active, an evaluation of the unedited latent ``(1, 4, h, w)`` fills the surroundings."""
    rings: dict[str, Tensor] = {}
    norms: dict[str, Spread] = {}

    def convolution(name: str, own: Callable[[Tensor], Tensor]):
        def forward(x: Tensor) -> Tensor:
            rings[name] = _ring(x, window)
            return own(x)

        return forward

    def norm(name: str, module: nn.GroupNorm, own: Callable[[Tensor], Tensor]):
        def forward(x: Tensor) -> Tensor:
            norms[name] = without(spread(module, x), spread(module, window.crop(x)))
            return own(x)

        return forward

    forwards, layers = {}, []
    for name, module in unet.named_modules():
        if isinstance(module, nn.Conv2d) and module.kernel_size == (3, 3):
            forwards[module] = convolution(name, module.forward)
        elif isinstance(module, nn.GroupNorm):
            forwards[module] = norm(name, module, module.forward)
        elif name.endswith(".attn1"):
            layers.append(name)
    with _computing(forwards), remembering(unet, layers) as tokens:
        yield Surroundings(window, rings, norms, tokens)


class _Surrounded:
    """Self-attention of the window's tokens to themselves and to the ``tokens`` beyond it, ``(1, m, c)``, whose keys and
    values are made once."""

    def __init__(self, processor, tokens: Tensor):
        self.processor, self.tokens = processor, tokens
        self.beyond: list[Tensor] = []

    def __call__(
        self, attn, hidden_states: Tensor, encoder_hidden_states: Tensor | None = None, *args, **kwargs
    ) -> Tensor:
        if encoder_hidden_states is not None:  # mutual attention looks at the whole source anyway
            return self.processor(attn, hidden_states, encoder_hidden_states, *args, **kwargs)
        if not self.beyond:
            with torch.no_grad():
                self.beyond = [attn.to_k(self.tokens), attn.to_v(self.tokens)]
        own = attn.to_k(hidden_states), attn.to_v(hidden_states)
        key, value = (torch.cat([a, b.expand(len(a), -1, -1)], 1) for a, b in zip(own, self.beyond))
        query, key, value = (
            x.unflatten(-1, (attn.heads, -1)).transpose(1, 2) for x in (attn.to_q(hidden_states), key, value)
        )
        seen = F.scaled_dot_product_attention(query, key, value).transpose(1, 2).flatten(2)
        return attn.to_out[1](attn.to_out[0](seen))


def _convolution(conv: nn.Conv2d, ring: Tensor) -> Callable[[Tensor], Tensor]:
    own, padding = conv.forward, conv.padding
    frame: Tensor | None = None

    def forward(x: Tensor) -> Tensor:
        nonlocal frame
        if frame is None:
            frame = _frame(ring, *x.shape[-2:])
        conv.padding = (0, 0)  # the ring is there instead
        try:
            return own(F.pad(x, (1, 1, 1, 1)).add_(frame))
        finally:
            conv.padding = padding

    return forward


@contextmanager
def surrounded(unet: UNet2DConditionModel, by: Surroundings) -> Iterator[None]:
    """While active the U-Net takes windows of latents, ``(b, 4, h', w')``, and gives windows of its maps; also while gradients
    are taken of them."""
    forwards = {}
    for name, ring in by.rings.items():
        conv = unet.get_submodule(name)
        forwards[conv] = _convolution(conv, ring)
    for name, values in by.norms.items():
        norm = unet.get_submodule(name)
        forwards[norm] = partial(normalized, norm, beyond=values)
    beyond = {n: partial(_Surrounded, tokens=by.window.tokens_beyond(tokens)) for n, tokens in by.tokens.items()}
    with _computing(forwards), wrapped(unet, beyond):
        yield
