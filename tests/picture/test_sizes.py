"""Points that were placed on a picture of another size are rescaled, or refused; never read as if nothing had happened."""

import pytest

from gooddrag.picture.geometry import DragPoints
from gooddrag.picture.sizes import for_picture, same_shape
from gooddrag.picture.value import Pair, Shape, Value, is_anchor, parse

ARROW = Pair((75, 75), (140, 75))


def value(size, *shapes):
    return Value((ARROW,), tuple(shapes), size=size)


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        ((300, 300), (900, 900), True),
        ((640, 400), (320, 200), True),
        ((641, 400), (320, 200), True),  # 320.5 rounds to either side
        ((3000, 2000), (301, 200), True),  # 300.0, 200.7 ..: a pixel off
        ((3000, 2000), (302, 200), False),
        ((640, 400), (400, 640), False),  # turned
        ((640, 400), (640, 360), False),  # cropped
        ((512, 512), (512, 520), False),
        ((33, 900), (33, 900), True),
    ],
)
def test_same_shape_up_to_a_pixel_of_rounding(a, b, expected):
    assert same_shape(a, b) is same_shape(b, a) is expected


def test_a_resized_picture_takes_arrows_and_mask_along():
    shapes = Shape("brush", ((75, 75),), size=30, hardness=0.5), Shape("grow", size=-8), Shape("fill")
    found = for_picture(value((300, 300), *shapes), (900, 900))
    assert (found.size, found.pairs) == ((900, 900), (Pair((226, 226), (421, 226)),))
    assert found.shapes == (
        Shape("brush", ((226, 226),), size=90, hardness=0.5),
        Shape("grow", size=-24),
        Shape("fill"),
    )


def test_what_was_in_the_picture_stays_in_it_and_what_was_not_does_not():
    corners = Value((Pair((0, 0), (899, 599)), Pair((-30, 0), (0, 900))), size=(900, 600))
    found = for_picture(corners, (300, 200))
    assert found.pairs[0] == Pair((0, 0), (299, 199))
    assert found.pairs[1].handle[0] < 0
    assert found.pairs[1].target[1] > 199


def test_a_short_arrow_on_a_smaller_picture_stays_an_arrow():
    pairs = (
        Pair((400, 300), (406, 302)),
        Pair((899, 599), (893, 599)),
        Pair((893, 599), (899, 599)),
        Pair((400, 300), (400, 300)),
    )
    small = for_picture(Value(pairs, size=(900, 600)), (90, 60)).pairs
    moved = [tuple(t - h for h, t in zip(p.handle, p.target)) for p in small]
    assert moved[0] == pytest.approx((1, 1 / 3))  # the same direction
    assert moved[1] == (-1, 0)
    assert moved[2] == (1, 0)  # where there is no more room ahead, from further back
    assert small[2].target == (89, 59)
    assert moved[3] == (0, 0)
    assert DragPoints.from_value(Value(small, size=(90, 60)), 90, 60).moving == (True, True, True, False)


def test_an_anchor_on_a_larger_picture_stays_an_anchor():
    (pair,) = for_picture(Value((Pair((40.2, 40), (40.4, 40)),), size=(90, 60)), (900, 600)).pairs
    assert is_anchor(pair.handle, pair.target)


def test_there_and_back_is_the_identity():
    there = for_picture(value((641, 400)), (320, 200))
    back = for_picture(there, (641, 400)).pairs[0]
    assert back.handle == pytest.approx(ARROW.handle)
    assert back.target == pytest.approx(ARROW.target)


def test_the_same_size_and_no_size_change_nothing():
    assert for_picture(value((300, 300)), (300, 300)) == value((300, 300))
    assert for_picture(value(None), (900, 400)).pairs == (ARROW,)


def test_another_shape_is_refused_with_both_sizes():
    with pytest.raises(
        ValueError, match="on a 300x300 picture, but the picture that arrives is 900x400: press 'Fit to"
    ):
        for_picture(value((300, 300)), (900, 400))
    assert for_picture(Value(size=(300, 300)), (900, 400)).size == (900, 400)  # nothing to misread


def test_limits_of_the_format_hold():
    shapes = Shape("brush", ((1, 1),), size=9000), Shape("grow", size=200)
    found = for_picture(value((300, 300), *shapes), (900, 900)).shapes
    assert [s.size for s in found] == [10_000, 256]


def test_every_reader_of_a_value_follows_the_rule():
    text = '{"version": 1, "width": 300, "height": 300, "pairs": [{"handle": [75, 75], "target": [140, 75]}]}'
    assert DragPoints.from_json(text, 900, 900).handles == ((226, 226),)
    assert DragPoints.from_value(parse(text), 900, 900).targets == ((421, 226),)
    with pytest.raises(ValueError, match="300x300 picture, but the picture that arrives is 900x400"):
        DragPoints.from_json(text, 900, 400)
