"""Pictures of any size and number in one labelled grid, and what the page needs for the slider."""

import pytest
import torch

pytest.importorskip("comfy", reason="COMFYUI_DIR is not set; python3 dev.py test nodes sets it")


def picture(value, width=64, height=48, count=1):
    return torch.full((count, height, width, 3), float(value))


@pytest.fixture
def compared(nodes):
    def call(**given):
        output = nodes["GoodDrag_Compare"].execute(**given)
        return output.result[0], output.ui

    return call


def test_every_picture_is_in_the_grid_in_the_size_of_the_first(compared):
    grid, ui = compared(a=picture(0.2), b=picture(0.4, 128, 96), c=picture(0.9, 48, 48), labels="one\n\nthree")
    assert [p["label"] for p in ui["gooddrag_compare"]] == ["one", "b", "three"]
    assert all(p["image"]["type"] == "temp" for p in ui["gooddrag_compare"])
    for value, pixels in ((0.2, 64 * 48), (0.4, 64 * 48), (0.9, 48 * 48)):
        assert ((grid - value).abs() < 0.005).all(dim=-1).sum() >= pixels
    assert grid.shape[2] > 2 * 64
    assert grid.shape[1] > 2 * 48


def test_a_batch_counts_as_so_many_pictures(compared):
    grid, ui = compared(a=picture(0.1, count=2), b=picture(0.5), columns=3)
    assert [p["label"] for p in ui["gooddrag_compare"]] == ["a 1", "a 2", "b"]
    assert grid.shape[1] < 2 * 48
    narrow, _ = compared(a=picture(0.1, count=2), b=picture(0.5), columns=1)
    assert narrow.shape[1] > 3 * 48


def test_labels_are_drawn_cut_and_counted(compared):
    plain, _ = compared(a=picture(0.1), b=picture(0.1), labels="a\nb")
    named, _ = compared(a=picture(0.1), b=picture(0.1), labels="a very long name that does not fit anywhere\nb")
    assert named.shape == plain.shape
    assert not torch.equal(named, plain)
    _, ui = compared(a=picture(0.1), b=picture(0.1), labels="a\nb\nc\nd")
    assert "`labels` has 4 lines for 2 pictures" in ui["text"][0]


def test_too_many_and_what_is_none(compared):
    with pytest.raises(ValueError, match="there are 41 pictures; 36 can be compared"):
        compared(a=picture(0, count=40), b=picture(0))
    with pytest.raises(ValueError, match="`b` holds no picture"):
        compared(a=picture(0), b=picture(0, count=0))
    with pytest.raises(ValueError, match="`d` is 64x48 with 2 channels"):
        compared(a=picture(0), b=picture(0), d=torch.zeros(1, 48, 64, 2))
