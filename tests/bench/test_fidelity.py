"""Patches of handle and target are compared in register, and so are features."""

import numpy as np
import pytest
import torch

from gooddrag.bench.metrics import fidelity
from gooddrag.bench.metrics.matching import matched
from gooddrag.bench.metrics.similarity import ssim
from gooddrag.picture.geometry import padded

SIDE = 96


@pytest.mark.parametrize("handle", [(48, 48), (2, 40), (40, 1), (93, 94), (8, 8)])
@pytest.mark.parametrize("way", [(9, -4), (-7, 6), (0, 13)])
def test_content_that_arrived_is_alike_even_at_the_border(handle, way):
    target = tuple(int(np.clip(h + w, 0, SIDE - 1)) for h, w in zip(handle, way))
    dx, dy = (t - h for t, h in zip(target, handle))
    picture = np.random.default_rng(0).random((SIDE, SIDE, 3))
    moved = np.roll(picture, (dy, dx), (0, 1))
    assert fidelity.source_to_target(ssim, picture, moved, [handle], [target]) == pytest.approx(1, abs=1e-9)
    assert fidelity.source_to_target(ssim, picture, picture, [handle], [target]) < 1


def test_an_arrow_across_the_whole_picture_has_patches_too():
    picture = np.random.default_rng(0).random((SIDE, SIDE, 3))
    assert -1 <= fidelity.source_to_target(ssim, picture, picture, [(0, 50)], [(SIDE - 1, 50)]) < 1


@pytest.mark.parametrize("size", [(500, 375), (65, 65), (64, 128)])
def test_features_of_a_padded_picture_lie_where_they_were(size):
    """Content at a handle near the right border, whose feature map covers the picture and its padding."""
    cells = padded(size[0]) // 8, padded(size[1]) // 8
    features = torch.randn(16, cells[1], cells[0], generator=torch.Generator().manual_seed(0))
    handle = (cells[0] * 8 - 20.0, 12.0)
    (found,) = matched(features, features, [handle], size)
    assert np.hypot(*(found - handle)) < 0.5
    (found,) = matched(features, torch.roll(features, -2, dims=2), [handle], size)
    assert np.hypot(*(found - handle + (16, 0))) < 0.5
