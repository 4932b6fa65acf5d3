"""Frozen convolutions are torch's own, whichever way they are computed, and keep nothing for the backward pass."""

import copy

import pytest
import torch
from torch import nn

from gooddrag import Model
from gooddrag.network import convolution

SETTINGS = {"3x3": dict(padding=1), "down": dict(padding=1, stride=2), "no padding": {}}


class Net(nn.Module):
    def __init__(self, **settings):
        super().__init__()
        self.conv = nn.Conv2d(3, 5, 3, dtype=torch.float64, **settings)

    def forward(self, x):
        return self.conv(x)


def gradient(conv, x, direction):
    return torch.autograd.grad(conv(x), x, direction)[0]


@pytest.mark.parametrize("settings", SETTINGS.values(), ids=SETTINGS)
@pytest.mark.parametrize("batch", [1, 2])
@pytest.mark.parametrize("large", [0, convolution.LARGE], ids=["as a product", "as torch does it"])
def test_values_and_gradients_are_those_of_torch(settings, batch, large, monkeypatch):
    torch.manual_seed(0)
    plain, x = Net(**settings), torch.randn(batch, 3, 7, 6, dtype=torch.float64, requires_grad=True)
    frozen = copy.deepcopy(plain)
    convolution.freeze(frozen)
    direction = torch.randn_like(plain(x))
    expected = plain(x), gradient(plain, x, direction)
    products = []
    product = torch.addmm
    monkeypatch.setattr(torch, "addmm", lambda *args: products.append(1) or product(*args))
    monkeypatch.setattr(convolution, "LARGE", large)
    assert torch.allclose(frozen(x), expected[0], atol=1e-12)
    assert torch.allclose(gradient(frozen, x, direction), expected[1], atol=1e-12)
    assert bool(products) == (batch == 1 and large == 0)


@pytest.mark.parametrize("large", [0, convolution.LARGE], ids=["as a product", "as torch does it"])
def test_gradients_under_autocast_whose_type_is_not_that_of_the_weights(large, monkeypatch):
    monkeypatch.setattr(convolution, "LARGE", large)
    torch.manual_seed(0)
    plain, x = Net(padding=1).float(), torch.randn(1, 3, 7, 6, requires_grad=True)
    frozen = copy.deepcopy(plain)
    convolution.freeze(frozen)
    direction = torch.randn_like(plain(x))
    with torch.autocast("cpu", torch.bfloat16):
        given = gradient(frozen, x, direction.bfloat16())
    assert torch.allclose(given.float(), gradient(plain, x, direction), rtol=0.05, atol=0.05)


def test_nothing_is_kept_for_the_backward_pass():
    def kept(net) -> int:
        tensors = []
        with torch.autograd.graph.saved_tensors_hooks(lambda t: tensors.append(t) or t, lambda t: t):
            net(torch.randn(1, 3, 7, 6, dtype=torch.float64, requires_grad=True))
        return len(tensors)

    net = Net(padding=1).requires_grad_(False)
    assert kept(net) > 0
    convolution.freeze(net)
    assert kept(net) == 0


def test_weights_that_are_trained_after_all_have_their_gradients():
    net = Net(padding=1)
    convolution.freeze(net)
    net.requires_grad_(True)
    net(torch.randn(1, 3, 7, 6, dtype=torch.float64)).sum().backward()
    assert net.conv.weight.grad is not None


def test_a_copy_of_a_frozen_network_has_its_own_weights_and_a_foreign_forward_pass_stays(unet):
    def foreign(x):
        return nn.Conv2d.forward(unet.conv_in, x)

    unet.conv_in.forward = foreign
    model = Model(unet)
    assert model.unet.conv_in.forward is foreign
    other = copy.deepcopy(unet)
    x = torch.randn(1, unet.conv_out.in_channels, 4, 4)
    with torch.no_grad():
        other.conv_out.weight.zero_()
    assert torch.equal(other.conv_out(x), other.conv_out.bias[:, None, None].expand(1, 4, 4, 4))
    assert unet.conv_out(x).abs().sum() > 0
