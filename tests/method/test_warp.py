"""The warped start: how the inverted latent is moved along the arrows, and how a drag goes on from there."""

import pytest
import torch

from gooddrag import DragPoints, drag, drag_batch
from gooddrag.method.source import Source
from gooddrag.method.state import DragState
from gooddrag.method.warp import along, begun, warped, within

POINTS = DragPoints.from_text("40,40>80,48", 128, 96)


@pytest.fixture
def mask():
    mask = torch.zeros(96, 128)
    mask[24:72, 24:104] = 1
    return mask


@pytest.fixture
def warping(fast):
    return fast.replace(warp_start=True, warp_from=0)


def square(size: int = 20) -> tuple[torch.Tensor, torch.Tensor]:
    """Numbered cells, of which all but a margin may change."""
    editable = torch.zeros(size, size, dtype=torch.bool)
    editable[2:-2, 2:-2] = True
    return torch.arange(float(size * size)).reshape(1, 1, size, size), editable


def test_the_handle_moves_fully_and_the_border_not():
    z, editable = square()
    moved = warped(z, editable, torch.tensor([[9.0, 6.0]]), torch.tensor([[9.0, 10.0]]))
    assert moved[0, 0, 9, 10] == z[0, 0, 9, 6]
    assert torch.equal(moved[0, 0][~editable], z[0, 0][~editable])
    assert torch.isfinite(moved).all()


def test_what_is_laid_bare_has_the_variance_of_noise():
    z = torch.randn(1, 400, 24, 24, generator=torch.Generator().manual_seed(0))
    editable = torch.ones(24, 24, dtype=torch.bool)
    moved = warped(z, editable, torch.tensor([[12.0, 6.0]]), torch.tensor([[12.0, 16.0]]))
    bare = ~(moved[:, :1].flatten()[:, None] == z[:, :1].flatten()).any(dim=1)  # no cell of z came there
    assert bare.sum() > 10
    assert moved.flatten(2)[..., bare].std() == pytest.approx(1, abs=0.03)


def test_where_two_cells_land_the_one_that_moved_farthest_stays():
    z, editable = square()
    moved = warped(z, editable, torch.tensor([[9.0, 4.0]]), torch.tensor([[9.0, 16.0]]))
    assert moved[0, 0, 9, 16] == z[0, 0, 9, 4]


def test_nothing_outside_of_the_picture_is_written():
    z, _ = square()
    editable = torch.ones(20, 20, dtype=torch.bool)
    moved = warped(z, editable, torch.tensor([[1.0, 1.0]]), torch.tensor([[-6.0, 30.0]]))
    assert moved.shape == z.shape
    assert torch.isfinite(moved).all()


