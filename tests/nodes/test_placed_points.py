"""GoodDrag Points and sizes: what is rescaled and what stops, and what the page is told of where a picture comes from."""

import json
from types import SimpleNamespace

import pytest
import torch

pytest.importorskip("comfy", reason="COMFYUI_DIR is not set; python3 dev.py test nodes sets it")

from comfy_execution.graph_utils import ExecutionBlocker

ARROW = [[75, 75], [140, 75]]
SQUARE = json.dumps({"version": 2, "width": 300, "height": 300, "pairs": [ARROW], "mask": {"region": "own", "mode": "union",
    "shapes": [
    {"kind": "brush", "points": [[75, 75]], "size": 20}, {"kind": "brush", "points": [[140, 75]], "size": 20}]}})  # fmt: skip


@pytest.fixture
def output(nodes):
    """GoodDrag Points on a picture of a size: its outputs and its ui."""

    def execute(points, width, height, **inputs):
        with torch.inference_mode():
            found = nodes["GoodDrag_Points"].execute(image=torch.rand(1, height, width, 3), points=points, **inputs)
        return found.args, found.ui

    return execute


def test_the_same_picture_in_another_size_takes_the_points_along_and_says_so(output):
    (points, mask, _), ui = output(SQUARE, 900, 900)
    assert (points.handles, points.targets) == (((226, 226),), ((421, 226),))
    assert mask[0, 226, 226 + 29] == 1
    assert mask[0, 226, 226 + 31] == 0
    assert "placed on a 300x300 picture and are moved along to this one of 900x900" in ui["text"][0]


def test_the_same_size_and_a_value_without_size_say_nothing(output):
    for text in (SQUARE, json.dumps([ARROW])):
        (points, _, _), ui = output(text, 300, 300)
        assert points.handles == ((75, 75),)
        assert ui["text"] == []


STOPS = [
    (SQUARE, "placed on a 300x300 picture, but the picture that arrives is 900x400"),
    ("", "there are no arrows yet"),
    (json.dumps({"pairs": [{"handle": [1, 2], "target": [3, 4], "off": True}]}), "there are no arrows yet"),
    ("[[[10, 20], [10, 20]]]", "only pins were given (1), which hold what is there"),
    ("[[[10, 20], [900, 40]]]", "target 1 at (900, 40) lies outside the 900x400 picture; x must be 0 to 899"),
    (json.dumps([[[10, 20], [30, 40]]] * 200), "200 pairs were given, at most 64 are allowed; remove some"),
]


@pytest.mark.parametrize(("text", "why"), STOPS, ids=[w[:20] for _, w in STOPS])
def test_arrows_that_do_not_fit_are_no_error_and_bring_the_picture(output, text, why):
    values, ui = output(text, 900, 400)
    assert [type(v) for v in values] == [ExecutionBlocker] * 3
    assert {v.message for v in values} == {None}  # a message would be shown as an error of the next node
    (arrived,) = ui["gooddrag_points"]
    assert why in arrived["stopped"]
    assert arrived["size"] == (900, 400)
    assert arrived["image"]["filename"].endswith(".png")
    assert why in ui["text"][0]


def seen(ui) -> tuple:
    """The connected mask that the page is told of: whether it is known, and where it lets the picture change."""
    import folder_paths
    import numpy as np
    from PIL import Image

    (arrived,) = ui["gooddrag_points"]
    if arrived["mask"] is None:
        return arrived["masked"], None
    shade = Image.open(f"{folder_paths.get_temp_directory()}/{arrived['mask']['filename']}")
    return arrived["masked"], np.asarray(shade)[..., 3] == 0


def test_a_run_without_arrows_brings_the_connected_mask_too(output):
    mask = torch.zeros(1, 90, 120)
    mask[:, 20:40, 30:60] = 1
    assert seen(output("", 120, 90)[1]) == (False, None)
    for text in ("", json.dumps([[[40, 30], [50, 30]]])):
        known, changes = seen(output(text, 120, 90, mask=mask)[1])
        assert known
        assert (changes == (mask[0].numpy() == 1)).all()
        assert seen(output(text, 120, 90, mask=0 * mask)[1]) == (True, None)
    (_, ui) = output("", 120, 90, mask=torch.ones(3, 90, 120))
    assert seen(ui) == (False, None)  # there is nothing yet that it could spoil
    assert "`mask` holds 3 masks" in ui["text"][0]


def test_of_a_soft_connected_mask_the_page_sees_what_counts(output):
    mask = torch.linspace(0, 1, 120).expand(1, 90, 120)
    (_, changes), (outputs, _) = (f(output(json.dumps([[[90, 30], [99, 30]]]), 120, 90, mask=mask)) for f in (
        lambda found: seen(found[1]), lambda found: found))  # fmt: skip
    assert (changes == (mask[0].numpy() >= 0.5)).all()
    assert ((outputs[1][0] > 0) & (outputs[1][0] < 0.5)).any()  # soft as it was, for the seam


