"""What may change: around the arrows, one's own, everything."""

import numpy as np
import pytest

from gooddrag.picture.geometry import DragPoints, check_fit, protected_handles
from gooddrag.picture.region import around, editable
from gooddrag.picture.value import Pair, Shape, Value, is_anchor, parse

ARROW = ((20, 50), (60, 50))
SIZE = (100, 80)
BRUSH = Shape("brush", ((10, 10),), size=6)


def given():
    mask = np.zeros(SIZE[::-1], np.float32)
    mask[60:] = 1
    return mask


def test_around_an_arrow_lies_a_quarter_of_the_shorter_side_and_its_length():
    (stroke,) = around([ARROW], *SIZE)
    assert (stroke.kind, stroke.points, stroke.size) == ("brush", ARROW, 60)
    mask = editable(Value(), [ARROW], None, *SIZE)
    assert mask[50, 20] == mask[50, 60] == mask[21, 40] == 1
    assert mask[19, 40] == mask[50, 91] == 0


def test_anchors_widen_nothing():
    assert is_anchor((3, 4), (3.3, 3.6))
    assert not is_anchor((3, 4), (4, 4))
    assert around([((3, 4), (3, 4)), ARROW], *SIZE) == around([ARROW], *SIZE)


def test_a_connected_mask_is_the_region_of_auto_and_whole_and_joins_ones_own():
    assert np.array_equal(editable(Value(), [ARROW], given(), *SIZE), given())
    assert np.array_equal(editable(Value(region="whole"), [ARROW], given(), *SIZE), given())
    own = Value(shapes=(BRUSH,), region="own")
    assert editable(own, [ARROW], given(), *SIZE).sum() == given().sum() + editable(own, [ARROW], None, *SIZE).sum()


def test_whole_edits_everything_and_shapes_wait():
    assert editable(Value(shapes=(BRUSH,), region="whole"), [ARROW], None, *SIZE) is None
    assert editable(Value(region="own"), [ARROW], None, *SIZE) is None


SHAPES = '"shapes": [{"kind": "fill"}]'


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "auto"),
        ("[[[1, 2], [3, 4]]]", "auto"),
        ('{"points": [[1, 2], [3, 4]]}', "auto"),
        ('[{"x": 1, "y": 2}, {"x": 3, "y": 4}]', "auto"),
        ('{"pairs": []}', "auto"),
        (f'{{"pairs": [], "mask": {{{SHAPES}}}}}', "own"),
        ('{"version": 1, "pairs": []}', "whole"),
        (f'{{"version": 1, "pairs": [], "mask": {{{SHAPES}}}}}', "own"),
        (f'{{"version": 1, "pairs": [], "mask": {{"region": "auto", {SHAPES}}}}}', "own"),
        ('{"version": 2, "pairs": []}', "auto"),
        (f'{{"version": 2, "pairs": [], "mask": {{"region": "whole", {SHAPES}}}}}', "whole"),
    ],
)
def test_which_region_a_value_means(text, expected):
    assert parse(text).region == expected


PIN = Pair((5, 5), (5.2, 4.9))


def test_only_pins_are_no_arrows():
    with pytest.raises(ValueError, match="no points were given"):
        DragPoints.from_value_or(Value(), None, *SIZE)
    with pytest.raises(ValueError, match="only pins were given"):
        check_fit(DragPoints.from_value_or(Value((PIN,)), None, *SIZE), None, SIZE)
    suggestion = DragPoints.from_pairs([ARROW], *SIZE)
    assert DragPoints.from_value_or(Value(), suggestion, *SIZE) is suggestion
    held = DragPoints.from_value_or(Value((PIN,)), suggestion, *SIZE)
    assert (held.handles, held.targets) == (((20, 50), (5, 5)), ((60, 50), (5.2, 4.9)))
    own = DragPoints.from_value_or(Value((PIN, Pair((1, 1), (9, 9)))), suggestion, *SIZE)
    assert own.handles == ((5, 5), (1, 1))


def test_a_suggestion_for_another_size_is_moved_along_with_and_without_a_pin():
    suggestion = DragPoints.from_pairs([ARROW], *SIZE)
    half = tuple(side // 2 for side in SIZE)
    for pins in ((), (PIN,)):
        placed = DragPoints.from_value_or(Value(pins), suggestion, *half)
        assert (placed.width, placed.height) == half
        assert placed.handles[0] == suggestion.fitted(half).handles[0] != suggestion.handles[0]
    with pytest.raises(ValueError, match="another shape"):
        DragPoints.from_value_or(Value((PIN,)), suggestion, SIZE[0], SIZE[1] // 2)


def test_a_pin_on_protected_ground_is_no_fault():
    points = DragPoints.from_pairs([ARROW, (PIN.handle, PIN.target)], *SIZE)
    assert protected_handles(points, given()) == [(20, 50)]