def test_anchors_hold_what_is_around_them():
    z, editable = square()
    arrow, anchor = ((40.0, 80.0), (100.0, 80.0)), (40.0, 100.0)
    points = DragPoints((arrow[0], anchor), (arrow[1], anchor), 160, 160)
    alone = along(z, DragPoints(arrow[:1], arrow[1:], 160, 160), editable)
    held = along(z, points, editable)
    row, column = int(anchor[1] // 8), int(anchor[0] // 8)
    moved = [
        abs(float(m[0, 0, row, column] - z[0, 0, row, column])) for m in (held, alone)
    ]  # cells of a row count by ones
    assert moved[0] < moved[1]


def test_handles_are_looked_for_at_their_targets(model, inversion, warping, mask):
    result = drag(model, inversion, POINTS, mask, warping)
    assert result.trace.operations > 0
    plain = drag(model, inversion, POINTS, mask, warping.replace(warp_start=False))
    first = [r.trace.trackings[0].handles[0] for r in (result, plain)]
    away = [((x - 80) ** 2 + (y - 48) ** 2) ** 0.5 for x, y in first]
    assert away[0] <= warping.tracking_radius * 2 * 2**0.5 < away[1] + warping.tracking_radius * 2 * 2**0.5
    assert not torch.equal(result.latent, plain.latent)


def test_a_drag_whose_longest_arrow_is_short_begins_at_the_latent_itself(model, inversion, warping, mask):
    plain = drag(model, inversion, POINTS, mask, warping.replace(warp_start=False))
    length = 1664**0.5  # of 40, 8
    short = drag(model, inversion, POINTS, mask, warping.replace(warp_from=length + 0.1))
    assert torch.equal(short.latent, plain.latent)
    whole = drag(model, inversion, POINTS, mask, warping)
    enough = drag(model, inversion, POINTS, mask, warping.replace(warp_from=length - 0.1))
    assert torch.equal(enough.latent, whole.latent)


def test_a_drag_that_goes_on_is_not_warped_again(model, inversion, warping, mask):
    first = drag(model, inversion, POINTS, mask, warping)
    on = begun(first.state, POINTS, torch.ones(1, 1, *first.state.latent.shape[-2:]))
    assert on is first.state
    nothing = drag(model, inversion, POINTS, mask, warping.replace(operations=0))
    again = drag(model, inversion, POINTS, mask, warping.replace(operations=0), state=nothing.state)
    assert torch.equal(nothing.latent, again.latent)


def test_without_an_operation_the_warped_latent_is_denoised(model, inversion, warping, mask):
    result = drag(model, inversion, POINTS, mask, warping.replace(operations=0))
    start = DragState.undragged(POINTS, Source(inversion, warping))
    plain = drag(model, inversion, POINTS, mask, warping.replace(operations=0, warp_start=False))
    assert torch.equal(plain.state.latent, start.latent)
    assert not torch.equal(result.state.latent, start.latent)
    assert not torch.equal(result.latent, plain.latent)


def test_variants_are_each_warped_along_their_own_arrows(model, inversion, warping, mask):
    other = DragPoints.from_text("40,40>64,64", 128, 96)
    config = warping.replace(background="lock")
    together = drag_batch(model, inversion, [POINTS, other], mask, config)
    for points, result in zip((POINTS, other), together):
        alone = drag(model, inversion, points, mask, config)
        assert torch.allclose(alone.latent, result.latent, atol=1e-4)


def test_arrows_end_where_the_mask_does_and_what_is_protected_is_held():
    editable = torch.zeros(12, 16, dtype=torch.bool)
    editable[3:9, 3:13] = True  # pixels 24 to 71 down, 24 to 103 across
    points = DragPoints.from_text("40,40>80,48; 40,40>120,40; 10,10>60,40; 5,5>120,90", 128, 96)
    possible = within(points, editable)
    assert possible.targets[0] == points.targets[0]
    assert possible.targets[1] == pytest.approx((103.5, 40), abs=1.5)
    assert possible.targets[2:] == points.handles[2:]
    assert possible.moving == (True, True, False, False)


def test_a_drag_of_protected_ground_is_not_warped(model, inversion, warping, mask):
    points = DragPoints.from_text("10,10>80,48", 128, 96)
    plain = drag(model, inversion, points, mask, warping.replace(warp_start=False))
    result = drag(model, inversion, points, mask, warping)
    assert torch.equal(result.latent, plain.latent)
    assert not result.trace.warped
    whole = drag(model, inversion, POINTS, mask, warping)
    assert whole.trace.warped
    assert "begun from noise that was moved along the arrows" in whole.trace.summary()
    assert "begun" not in plain.trace.summary()


def test_what_only_the_warp_moved_stays_when_a_drag_goes_on_with_another_region(model, inversion, warping):
    config = warping.replace(operations=0, background="lock")
    left, right = torch.zeros(96, 128), torch.zeros(96, 128)
    left[:, :64], right[:, 80:] = 1, 1
    first = drag(model, inversion, DragPoints.from_text("16,40>48,48", 128, 96), left, config)
    assert torch.equal(first.state.changed[0, 0, :, :8], torch.ones(12, 8))
    on = config.replace(operations=1, operations_per_step=1)
    second = drag(model, inversion, DragPoints.from_text("88,40>104,48", 128, 96), right, on, state=first.state)
    apart = [(result.latent - result.source).abs().amax(dim=(0, 1, 2))[:8].max() for result in (first, second)]
    assert apart[1] > 0.5 * apart[0] > 0
