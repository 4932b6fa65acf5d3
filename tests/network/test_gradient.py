"""Gradients where float16 or the memory is too small for them, on losses whose gradients are known."""

import pytest
import torch

from gooddrag.network.gradient import LOSS_SCALE, Gradients


def at_once(compute):
    return compute()


def test_each_latent_gets_the_gradient_of_its_own_loss():
    latents = [torch.full((1, 4, 2, 2), value, requires_grad=True) for value in (1.0, 2.0)]
    gradients, losses = Gradients(torch.float32, at_once)(lambda: [(z**2).sum() for z in latents], latents)
    assert losses == [16, 64]
    assert [g.unique().item() for g in gradients] == [2, 4]


@pytest.mark.parametrize("factor", [1e-7, 1.0, 100.0])
def test_float16_neither_loses_nor_overflows(factor):
    """The gradient passes through a float16 network: 1e-7 would be rounded, 100 times the first scale overflows."""
    z = torch.ones(1, 4, 2, 2, requires_grad=True)
    evaluated = []

    def losses():
        evaluated.append(1)
        return [(z.half() * 1.0).float().sum() * factor]

    gradients = Gradients(torch.float16, at_once)
    (gradient,), _ = gradients(losses, [z])
    assert torch.allclose(gradient, torch.full_like(z, factor), rtol=1e-3)
    assert len(evaluated) == (2 if factor * LOSS_SCALE > torch.finfo(torch.float16).max else 1)
    gradients(losses, [z])
    assert len(evaluated) == (3 if factor * LOSS_SCALE > torch.finfo(torch.float16).max else 2)  # the lower scale stays


def test_what_no_scale_makes_finite_is_said():
    z = torch.ones(1, 4, 2, 2, requires_grad=True)
    for dtype in (torch.float16, torch.bfloat16, torch.float32):
        cure = "look at its weights" if dtype == torch.float32 else "load it in float32, or look at its weights"
        with pytest.raises(
            ValueError, match=f"holds values that are NaN or infinite; the U-Net made them in {dtype}: {cure}"
        ):
            Gradients(dtype, at_once)(lambda: [(z * torch.inf).sum()], [z])
