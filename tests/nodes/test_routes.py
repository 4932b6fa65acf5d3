"""What the routes answer to what they cannot: a sentence that says what is allowed, and not where the server keeps its files."""

import asyncio
from types import SimpleNamespace

import pytest

pytest.importorskip("comfy", reason="COMFYUI_DIR is not set; python3 dev.py test nodes sets it")

from aiohttp import web

SCENES = [("routes", "scene"), ("routes", "scene_points"), ("known_masks", "scene_mask")]
PICTURES = [("routes", "picture"), ("known_masks", "mask")]


@pytest.fixture
def refused(part):
    def do(module, route, **query):
        with pytest.raises(web.HTTPBadRequest) as error:
            asyncio.run(getattr(part(f"nodes.{module}"), route)(SimpleNamespace(query=query)))
        return error.value.text

    return do


@pytest.mark.parametrize("place", SCENES)
@pytest.mark.parametrize("scene", ["nan", "", "1.5", "9" * 5000, "1_0", "٣", "0x1"])
def test_a_scene_that_is_no_number(refused, place, scene):
    said = refused(*place, kind="arm", scene=scene)
    assert said == f"the scene is {scene[:40]!r}; it must be a whole number from 0 on"


@pytest.mark.parametrize("place", SCENES)
def test_a_kind_that_is_none(refused, place):
    said = refused(*place, kind="x" * 7000, scene="1")
    assert said.startswith(f"the kind of drag is '{'x' * 60}'; it must be one of move, ")
    assert len(said) < 300


def test_a_scene_below_0_is_the_first(part):
    answer = part("nodes.routes").scene
    low, first = (asyncio.run(answer(SimpleNamespace(query={"kind": "arm", "scene": n}))).body for n in ("-5", "0"))
    assert low == first


@pytest.mark.parametrize("place", PICTURES)
@pytest.mark.parametrize("content", [b"", b"nonsense"])
def test_a_file_that_is_no_picture_does_not_tell_where_it_lies(refused, place, content, monkeypatch, tmp_path):
    import folder_paths

    monkeypatch.setattr(folder_paths, "get_input_directory", lambda: str(tmp_path))
    (tmp_path / "zero.png").write_bytes(content)
    said = refused(*place, node="LoadImage", image="zero.png")
    assert said.startswith("the file 'zero.png' cannot be read as a picture (")
    assert "/" not in said


def test_any_other_fault_is_named_by_its_kind(part):
    assert (
        part("nodes.upstream").reason(OSError(2, "No such file", "/home/me/x.png"))
        == "it cannot be read (FileNotFoundError)"
    )
