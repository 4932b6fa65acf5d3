"""Convolutions whose weights are frozen: less memory for gradients, and on a CPU less time for small maps."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor, nn

if TYPE_CHECKING:
    from diffusers import UNet2DConditionModel

LARGE = 32 * 2**20
"""Bytes of weights. On a CPU torch's convolution copies the weights each time into the order it likes; a larger copy is memory
that glibc takes from the system, cleared page by page, and gives back, each time."""

SMALL = 20 * 20
"""Cells of a map up to which a matrix product, which copies the map instead, is then faster (up to 2.5 times)."""


def _as_product(conv: nn.Conv2d, x: Tensor, cells: int) -> bool:
    return x.device.type == "cpu" and len(x) == 1 and cells <= SMALL and conv.weight.nbytes > LARGE


def _forward(conv: nn.Conv2d, x: Tensor) -> Tensor:
    sizes = zip(x.shape[2:], conv.kernel_size, conv.padding, conv.stride)
    h, w = ((size + 2 * padding - kernel) // stride + 1 for size, kernel, padding, stride in sizes)
    if not _as_product(conv, x, h * w):
        return F.conv2d(x, conv.weight, conv.bias, conv.stride, conv.padding)
    (patches,) = F.unfold(x, conv.kernel_size, padding=conv.padding, stride=conv.stride)
    return torch.addmm(conv.bias[:, None], conv.weight.flatten(1), patches).view(1, -1, h, w)


def _backward(conv: nn.Conv2d, gradient: Tensor, shape: torch.Size, padding: tuple[int, int]) -> Tensor:
    weight = conv.weight.to(gradient.dtype)  # under autocast the two differ
    if not _as_product(conv, gradient, gradient[0, 0].numel()):
        return torch.nn.grad.conv2d_input(shape, weight, gradient, conv.stride, padding)
    patches = weight.flatten(1).T @ gradient[0].flatten(1)
    return F.fold(patches[None], shape[2:], conv.kernel_size, padding=padding, stride=conv.stride)


class _Convolution(torch.autograd.Function):
    """Keeps nothing. torch's own keeps the input, which only the gradient of the weights would need."""

    @staticmethod
    def forward(ctx, x: Tensor, conv: nn.Conv2d) -> Tensor:
        ctx.conv, ctx.shape, ctx.padding = conv, x.shape, conv.padding
        return _forward(conv, x)

    @staticmethod
    def backward(ctx, gradient: Tensor) -> tuple[Tensor, None]:
        return _backward(ctx.conv, gradient, ctx.shape, ctx.padding), None


def _convolved(conv: nn.Conv2d, x: Tensor) -> Tensor:
    return _forward(conv, x) if conv.weight.requires_grad else _Convolution.apply(x, conv)


def freeze(unet: UNet2DConditionModel) -> None:
    """Take no gradients of the weights any more, and let the convolutions make use of that."""
    unet.requires_grad_(False).eval()
    for module in unet.modules():
        if type(module) is nn.Conv2d and "forward" not in vars(module):
            module.forward = partial(_convolved, module)


def release(unet: UNet2DConditionModel) -> None:
    """Undo ``freeze`` of convolutions: a module that refers to itself keeps its weights until Python looks for cycles."""
    for module in unet.modules():
        if isinstance(getattr(module, "forward", None), partial):
            del module.forward
