"""Evaluate the U-Net only where the picture may change, with the unedited picture's activations around it.

Beyond a window around the mask the latent stays the unedited picture's. What the U-Net makes of it out there is then taken
from the unedited picture as well, instead of being evaluated again at every gradient and denoising step (spatially
incremental inference, SIGE, arXiv 2211.02048): convolutions see the unedited neighbours at the window's edge, group norms
count the values beyond it, self-attention looks at the whole picture. For the unedited latent this is exact; of an edited
one it leaves out what the edit would change in activations beyond the window.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial

import torch
import torch.nn.functional as F
from diffusers import UNet2DConditionModel
from torch import Tensor, nn

from .attention import remembering, wrapped
from .window import Window

Spread = tuple[int, Tensor, Tensor]
"""Of values: how many, their mean and the sum of their squared deviations, ``(b, groups)``."""


@dataclass(frozen=True)
class Surroundings:
    """What the U-Net makes of the unedited picture at one timestep, as far as a window of it depends on that, by the names of
    its layers: what the neighbours add to the rim of a convolution's output, ``(1, c, cells)``; how many values a group norm
    counts beyond the window, with their mean and the sum of their squared deviations, ``(1, groups)``; the inputs of every
    self-attention, ``(1, n, c)``."""

    window: Window
    convolutions: dict[str, Tensor]
    norms: dict[str, Spread]
    tokens: dict[str, Tensor]

    @property
    def tensors(self) -> list[Tensor]:
        spreads = [t for _, mean, deviations in self.norms.values() for t in (mean, deviations)]
        return [*self.convolutions.values(), *spreads, *self.tokens.values()]


def _rim(h: int, w: int, device: torch.device) -> Tensor:
    """The outermost of ``h`` x ``w`` cells: those of a 3x3 convolution that see the neighbours of its window."""
    rim = torch.ones(h, w, dtype=torch.bool, device=device)
    rim[1:-1, 1:-1] = False
    return rim


def _neighbours(conv: nn.Conv2d, x: Tensor, window: Window) -> Tensor:
    """What the cells around the window in a convolution's input ``x`` add to the rim of its output in the window."""
    height, width = x.shape[-2:]
    rows, cols = window.inside(height, width)
    frame = x[..., max(rows.start - 1, 0) : rows.stop + 1, max(cols.start - 1, 0) : cols.stop + 1]
    beyond = cols.start == 0, cols.stop == width, rows.start == 0, rows.stop == height
    frame = F.pad(frame, [int(side) for side in beyond]).clone()  # zeros where the frame leaves the map
    frame[..., 1:-1, 1:-1] = 0
    h, w = ((n - 3) // stride + 1 for n, stride in zip(frame.shape[-2:], conv.stride))
    # as a product with the few patches that reach out: a convolution would compute all of the window
    return conv.weight.flatten(1) @ F.unfold(frame, 3, stride=conv.stride)[..., _rim(h, w, x.device).flatten()]


def _precise(x: Tensor) -> Tensor:
    """Half precision as float32, in which torch's own norms compute too."""
    return x.float() if x.dtype in (torch.float16, torch.bfloat16) else x


def _spread(norm: nn.GroupNorm, x: Tensor) -> Spread:
    """In each group of ``x`` ``(b, c, h, w)``."""
    values = _precise(x).reshape(x.shape[0], norm.num_groups, -1)
    count = values.shape[-1]
    variance, mean = torch.var_mean(values, -1, correction=0)
    return count, mean, variance * count


def _without(whole: Spread, part: Spread) -> Spread:
    """The spread of the values of ``whole`` that are not in ``part``."""
    count = whole[0] - part[0]
    mean = (whole[0] * whole[1] - part[0] * part[1]) / max(count, 1)
    between = part[0] * count / whole[0] * (part[1] - mean) ** 2
    return count, mean, (whole[2] - part[2] - between).clamp(min=0)


@contextmanager
def recording(unet: UNet2DConditionModel, window: Window) -> Iterator[Surroundings]:
    """While active, an evaluation of the unedited latent ``(1, 4, h, w)`` fills the surroundings."""
    convolutions: dict[str, Tensor] = {}
    norms: dict[str, Spread] = {}

    def convolution(name: str):
        def hook(module: nn.Conv2d, inputs: tuple[Tensor], _output: Tensor) -> None:
            convolutions[name] = _neighbours(module, inputs[0], window)

        return hook

    def norm(name: str):
        def hook(module: nn.GroupNorm, inputs: tuple[Tensor], _output: Tensor) -> None:
            norms[name] = _without(_spread(module, inputs[0]), _spread(module, window.crop(inputs[0])))

        return hook

    with ExitStack() as hooks:
        for name, module in unet.named_modules():
            if isinstance(module, nn.Conv2d) and module.kernel_size == (3, 3):
                hooks.callback(module.register_forward_hook(convolution(name)).remove)
            elif isinstance(module, nn.GroupNorm):
                hooks.callback(module.register_forward_hook(norm(name)).remove)
        yield Surroundings(window, convolutions, norms, hooks.enter_context(remembering(unet)))


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


def _convolution(rim: Tensor):
    added: Tensor | None = None

    def hook(_module: nn.Conv2d, _inputs: tuple[Tensor], output: Tensor) -> Tensor:
        nonlocal added
        if added is None:
            added = torch.zeros_like(output[:1])
            added[..., _rim(*output.shape[-2:], output.device)] = rim
        return output + added

    return hook


def _norm(count: int, mean: Tensor, deviations: Tensor):
    def hook(module: nn.GroupNorm, inputs: tuple[Tensor], _output: Tensor) -> Tensor:
        x = inputs[0]
        own_count, own_mean, own_deviations = _spread(module, x)
        total = own_count + count
        shared = (own_count * own_mean + count * mean) / total
        between = own_count * count / total * (own_mean - mean) ** 2
        scale = ((own_deviations + deviations + between) / total + module.eps).rsqrt()
        channels = module.num_channels // module.num_groups
        scale, shared = (v.repeat_interleave(channels, 1)[..., None, None] for v in (scale, shared))
        weight, bias = (_precise(p)[:, None, None] for p in (module.weight, module.bias))
        return torch.addcmul(bias - shared * scale * weight, _precise(x), scale * weight).to(x.dtype)

    return hook


@contextmanager
def surrounded(unet: UNet2DConditionModel, by: Surroundings) -> Iterator[None]:
    """While active the U-Net takes windows of latents, ``(b, 4, h', w')``, and gives windows of its maps; also while gradients
    are taken of them."""
    modules = dict(unet.named_modules())
    beyond = {n: partial(_Surrounded, tokens=by.window.tokens_beyond(tokens)) for n, tokens in by.tokens.items()}
    with ExitStack() as hooks:
        for name, rim in by.convolutions.items():
            hooks.callback(modules[name].register_forward_hook(_convolution(rim)).remove)
        for name, values in by.norms.items():
            hooks.callback(modules[name].register_forward_hook(_norm(*values)).remove)
        hooks.enter_context(wrapped(unet, beyond))
        yield
