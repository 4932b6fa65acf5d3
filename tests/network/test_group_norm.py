"""The group norm of a window is that of the whole map, and so is its gradient."""

import pytest
import torch

from gooddrag.network.group_norm import normalized, spread, without

WINDOW = (..., slice(2, 6), slice(1, 5))


@pytest.mark.parametrize(
    ("dtype", "tolerance"),
    [(torch.float64, 1e-12), (torch.float32, 1e-5), (torch.bfloat16, 2e-2), (torch.float16, 3e-3)],
)
def test_values_and_gradients_are_those_of_the_whole_map(dtype, tolerance):
    generator = torch.Generator().manual_seed(0)
    x, direction = (torch.randn(2, 16, 9, 7, dtype=torch.float64, generator=generator) for _ in range(2))
    direction = direction[WINDOW]
    norm = torch.nn.GroupNorm(4, 16, dtype=torch.float64).requires_grad_(False)
    norm.weight.normal_(generator=generator)
    norm.bias.normal_(generator=generator)
    whole = (3 * x + 20).to(dtype).double().requires_grad_()  # the mean is large beside the deviations
    expected = norm(whole)[WINDOW]
    (slope,) = torch.autograd.grad(expected, whole, direction)
    norm, whole = norm.to(dtype), whole.detach().to(dtype)
    window = whole[WINDOW].clone().requires_grad_()
    beyond = without(spread(norm, whole), spread(norm, window.detach()))
    seen = normalized(norm, window, beyond)
    (gradient,) = torch.autograd.grad(seen, window, direction.to(dtype))
    assert seen.dtype == gradient.dtype == dtype
    assert (seen.double() - expected).abs().max() < tolerance * expected.abs().max()
    assert (gradient.double() - slope[WINDOW]).abs().max() < tolerance * slope.abs().max()


def test_values_that_are_all_the_same_are_not_divided_by_zero():
    norm, x = torch.nn.GroupNorm(2, 4).requires_grad_(False), torch.full((1, 4, 4, 4), 7.0)
    beyond = without(spread(norm, x), spread(norm, x[..., :2, :2]))
    window = x[..., :2, :2].clone().requires_grad_()
    seen = normalized(norm, window, beyond)
    assert torch.equal(seen, torch.zeros_like(seen))
    assert torch.autograd.grad(seen.sum(), window)[0].isfinite().all()
