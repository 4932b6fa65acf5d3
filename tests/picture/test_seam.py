"""The edit's share around the mask's edge, against its definition."""

import pytest
import torch

from gooddrag.picture.seam import pasted, share


def by_definition(mask, feather):
    """The lowest cone over every pixel; distances of straight and diagonal steps."""
    rows, cols = (torch.arange(side, dtype=torch.float64) for side in mask.shape)
    down, right = (rows[:, None] - rows).abs(), (cols[:, None] - cols).abs()
    down, right = down[:, None, :, None], right[None, :, None, :]
    far = torch.maximum(down, right) + (2**0.5 - 1) * torch.minimum(down, right)
    return (mask + far / feather).amin(dim=(2, 3))


@pytest.mark.parametrize("feather", [1.5, 2, 3, 4, 5.5, 8, 13])
@pytest.mark.parametrize("shape", [(20, 23), (9, 31)])
def test_it_is_the_lowest_cone_over_the_mask(feather, shape):
    generator = torch.Generator().manual_seed(7)
    spots = torch.rand(shape, generator=generator) > 0.99
    for mask in (1 - spots.float(), (1 - spots.float()) * torch.rand(shape, generator=generator), spots.float()):
        expected = by_definition(mask.double(), feather)
        assert (share(mask, feather) - expected).abs().max() < 1e-6


def test_a_hard_edge_rises_over_its_feather_and_the_pictures_border_is_none():
    mask = torch.zeros(10, 40)
    mask[:, 12:] = 1
    result = share(mask, 8)
    assert torch.equal(result[:, :12], torch.zeros(10, 12))
    assert torch.allclose(result[:, 12:20], torch.arange(1, 9).div(8).expand(10, 8))
    assert torch.equal(result[:, 20:], torch.ones(10, 20))


def test_softer_edges_stay_what_they_are():
    ramp = torch.linspace(0, 1, 41).expand(9, 41)
    assert torch.allclose(share(ramp, 8), ramp, atol=1e-6)


@pytest.mark.parametrize("feather", [0, 0.5, 1])
def test_without_feather_the_mask_is_the_share(feather):
    mask = torch.rand(12, 10, generator=torch.Generator().manual_seed(1))
    assert torch.equal(share(mask, feather), mask)


def test_nothing_and_everything_have_no_seam():
    for mask in (torch.zeros(8, 9), torch.ones(8, 9)):
        assert torch.equal(share(mask, 5), mask)


def test_the_original_is_pasted_to_the_last_bit():
    generator = torch.Generator().manual_seed(2)
    edited, original = torch.rand(2, 2, 16, 16, 3, generator=generator)
    weights = share((torch.rand(16, 16, generator=generator) > 0.1).float(), 3)
    result = pasted(edited, original[:1], weights)
    assert torch.equal(result[:, weights == 0], original[:1].expand(2, -1, -1, -1)[:, weights == 0])
    assert torch.equal(result[:, weights == 1], edited[:, weights == 1])
    assert ((result >= torch.minimum(edited, original[:1])) & (result <= torch.maximum(edited, original[:1]))).all()