def test_a_mask_that_belongs_to_the_suggestion_is_brought_beside_ones_own_arrows(output, demo):
    text = json.dumps([[[90, 30], [99, 30]]])
    (_, region, _), ui = output(text, 256, 256, suggestion=demo["points"], mask=demo["mask"])
    known, changes = seen(ui)
    assert known
    assert (changes == (demo["mask"][0].numpy() > 0)).all()
    assert not torch.equal(region, demo["mask"])


def test_json_that_is_no_value_stays_an_error(output):
    with pytest.raises(ValueError, match="not valid JSON"):
        output("nonsense", 300, 300)


def test_a_suggestion_is_used_while_there_are_no_arrows(output, demo):
    (points, _, _), ui = output("", 256, 256, suggestion=demo["points"])
    assert points == demo["points"]
    assert "stopped" not in ui["gooddrag_points"][0]
    _, ui = output("", 300, 256, suggestion=demo["points"])
    assert "`suggestion` was placed on a 256x256 picture and `image` is 300x256" in ui["gooddrag_points"][0]["stopped"]
    assert ui["gooddrag_points"][0]["suggestion"] == []
    (points, _, _), ui = output("", 512, 512, suggestion=demo["points"])
    assert points == demo["points"].fitted((512, 512))
    assert ui["gooddrag_points"][0]["suggestion"][0]["handle"] == points.handles[0]


@pytest.fixture
def upstream(part):
    return part("nodes.upstream")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    import folder_paths

    monkeypatch.setattr(folder_paths, "input_directory", str(tmp_path))
    return tmp_path


def test_what_made_a_picture_is_the_prompt_behind_the_input_with_stamps_of_its_files(upstream, folder):
    (folder / "a.png").write_bytes(b"one")
    prompt = {
        "1": {"class_type": "LoadImage", "inputs": {"image": "a.png"}},
        "2": {"class_type": "ImageScale", "inputs": {"image": ["1", 0], "width": 900, "model": ["4", 0]}},
        "3:7": {"class_type": "GoodDrag_Points", "inputs": {"image": ["2", 0], "points": "", "mask": ["5", 0]}},
        "4": {"class_type": "A", "inputs": {"again": ["2", 0], "gone": ["99", 0], "list": {"__value__": ["1", 0]}}},
        "5": {"class_type": "B", "inputs": {}},
    }
    found = upstream.made_of(prompt, "3:7", "image")
    assert found["link"] == ["2", 0]
    assert set(found["nodes"]) == {"1", "2", "4"}
    assert found["nodes"]["2"] == prompt["2"]
    assert list(found["files"]) == ["a.png"]
    (folder / "a.png").write_bytes(b"two")
    assert upstream.made_of(prompt, "3:7", "image")["files"] != found["files"]
    for nothing in ((None, "3:7"), (prompt, None), (prompt, "8"), (prompt, "5")):
        assert upstream.made_of(*nothing, "image") is None


def test_the_page_is_told_what_made_picture_and_mask(nodes, monkeypatch):
    prompt = {
        "1": {"class_type": "EmptyImage", "inputs": {"width": 64}},
        "2": {"class_type": "P", "inputs": {"image": ["1", 0]}},
    }
    prompt["3"] = {"class_type": "SolidMask", "inputs": {"value": 1}}
    prompt["2"]["inputs"]["mask"] = ["3", 0]
    hidden = SimpleNamespace(prompt=prompt, unique_id="2", extra_pnginfo=None)
    node = nodes["GoodDrag_Points"]
    monkeypatch.setattr(node, "hidden", hidden)
    (arrived,) = node.execute(image=torch.rand(1, 64, 64, 3), points="").ui["gooddrag_points"]
    assert arrived["upstream"] == {"link": ["1", 0], "nodes": {"1": prompt["1"]}, "files": {}}
    assert arrived["mask_upstream"] == {"link": ["3", 0], "nodes": {"3": prompt["3"]}, "files": {}}


def test_only_regular_files_in_comfyuis_folders_have_a_stamp(upstream, folder):
    import os

    (folder.parent / "outside.png").write_bytes(b"x")
    (folder / "sub").mkdir()
    (folder / "sub" / "b.png").write_bytes(b"x")
    os.mkfifo(folder / "pipe.png")
    assert upstream.stamp("sub/b.png") == upstream.stamp("sub/b.png [input]")
    for name in (
        "../outside.png",
        "sub",
        "pipe.png",
        "none.png",
        "",
        "x" * 3000,
        "x" * 256,
        "x" * 1024,
        "é" * 200,
        "a\0b",
        3,
        None,
        ["a"],
    ):
        assert upstream.stamp(name) is None


def test_a_stamp_follows_the_content_and_not_the_time(upstream, folder):
    import os

    path = folder / "a.png"
    path.write_bytes(b"same")
    before = upstream.stamp("a.png")
    os.utime(path, (1, 1))
    assert upstream.stamp("a.png") == before
