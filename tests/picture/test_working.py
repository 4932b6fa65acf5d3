"""Large pictures at a working size and back."""

import pytest
import torch

from gooddrag import DragPoints
from gooddrag.picture.geometry import MIN_SIDE
from gooddrag.picture.sizes import alike, same_shape
from gooddrag.picture.working import carried_back, resized, resized_mask, working_size


@pytest.mark.parametrize(
    ("size", "side", "expected"),
    [
        ((4096, 3072), 768, (887, 665)),
        ((3072, 4096), 768, (665, 887)),
        ((1024, 1024), 512, (512, 512)),
        ((700, 800), 768, (700, 800)),  # never enlarged
        ((768, 768), 768, (768, 768)),
        ((8000, 200), 256, (2560, 64)),  # no side too small to be dragged
    ],
)
def test_as_many_pixels_as_the_model_likes(size, side, expected):
    assert working_size(size, side) == expected


def test_the_shape_is_kept():
    for width in range(300, 5000, 617):
        for height in range(290, 5000, 613):
            small = working_size((width, height), 256)
            assert same_shape((width, height), small)
            assert min(small) >= MIN_SIDE
            assert small[0] * small[1] < 256 * 256 * 1.02 or min(small) == MIN_SIDE


@pytest.fixture
def photo():
    """Smooth shapes with grain, ``(1, 3, 300, 400)``."""
    generator = torch.Generator().manual_seed(0)
    smooth = resized(torch.rand(1, 3, 6, 8, generator=generator), (400, 300))
    return (smooth + 0.1 * torch.rand(1, 3, 300, 400, generator=generator)).clamp(0, 1)


def test_an_edit_that_changes_nothing_is_the_original(photo):
    same = carried_back(resized(photo, (100, 75)), photo)
    assert (same - photo).abs().max() < 1e-5


def test_outside_not_a_bit_changes_and_inside_is_the_edit_with_the_kept_detail(photo):
    edited = resized(photo, (100, 75))
    edited[:, :, 30:50, 40:60] = 1 - edited[:, :, 30:50, 40:60].round()  # far from what was there
    mask = torch.zeros(300, 400)
    mask[80:240, 100:300] = 1
    result = carried_back(edited, photo, mask)
    assert torch.equal(result[:, :, mask == 0], photo[:, :, mask == 0])
    assert (result - photo)[:, :, 224:240, 140:260].abs().max() < 1e-3  # not edited: grain and all
    plain = resized(edited, (400, 300)).clamp(0, 1)
    assert (result - plain)[:, :, 150:170, 190:210].abs().max() < 1e-5  # edited: none of the old grain
    assert (plain - photo)[:, :, 224:240, 140:260].abs().mean() > 0.02


def lossy(images):
    """What an autoencoder makes of pictures: less of their detail, more than counts as unchanged."""
    height, width = images.shape[-2:]
    lost = resized(resized(images, (width // 6, height // 6)), (width, height))
    assert (lost - images).abs().mean() > 0.05
    return lost


def test_what_an_autoencoder_loses_is_no_edit(photo):
    photo = (photo + 0.5 * (torch.arange(400) % 16 < 8)).clamp(0, 1)  # stripes
    source = lossy(resized(photo, (100, 75)))
    edited = source.clone()
    edited[:, :, 30:50, 40:60] = 1 - edited[:, :, 30:50, 40:60].round()
    result, without = carried_back(edited, photo, source=source), carried_back(edited, photo)
    same = torch.ones(300, 400, dtype=torch.bool)
    same[90:230, 130:270] = False
    assert (result - photo)[:, :, same].abs().max() < 1e-5
    assert (without - photo)[:, :, same].abs().mean() > 0.05
    plain = resized(edited, (400, 300)).clamp(0, 1)
    assert (result - plain)[:, :, 140:180, 180:220].abs().max() < 1e-5
    larger = carried_back(
        resized(edited, (800, 600)).clamp(0, 1), photo, source=source
    )  # compared at the size of `source`
    assert (larger - photo)[:, :, same].abs().max() < 1e-5


def test_the_blend_is_a_cell_of_the_edit_wide(photo):
    mask = torch.zeros(300, 400)
    mask[:, 200:] = 1
    result = carried_back(torch.ones(1, 3, 75, 100), torch.zeros(1, 3, 300, 400), mask)
    row = result[0, 0, 150]
    assert torch.allclose(row[200:232], torch.arange(1, 33) / 32, atol=1e-5)
    assert torch.allclose(row[232:], torch.ones(168), atol=1e-5)


def test_an_edit_of_the_same_or_a_greater_size(photo):
    mask = torch.zeros(300, 400)
    mask[80:240, 100:300] = 1
    edit = torch.rand(1, 3, 300, 400, generator=torch.Generator().manual_seed(1))
    assert torch.equal(carried_back(edit, photo, mask, 0), torch.where(mask > 0, edit, photo))
    larger = carried_back(resized(photo, (800, 600)), photo, mask)
    assert (larger - photo).abs().max() < 0.05
    assert torch.equal(larger[:, :, mask == 0], photo[:, :, mask == 0])


def test_another_shape_is_refused_with_both_sizes(photo):
    with pytest.raises(ValueError, match="the edit is 100x100 and the picture 400x300, which is another shape"):
        carried_back(torch.zeros(1, 3, 100, 100), photo)
    with pytest.raises(ValueError, match="the undragged picture is 90x75 and the picture 400x300, which is another"):
        carried_back(torch.zeros(1, 3, 75, 100), photo, source=torch.zeros(1, 3, 75, 90))


def test_a_thin_mask_is_not_lost():
    mask = torch.zeros(300, 400)
    mask[100, 50:300] = 255
    assert resized_mask(mask, (100, 75)).sum() == 63
    assert torch.equal(resized_mask(mask, (400, 300)), mask > 0)


def test_points_go_along_and_anchors_stay_anchors():
    points = DragPoints.from_pairs([((0, 0), (399, 299)), ((100, 100), (100, 100))], 400, 300)
    small = points.fitted((100, 75))
    assert small.handles[0] == (0, 0)
    assert small.targets[0] == (99, 74)
    assert small.moving == (True, False)
    assert small.handles[1] == (24.625, 24.625)
    assert points.fitted((400, 300)) is points


def test_arrows_stay_arrows_and_another_shape_is_refused():
    points = DragPoints.from_pairs([((10, 10), (200, 10)), ((100, 100), (102, 100))], 400, 300)
    assert points.fitted((40, 30)).moving == (True, True)
    with pytest.raises(
        ValueError, match="placed on a 400x300 picture, but the picture is 300x400, which has another shape"
    ):
        points.fitted((300, 400))


@pytest.mark.parametrize("size", [(6000, 4000), (5472, 3648), (4000, 3000), (3024, 4032)])
@pytest.mark.parametrize("side", [512, 768, 1024])
def test_a_working_picture_enlarged_four_times_is_of_the_same_shape(size, side):
    small = working_size(size, side)
    assert alike(size, (4 * small[0], 4 * small[1]))
    assert not alike(size, (4 * small[0], round(3.98 * small[1])))


def test_what_an_autoencoder_padded_is_of_another_shape():
    assert not alike((1024, 765), (1024, 768))
    assert alike((512, 768), (1024, 1536))
