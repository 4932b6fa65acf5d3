"""Masks are drawn exactly, at a bounded cost, and can be cancelled."""

import contextlib
import random

import numpy as np
import pytest

from gooddrag.picture import work
from gooddrag.picture.mask import rasterise
from gooddrag.picture.value import Shape
from tests.picture.drawings import hostile, mixed, path, plain


class Stop(Exception):
    pass


@pytest.mark.parametrize(("width", "height"), [(1, 1), (16, 16), (17, 33), (64, 48), (75, 130), (257, 65)])
def test_every_pixel_is_as_when_each_shape_is_judged_at_it(width, height):
    rng = random.Random(width)
    for _ in range(40 if width * height < 10_000 else 8):
        shapes = mixed(rng, width, height)
        drawn, expected = rasterise(shapes, width, height), plain(shapes, width, height)
        assert drawn.shape == (height, width)
        assert drawn.dtype == np.float32
        assert np.array_equal(drawn > 0, expected > 0), shapes
        assert np.abs(drawn - expected).max() < 1e-6, shapes


def test_many_shapes_one_over_the_other():
    """More than fits into the square around the picture at once, with signs that change."""
    rng = random.Random(5)
    for _ in range(4):
        shapes = mixed(rng, 200, 150, most=100)
        shapes = [s for s in shapes if s.kind in ("brush", "rectangle", "invert")] + [
            Shape("brush", ((rng.uniform(0, 200), rng.uniform(0, 150)),), rng.random() < 0.5, rng.uniform(1, 90), 0.7)
            for _ in range(300)
        ]
        assert np.abs(rasterise(shapes, 200, 150) - plain(shapes, 200, 150)).max() < 1e-6


def test_a_long_stroke_of_many_points():
    shape = Shape("brush", path(random.Random(2), 3000, 3, 150), size=9.0, hardness=0.5)
    assert np.array_equal(rasterise([shape], 150, 150), plain([shape], 150, 150))


class Counted:
    """A check that notes what is announced between two calls; ``stop`` raises at that call."""

    def __init__(self, monkeypatch, stop=None):
        self.calls, self.stop, self.pieces = 0, stop, []
        spend = work.Work.spend

        def counted(this, cost, kind):
            self.pieces.append(cost)
            spend(this, cost, kind)

        monkeypatch.setattr(work.Work, "spend", counted)

    def __call__(self):
        self.calls += 1
        if self.calls == self.stop:
            raise Stop


SIDE = 1024


def test_hostile_values_are_drawn_in_small_pieces_or_refused(monkeypatch):
    """All that is done is announced before, in pieces of less than a tenth of the limit. The times at 4096x4096 are
    printed by ``python -m tests.benchmarks masks``."""
    rng, accepted = random.Random(3), 0
    for _ in range(30):
        shapes = hostile(rng, SIDE)
        with monkeypatch.context() as context:
            check = Counted(context)
            with contextlib.suppress(ValueError):
                rasterise(shapes, SIDE, SIDE, check)
                accepted += 1
            assert sum(check.pieces[:-1]) <= work.LIMIT
            assert all(piece < work.LIMIT / 10 for piece in check.pieces)
            assert check.calls == len(check.pieces)
    assert accepted > 15


@pytest.mark.parametrize("stop", [1, 2, 7])
def test_drawing_ends_at_once_when_the_check_raises(monkeypatch, stop):
    shapes = [
        Shape("brush", path(random.Random(1), 2000, 5, SIDE), size=60.0, hardness=0.5),
        Shape("lasso", path(random.Random(2), 2000, 5, SIDE)),
        Shape("grow", size=100.0),
    ] * 3
    check = Counted(monkeypatch, stop)
    with pytest.raises(Stop):
        rasterise(shapes, SIDE, SIDE, check)
    assert check.calls == stop


def many(kind, count, points, size=0.0, hardness=1.0, spread=1.0):
    rng = random.Random(0)
    return [
        Shape(kind, tuple((rng.uniform(0, 4096), rng.uniform(0, 4096)) for _ in range(points)), False, size, hardness)
        for _ in range(count)
    ]


DRAWN = {
    "300 hard strokes": [Shape("brush", path(random.Random(i), 80, 9, 4096), size=100.0) for i in range(300)],
    "100 soft strokes": [
        Shape("brush", path(random.Random(i), 60, 9, 4096), i % 5 == 0, 100.0, 0.5) for i in range(100)
    ],
    "40 lassos": [Shape("lasso", path(random.Random(i), 300, 8, 4096)) for i in range(40)],
    "500 brushes of two points": many("brush", 500, 2, 400.0),
    "120000 points of a size that fills all": many("brush", 1, 120_000, 9999.0),
    "a lasso of 90000 points": [Shape("lasso", path(random.Random(0), 90_000, 5, 4096))],
    "5000 inversions": [Shape("rectangle", ((5.0, 5.0), (900.0, 900.0))), *[Shape("invert")] * 4999],
    "5000 fills": [Shape("fill"), Shape("clear")] * 2500,
    "20 times Grow": [Shape("rectangle", ((5.0, 5.0), (900.0, 900.0))), *[Shape("grow", size=8.0)] * 20],
    "Grow by all": [Shape("rectangle", ((5.0, 5.0), (900.0, 900.0))), Shape("grow", size=256.0)],
}


@pytest.mark.parametrize("name", DRAWN)
def test_what_people_draw_on_a_large_picture_is_accepted(name):
    assert rasterise(DRAWN[name], 4096, 4096).shape == (4096, 4096)


@pytest.mark.parametrize(
    ("shapes", "kind"),
    [
        (
            [Shape("rectangle", ((5.0, 5.0), (900.0, 900.0))), *[Shape("grow", size=256.0), Shape("invert")] * 2499],
            "Grow and",
        ),
        (many("lasso", 1, 150_000), "lasso outlines"),
        (many("brush", 1, 150_000, 1.0), "brush strokes and rectangles"),
    ],
    ids=["grow and invert", "lasso", "brush"],
)
def test_what_is_refused_names_what_to_clear(shapes, kind):
    with pytest.raises(ValueError, match=f"4096x4096 pixels, most of it for its {kind}.* clear the mask, or undo"):
        rasterise(shapes, 4096, 4096)
