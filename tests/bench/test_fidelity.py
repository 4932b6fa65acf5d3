"""Patches of handle and target are compared in register."""

import numpy as np
import pytest

from gooddrag.bench.metrics import fidelity
from gooddrag.bench.metrics.similarity import ssim

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
