"""Group norm of a window of a map that also counts the values beyond the window."""

from __future__ import annotations

import torch
from torch import Tensor, nn

Spread = tuple[int, Tensor, Tensor]
"""Of the values of each group: how many, their mean and the sum of their squared deviations, ``(b, groups)``."""


def _precise(x: Tensor) -> Tensor:
    """Half precision as float32, in which torch's own norms compute too."""
    return x.float() if x.dtype in (torch.float16, torch.bfloat16) else x


def spread(norm: nn.GroupNorm, x: Tensor) -> Spread:
    """In each group of ``x`` ``(b, c, h, w)``."""
    b, c, h, w = x.shape
    # ten times faster on a CPU than torch.var_mean
    _, mean, inverse = torch.native_group_norm(_precise(x).contiguous(), None, None, b, c, h * w, norm.num_groups, 0.0)
    count = c // norm.num_groups * h * w
    return count, mean, inverse**-2 * count


def without(whole: Spread, part: Spread) -> Spread:
    """The spread of the values of ``whole`` that are not in ``part``."""
    count = whole[0] - part[0]
    mean = (whole[0] * whole[1] - part[0] * part[1]) / max(count, 1)
    between = part[0] * count / whole[0] * (part[1] - mean) ** 2
    return count, mean, (whole[2] - part[2] - between).clamp(min=0)


def _with(own: Spread, beyond: Spread) -> Spread:
    """The spread of all values."""
    count = own[0] + beyond[0]
    mean = (own[0] * own[1] + beyond[0] * beyond[1]) / count
    return count, mean, own[2] + beyond[2] + own[0] * beyond[0] / count * (own[1] - beyond[1]) ** 2


class _Norm(torch.autograd.Function):
    """``forward`` is y = weight * (x - mean) * scale + bias with mean and scale of all values; ``backward`` knows that those in
    the window move mean and scale. Written out, because autograd would keep and read five maps for it."""

    @staticmethod
    def forward(ctx, x: Tensor, norm: nn.GroupNorm, beyond: Spread) -> Tensor:
        count, mean, deviations = _with(spread(norm, x), beyond)
        scale = (deviations / count + norm.eps).rsqrt()
        ctx.save_for_backward(x, mean, scale)
        ctx.norm, ctx.count = norm, count
        each, shift = (v.repeat_interleave(x.shape[1] // norm.num_groups, 1) for v in (scale, scale * mean))
        weight, bias = _precise(norm.weight), _precise(norm.bias)
        factor, offset = (v[..., None, None] for v in (each * weight, bias - shift * weight))
        return torch.addcmul(offset, _precise(x), factor).to(x.dtype)

    @staticmethod
    def backward(ctx, gradient: Tensor) -> tuple[Tensor, None, None]:
        x, mean, scale = ctx.saved_tensors
        norm, dtype = ctx.norm, x.dtype
        x, gradient, weight = _precise(x), _precise(gradient), _precise(norm.weight)

        def by_group(values: Tensor) -> Tensor:
            return (values * weight).unflatten(1, (norm.num_groups, -1)).sum(-1)

        def by_channel(values: Tensor) -> Tensor:
            return values.repeat_interleave(x.shape[1] // norm.num_groups, 1)[..., None, None]

        plain, along = by_group(gradient.sum((2, 3))), by_group((gradient * x).sum((2, 3)))
        slope = scale**3 * (mean * plain - along) / ctx.count
        result = gradient * (by_channel(scale) * weight[:, None, None])
        result.addcmul_(x, by_channel(slope)).sub_(by_channel(scale * plain / ctx.count + slope * mean))
        return result.to(dtype), None, None


def normalized(norm: nn.GroupNorm, x: Tensor, beyond: Spread) -> Tensor:
    """What ``norm`` makes of a window ``x`` ``(b, c, h, w)`` of a map whose other values are spread as ``beyond``; also while
    gradients by ``x`` are taken, not by the norm's parameters."""
    return _Norm.apply(x, norm, beyond)
