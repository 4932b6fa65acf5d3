"""Coordinates, patches, masks and sizes."""

import json
import math
import random

import pytest
import torch
import torch.nn.functional as F

from gooddrag.picture import geometry
from gooddrag.picture.geometry import (
    DragPoints,
    crop,
    latent_mask,
    pad,
    protected_handles,
    protected_targets,
    sample_patches,
    to_grid,
    to_pixels,
)


def points(handle=(10, 20), target=(30, 40), size=(100, 80)):
    return DragPoints.from_pairs([(handle, target)], *size)


def test_text_form():
    assert DragPoints.from_text("1,2>3,4; 5.5,6>7,8", 100, 80).handles == ((1, 2), (5.5, 6))


@pytest.mark.parametrize(
    "text",
    [
        '{"pairs": [{"handle": [1, 2], "target": [3, 4]}]}',
        '{"version": 1, "pairs": [{"handle": [1, 2], "target": [3, 4]}]}',
        "[[[1, 2], [3, 4]]]",
        '{"points": [[1, 2], [3, 4]]}',
    ],
)
def test_json_forms(text):
    p = DragPoints.from_json(text, 100, 80)
    assert (p.handles, p.targets) == (((1, 2),), ((3, 4),))


def test_json_round_trip():
    p = DragPoints.from_text("1,2>3,4; 5.5,6>7,8", 100, 80)
    assert DragPoints.from_json(p.to_json(), 100, 80) == p


@pytest.mark.parametrize("corner", [(0, 0), (99, 0), (0, 79), (99, 79)])
def test_every_pixel_of_the_border_is_allowed(corner):
    assert points(corner, (50, 40)).handles == (corner,)
    assert points((50, 40), corner).targets == (corner,)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"pairs": []}', "no points were given"),
        ("[]", "no points were given"),
        ("nonsense", "not valid JSON"),
        ("[" * 100_000, "nested deeper than 32 levels"),
        ("3", "no list of pairs"),
        ('{"pairs": 3}', "no list of pairs"),
        ('{"pairs": [3]}', "pair 1 is 3.0"),
        ('{"pairs": [{"handle": [1, 2]}]}', "target 1 is null"),
        ('{"pairs": [{"handle": [1, 2, 3], "target": [1, 2]}]}', "handle 1 is [1.0, 2.0, 3.0]"),
        ('{"pairs": [{"handle": ["1", 2], "target": [1, 2]}]}', 'handle 1 is ["1", 2.0]'),
        ('{"pairs": [{"handle": [true, 2], "target": [1, 2]}]}', "handle 1 is [true, 2.0]"),
        ('{"pairs": [{"handle": [NaN, 2], "target": [1, 2]}]}', "NaN is no number in JSON"),
        ('{"pairs": [{"handle": [1, 2], "target": [1e999, 2]}]}', "target 1 is (inf, 2)"),
        ('{"pairs": [{"handle": [1, 2], "target": [100, 2]}]}', "target 1 at (100, 2) lies outside the 100x80 picture"),
        ('{"pairs": [{"handle": [-1, 2], "target": [1, 2]}]}', "handle 1 at (-1, 2) lies outside"),
        ('{"version": 3, "pairs": []}', "version 3.0"),
        ('{"points": [[1, 2]]}', "even length"),
        (json.dumps([[[1, 2], [3, 4]]] * 200), "200 pairs were given, at most 64"),
    ],
)
def test_bad_points_are_named(text, message):
    with pytest.raises(ValueError, match=".") as error:
        DragPoints.from_json(text, 100, 80)
    assert message in str(error.value)


def test_grid_rounds_half_to_even_and_stays_inside():
    cells = to_grid([(60, 64), (61, 63), (63, 61), (127, 95)], (48, 64))
    # (row, col): 30.5 -> 30, 31.5 -> 32; the last pixel's 63.5 -> 64 is kept on the last column
    assert cells.tolist() == [[32, 30], [32, 30], [30, 32], [47, 63]]


def test_pixels_are_the_way_back_and_stay_inside_the_picture():
    assert to_pixels(torch.tensor([[32.0, 30.0], [47.0, 63.0]]), (125, 93)) == [(60, 64), (124, 92)]


