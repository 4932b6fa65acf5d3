"""LoRAs that ComfyUI adds while a layer runs ("bypass") and not to its weights: as weights and biases after all."""

from __future__ import annotations

import inspect
from collections.abc import Callable

import torch
from comfy.model_patcher import ModelPatcher
from comfy.weight_adapter import BypassInjectionManager
from comfy.weight_adapter.bypass import BypassForwardHook
from torch import Tensor, nn
from torch.nn import functional as F


def _manager(injection) -> BypassInjectionManager | None:
    found = (
        inspect.getclosurevars(injection.inject).nonlocals.get("self") if inspect.isfunction(injection.inject) else None
    )
    return found if isinstance(found, BypassInjectionManager) else None


def is_bypass(injections: list) -> bool:
    """Whether these injections of a MODEL are LoRAs in bypass form, and nothing else."""
    return all(_manager(injection) for injection in injections)


def adapters(model: ModelPatcher) -> dict[str, list[BypassForwardHook]]:
    """The bypass LoRAs of a MODEL by the name of the module they are on, innermost first."""
    hooks = [h for given in model.injections.values() if is_bypass(given) for i in given for h in _manager(i).hooks]
    if not hooks:
        return {}
    names = {id(module): name for name, module in model.model.named_modules()}
    result: dict[str, list[BypassForwardHook]] = {}
    for hook in hooks:
        if id(hook.module) in names:
            result.setdefault(names[id(hook.module)], []).append(hook)
    return result


@torch.inference_mode(False)
@torch.no_grad()
def merged(hooks: list[BypassForwardHook], weight: Tensor, bias: Tensor | None) -> tuple[Tensor, Tensor | None]:
    """Weight and bias, float32, of a layer that runs with ``hooks`` around ``weight`` and ``bias``.

    A linear layer or convolution with an adapter is still an affine map: its weight is read off unit impulses, its bias off
    zeros, through the adapter's own ``bypass_forward``. Raises ``ValueError`` when the layer is no such map.
    """
    module = hooks[0].module
    weight, bias = weight.float(), None if bias is None else bias.float()
    with torch.backends.cudnn.flags(allow_tf32=False):
        for hook in hooks:
            device = next((w.device for w in _tensors(hook.adapter)), weight.device)
            inner = _layer(module, weight.to(device), None if bias is None else bias.to(device))

            def run(x: Tensor, hook=hook, inner=inner) -> Tensor:
                return hook.adapter.bypass_forward(inner, x).float()

            read = _conv if weight.ndim == 4 else _linear
            with_bias = read(module, run, weight.shape, device)
            if with_bias is None:
                raise ValueError(
                    f"the LoRA that is on `model` in bypass form ({type(hook.adapter).__name__}) is no plain sum of weights; "
                    "load it with an ordinary LoRA loader"
                )
            weight, bias = with_bias[0], with_bias[1] if bias is not None or with_bias[1].any() else None
    return weight, bias


def _tensors(adapter) -> list[Tensor]:
    if isinstance(adapter, nn.Module):
        return list(adapter.parameters())
    weights = adapter.weights if isinstance(adapter.weights, (list, tuple)) else [adapter.weights]
    return [w for w in weights if isinstance(w, Tensor)]


def _layer(module: nn.Module, weight: Tensor, bias: Tensor | None) -> Callable[[Tensor], Tensor]:
    if weight.ndim == 4:
        return lambda x: F.conv2d(x, weight, bias, module.stride, module.padding, module.dilation, module.groups)
    return lambda x: F.linear(x, weight, bias)


def _linear(module: nn.Module, run: Callable, shape: torch.Size, device) -> tuple[Tensor, Tensor] | None:
    bias = run(torch.zeros(1, shape[1], device=device))[0]
    weight = (run(torch.eye(shape[1], device=device)) - bias).T.contiguous()
    return _checked(module, run, weight, bias, (3, shape[1]))


def _conv(module: nn.Module, run: Callable, shape: torch.Size, device) -> tuple[Tensor, Tensor] | None:
    """Of the output at one place, where tap (a, b) of the kernel sees one place of the input each."""
    channels = shape[1]
    middle = [-(-p // s) for p, s in zip(module.padding, module.stride)]
    first = [m * s - p for m, s, p in zip(middle, module.stride, module.padding)]
    size = [f + d * (k - 1) + 1 for f, d, k in zip(first, module.dilation, shape[2:])]
    bias = run(torch.zeros(1, channels, *size, device=device))[0, :, middle[0], middle[1]]
    weight = torch.empty(shape, device=device)
    for a in range(shape[2]):
        for b in range(shape[3]):
            x = torch.zeros(channels, channels, *size, device=device)
            x[:, :, first[0] + module.dilation[0] * a, first[1] + module.dilation[1] * b] = torch.eye(
                channels, device=device
            )
            weight[:, :, a, b] = (run(x)[:, :, middle[0], middle[1]] - bias).T
    return _checked(module, run, weight, bias, (1, channels, *(s + 2 for s in size)))


def _checked(module: nn.Module, run: Callable, weight: Tensor, bias: Tensor, shape) -> tuple[Tensor, Tensor] | None:
    x = torch.randn(shape, generator=torch.Generator().manual_seed(0)).to(weight.device)
    expected = run(x)
    close = torch.allclose(
        _layer(module, weight, bias)(x), expected, rtol=1e-3, atol=1e-3 * expected.abs().max().item()
    )
    return (weight, bias) if close else None
