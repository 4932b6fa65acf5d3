"""Whatever text comes as the editor's value: it is read or refused in words, and what is read can be used."""

import dataclasses
import json
import math

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from inputs import anything, bent, in_words, inside, numbers, shapes, values

from gooddrag import DragConfig, DragPoints
from gooddrag.picture import region, sizes
from gooddrag.picture.mask import rasterise
from gooddrag.picture.value import dump, parse


def read(text):
    """The value, or None where it was refused in words."""
    try:
        return parse(text)
    except ValueError as error:
        in_words(error)
        return None


@given(st.text(max_size=200) | st.builds(json.dumps, anything) | bent())
@example("[" * 100_000)
@example('{"pairs": [], "width": 1e400, "height": 1}')
@example("[[[1e999, 0], [0, 0]]]")
def test_any_text_is_read_or_refused_in_words(text):
    found = read(text)
    if found is not None:
        assert parse(dump(found)) == found


@given(bent() | st.builds(dump, values))
def test_what_was_read_can_be_drawn_and_dragged_or_says_why_not(text):
    found = read(text)
    if found is None:
        return
    try:
        points = DragPoints.from_value(found, 96, 64)
    except ValueError as error:
        in_words(error)
        return
    fitting = sizes.for_picture(found, (96, 64))
    mask = region.editable(fitting, zip(points.handles, points.targets), None, 96, 64)
    assert mask is None or (mask.shape == (64, 96) and 0 <= mask.min() <= mask.max() <= 1)


@given(values)
def test_a_value_survives_being_written(value):
    assert parse(dump(value)) == value


@given(st.lists(shapes(), max_size=6))
def test_shapes_are_drawn_within_the_picture(drawn):
    mask = rasterise(drawn, 96, 64)
    assert mask.shape == (64, 96)
    assert np.isfinite(mask).all()
    assert 0 <= mask.min() <= mask.max() <= 1
    again = rasterise([*drawn, dataclasses.replace(SHAPE, kind="invert")], 96, 64)
    assert np.allclose(again, 1 - mask, atol=1 / 255)


SHAPE = parse('{"pairs": [], "mask": {"shapes": [{"kind": "invert"}]}}').shapes[0]


@given(st.lists(st.tuples(inside, inside), min_size=1, max_size=4), st.sampled_from([0.5, 2, 4]))
def test_points_moved_to_another_size_stay_in_it_and_come_back(pairs, factor):
    points = DragPoints.from_pairs(pairs, 96, 64)
    size = round(96 * factor), round(64 * factor)
    moved = points.fitted(size)
    assert (moved.width, moved.height) == size
    back = moved.fitted((96, 64))
    for a, b in zip(points.handles, back.handles):
        assert math.dist(a, b) < 2
    assert points.moving == moved.moving


@given(st.lists(st.tuples(inside, inside), min_size=1, max_size=4), st.floats(0, 8))
def test_lengthened_arrows_stay_in_the_picture_and_stay_arrows(pairs, factor):
    points = DragPoints.from_pairs(pairs, 96, 64)
    longer = points.lengthened(factor)
    assert longer.handles == points.handles
    assert longer.moving == points.moving


FIELDS = [f.name for f in dataclasses.fields(DragConfig)]


@given(st.dictionaries(st.sampled_from(FIELDS), numbers | anything, min_size=1, max_size=3))
def test_settings_are_taken_or_refused_by_name(given_):
    try:
        config = DragConfig(**given_)
    except ValueError as error:
        in_words(error)
        return
    assert config.drag_steps >= 0
    assert config.evaluations >= 0


@pytest.mark.parametrize("text", ["1,2>3,4;" * 30_000, "1,2", "a,b>c,d", "1,2>3,4>5,6", "nan,1>2,3", ";;;", "\ud800"])
def test_arrows_of_the_command_line(text):
    with pytest.raises(ValueError, match=r".{10,700}"):
        DragPoints.from_text(text, 96, 64)