@pytest.mark.parametrize(("h", "w"), [(12, 16), (6, 8), (48, 64)])
def test_patch_equals_the_upsampled_map_read_bilinearly(h, w):
    grid = (48, 64)
    feature = torch.randn(1, 5, h, w, dtype=torch.float64)
    full = F.interpolate(feature, grid, mode="bilinear")
    centres = torch.tensor([[20.0, 30.0], [17.25, 40.5], [9.9, 11.3]])
    patches, inside = sample_patches(feature, centres, 4, grid)
    assert inside.all()
    for (row, col), patch in zip(centres.double(), patches):
        steps = torch.arange(-4, 5)
        y, x = torch.meshgrid(row + steps, col + steps, indexing="ij")
        where = torch.stack([2 * x / (grid[1] - 1) - 1, 2 * y / (grid[0] - 1) - 1], -1)[None]
        expected = F.grid_sample(full, where, mode="bilinear", align_corners=True)[0]
        assert torch.allclose(patch, expected, atol=1e-6)


@pytest.mark.parametrize("centre", [(0, 0), (47, 63), (0.5, 62.7), (46.5, 0.25)])
def test_patch_beyond_the_border_repeats_it_and_says_so(centre):
    grid = (48, 64)
    feature = torch.randn(1, 3, 12, 16, dtype=torch.float64)
    patches, inside = sample_patches(feature, torch.tensor([centre], dtype=torch.float32), 4, grid)
    assert patches.isfinite().all()
    assert patches.shape == (1, 3, 9, 9)
    rows = [0 <= centre[0] + d <= 47 for d in range(-4, 5)]
    cols = [0 <= centre[1] + d <= 63 for d in range(-4, 5)]
    assert inside[0].tolist() == [[r and c for c in cols] for r in rows]


def test_patch_gradient_is_that_of_the_upsampled_map():
    feature = torch.randn(1, 2, 6, 8, dtype=torch.float64, requires_grad=True)
    patches, _ = sample_patches(feature, torch.tensor([[10.0, 12.0]]), 2, (24, 32))
    full = F.interpolate(feature, (24, 32), mode="bilinear")[:, :, 8:13, 10:15]
    weights = torch.randn_like(full)
    (ours,) = torch.autograd.grad((patches * weights).sum(), feature)
    (theirs,) = torch.autograd.grad((full * weights).sum(), feature)
    assert torch.allclose(ours, theirs)


@pytest.mark.parametrize(("height", "width"), [(64, 64), (65, 71), (100, 99), (127, 641)])
def test_padding_reflects_and_cropping_undoes_it(height, width):
    image = torch.rand(1, 3, height, width)
    out = pad(image)
    assert out.shape[-2] % 8 == 0
    assert out.shape[-1] % 8 == 0
    assert torch.equal(crop(out, width, height), image)
    if out.shape[-1] > width:
        assert torch.equal(out[..., :height, width], image[..., width - 2])


def test_small_pictures_are_refused():
    with pytest.raises(ValueError, match="20x20; both sides must be at least 64"):
        pad(torch.rand(1, 3, 20, 20))


def test_mask_none_edits_everything():
    assert latent_mask(None, torch.zeros(1, 4, 12, 16)).all()


def test_mask_takes_any_value_above_zero_by_nearest_neighbour():
    mask = torch.zeros(96, 128)
    mask[8:24, 16:64] = 0.01
    cells = latent_mask(mask, torch.zeros(1, 4, 12, 16))[0, 0]
    expected = torch.zeros(12, 16)
    expected[1:3, 2:8] = 1
    assert torch.equal(cells, expected)


def test_mask_of_an_unpadded_size_is_continued():
    mask = torch.ones(93, 125)
    assert latent_mask(mask, torch.zeros(1, 4, 12, 16)).all()


def test_mask_too_thin_for_the_latent_is_refused():
    mask = torch.zeros(96, 128)
    mask[3, 5] = 1
    with pytest.raises(ValueError, match="thinner than a latent cell"):
        latent_mask(mask, torch.zeros(1, 4, 12, 16))


