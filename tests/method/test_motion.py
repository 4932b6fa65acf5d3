"""Motion supervision against closed forms."""

import pytest
import torch

from gooddrag.method.motion import feature_loss, mask_loss, steps_ahead
from gooddrag.picture.geometry import sample_patches

GRID = (48, 64)


def setup(handle=(20.0, 20.0), target=(20.0, 40.0), shift=0):
    """A map on the grid itself, its content moved by ``shift`` columns, and the template at the original handle."""
    original = torch.randn(1, 6, *GRID, dtype=torch.float64)
    moved = original.roll(shift, dims=3)
    handles, targets = torch.tensor([handle]), torch.tensor([target])
    templates, inside = sample_patches(original, handles, 3, GRID)
    return moved, templates, inside, handles, targets


def loss(feature, templates, inside, handles, targets, drag_size=4.0):
    return feature_loss(feature, templates, inside, handles, targets, drag_size=drag_size, radius=3, grid=GRID)


def test_content_that_is_already_ahead_costs_nothing():
    assert loss(*setup(shift=4)).item() == pytest.approx(0, abs=1e-12)


def test_loss_is_the_authors_scale_times_the_mean_difference():
    moved, templates, inside, handles, targets = setup()
    patch, _ = sample_patches(moved, handles + torch.tensor([[0.0, 4.0]]), 3, GRID)
    expected = (2 * 3) ** 2 * (patch - templates).abs().mean()
    assert loss(moved, templates, inside, handles, targets).item() == pytest.approx(expected.item())


def test_pairs_add_up_and_those_that_arrived_do_not_count():
    feature = torch.randn(1, 6, *GRID, dtype=torch.float64)
    handles = torch.tensor([[20.0, 20.0], [30.0, 30.0], [10.0, 50.0]])
    targets = torch.tensor([[20.0, 40.0], [30.0, 31.0], [20.0, 50.0]])
    templates, inside = sample_patches(feature, handles, 3, GRID)
    total = loss(feature, templates, inside, handles, targets)
    single = [
        loss(feature, templates[i : i + 1], inside[i : i + 1], handles[i : i + 1], targets[i : i + 1]) for i in range(3)
    ]
    assert single[1].item() == 0
    assert total.item() == pytest.approx((single[0] + single[2]).item())


def test_step_is_beta_long_and_capped_at_the_distance():
    handles = torch.tensor([[0.0, 0.0], [0.0, 0.0], [5.0, 5.0]])
    targets = torch.tensor([[30.0, 40.0], [0.0, 3.0], [5.0, 5.0]])
    assert torch.allclose(steps_ahead(handles, targets, 4.0), torch.tensor([[2.4, 3.2], [0.0, 3.0], [0.0, 0.0]]))


def test_gradient_reaches_the_feature_and_not_the_template():
    moved, templates, inside, handles, targets = setup()
    moved.requires_grad_()
    templates.requires_grad_()
    loss(moved, templates, inside, handles, targets).backward()
    assert moved.grad.abs().sum() > 0
    assert templates.grad is None


@pytest.mark.parametrize(("handle", "target"), [((0, 0), (0, 20)), ((47, 63), (47, 40)), ((1, 62), (46, 62))])
def test_border_cells_are_left_out_of_the_mean(handle, target):
    feature = torch.randn(1, 6, *GRID, dtype=torch.float64)
    handles, targets = torch.tensor([handle]).float(), torch.tensor([target]).float()
    templates, inside = sample_patches(feature, handles, 3, GRID)
    ahead, ahead_inside = sample_patches(feature, handles + steps_ahead(handles, targets, 4.0), 3, GRID)
    both = (inside & ahead_inside)[:, None].expand_as(ahead)
    expected = 36 * (ahead - templates).abs()[both].mean()
    assert loss(feature, templates, inside, handles, targets).item() == pytest.approx(expected.item())


def test_mask_loss_is_a_plain_sum_outside():
    z, reference = torch.zeros(1, 4, 6, 8), torch.ones(1, 4, 6, 8)
    mask = torch.zeros(1, 1, 6, 8)
    mask[..., :4] = 1
    assert mask_loss(z, reference, mask).item() == 4 * 6 * 4
