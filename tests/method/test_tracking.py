"""Point tracking on maps that were moved by a known amount."""

import pytest
import torch

from gooddrag.method.tracking import distances, nearest

GRID = (48, 64)


@pytest.fixture
def feature():
    return torch.randn(1, 8, *GRID)


def originals(feature, handles):
    return torch.stack([feature[0, :, int(r), int(c)] for r, c in handles])


def track(feature, originals, handles, **around):
    return nearest(distances(feature, originals, handles, **around), handles)


@pytest.mark.parametrize("move", [(0, 0), (3, -2), (-5, 5), (5, 5)])
def test_finds_what_was_moved(feature, move):
    handles = torch.tensor([[20.0, 20.0], [30.0, 40.0]])
    moved = feature.roll(move, dims=(2, 3))
    found = track(moved, originals(feature, handles), handles, radius=5, grid=GRID)
    assert torch.equal(found, handles + torch.tensor(move))


def test_does_not_look_beyond_the_radius(feature):
    handles = torch.tensor([[20.0, 20.0]])
    moved = feature.roll((0, 6), dims=(2, 3))
    found = track(moved, originals(feature, handles), handles, radius=5, grid=GRID)
    assert (found - handles).abs().max() <= 5
    assert not torch.equal(found, handles + torch.tensor([0.0, 6.0]))


@pytest.mark.parametrize("corner", [(0, 0), (0, 63), (47, 0), (47, 63)])
def test_stays_on_the_grid_at_every_corner(feature, corner):
    handles = torch.tensor([corner]).float()
    assert torch.equal(track(feature, originals(feature, handles), handles, radius=12, grid=GRID), handles)
    flat = torch.zeros_like(feature)
    found = track(flat, originals(feature, handles), handles, radius=12, grid=GRID)
    assert (found >= 0).all()
    assert (found <= torch.tensor(GRID) - 1).all()


def test_takes_the_first_of_equals(feature):
    handles = torch.tensor([[20.0, 20.0]])
    found = track(torch.zeros_like(feature), originals(feature, handles), handles, radius=2, grid=GRID)
    assert found.tolist() == [[18, 18]]


def test_the_distance_of_what_did_not_change_is_zero_there_and_infinite_beyond_the_border(feature):
    handles = torch.tensor([[1.0, 20.0]])
    apart = distances(feature, originals(feature, handles), handles, radius=3, grid=GRID)
    assert apart.shape == (1, 7, 7)
    assert apart[0, 3, 3] == 0
    assert torch.isinf(apart[0, :2]).all()
    assert torch.isfinite(apart[0, 2:]).all()
    wanted = (feature[0, :, 1, 22] - feature[0, :, 1, 20]).abs().sum()
    assert torch.allclose(apart[0, 3, 5], wanted)