def test_points_mask_and_picture_must_fit():
    p = points(size=(100, 80))
    with pytest.raises(ValueError, match="placed on a 100x80 picture, but the picture is 90x80"):
        geometry.check_fit(p, None, (90, 80))
    with pytest.raises(ValueError, match="mask is 80x100 and the picture 100x80"):
        geometry.check_fit(p, torch.ones(100, 80), (100, 80))
    with pytest.raises(ValueError, match="mask is empty"):
        geometry.check_fit(p, torch.zeros(80, 100), (100, 80))


def test_text_form_errors():
    with pytest.raises(ValueError, match="pair 2 is '3,4'"):
        DragPoints.from_text("1,2>3,4;3,4", 100, 80)
    with pytest.raises(ValueError, match="not a finite number"):
        DragPoints.from_text("nan,2>3,4", 100, 80)
    assert math.isfinite(DragPoints.from_text("1,2>3,4;", 100, 80).targets[0][0])


def test_handles_where_nothing_may_change():
    mask = torch.zeros(40, 60)
    mask[8:20, 30:50] = 1  # of the latent's cells of 8 pixels it has those from 32 to 55 and from 8 to 23
    points = DragPoints(((32, 8), (31, 8), (55.4, 23.4), (59, 39)), ((1, 1),) * 4, 60, 40)
    assert protected_handles(points, mask) == [(31, 8), (59, 39)]
    cells = latent_mask(mask, torch.zeros(1, 4, 5, 8))[0, 0]
    assert cells.nonzero().tolist() == [[y, x] for y in (1, 2) for x in (4, 5, 6)]


def test_targets_where_nothing_may_change():
    mask = torch.zeros(40, 60)
    mask[8:20, 30:50] = 1
    anchor = (1, 1)
    points = DragPoints(((33, 11), (33, 11), anchor), ((55.4, 23.4), (31, 8), anchor), 60, 40)
    assert protected_targets(points, mask) == [(31, 8)]


def test_lengthened_points_stay_in_the_picture():
    points = DragPoints.from_text("10,20>30,40; 90,50>50,50", 100, 60)
    assert points.lengthened(0.5).targets == ((20, 30), (70, 50))
    assert points.lengthened(1) == points
    assert points.lengthened(3).targets == ((70, 59), (0, 50))


@pytest.mark.parametrize("factor", [0, 0.05, 0.25, 1, 2])
def test_lengthened_arrows_are_no_shorter_than_a_pixel(factor):
    rng = random.Random(3)
    handles = [(rng.choice([0, 99, rng.uniform(0, 99)]), rng.choice([0, 59, rng.uniform(0, 59)])) for _ in range(60)]
    targets = [(min(max(x + rng.uniform(-9, 9), 0), 99), min(max(y + rng.uniform(-9, 9), 0), 59)) for x, y in handles]
    points = DragPoints(tuple(handles), tuple(targets), 100, 60)
    longer = points.lengthened(factor)
    assert longer.handles == points.handles
    assert longer.moving == points.moving
    short = DragPoints.from_text("10,20>40,60", 200, 200).lengthened(factor)
    (end,) = short.targets
    assert end == pytest.approx((10 + 30 * max(factor, 1 / 40), 20 + 40 * max(factor, 1 / 40)))


def test_no_float64_reaches_a_device():
    """MPS has none. The meta device stands for one: whatever is made there, or sent there, is looked at."""
    from torch.utils._python_dispatch import TorchDispatchMode
    from torch.utils._pytree import tree_leaves

    class Watch(TorchDispatchMode):
        seen = 0

        def __torch_dispatch__(self, func, types, args=(), kwargs=None):
            result = func(*args, **(kwargs or {}))
            made = [t for t in tree_leaves(result) if isinstance(t, torch.Tensor)]
            if any(t.device.type == "meta" for t in made):
                self.seen += 1
                given = [t for t in tree_leaves((args, kwargs)) if isinstance(t, torch.Tensor)]
                assert not any(t.dtype == torch.float64 for t in made + given), func
            return result

    with Watch() as watch:
        sample_patches(torch.empty(1, 6, 12, 16, device="meta"), torch.tensor([[4.5, 7.25]]), 3, (48, 64))
    assert watch.seen > 5
