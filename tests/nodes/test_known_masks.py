"""The connected mask before any run: what a loader will deliver, and the demo scene's."""

import asyncio
import io
import os
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("comfy", reason="COMFYUI_DIR is not set; python3 dev.py test nodes sets it")

from aiohttp import web


@pytest.fixture
def ask(part):
    def do(route, **query):
        return asyncio.run(getattr(part("nodes.known_masks"), route)(SimpleNamespace(query=query)))

    return do


@pytest.fixture
def pictures(monkeypatch, tmp_path):
    import folder_paths

    monkeypatch.setattr(folder_paths, "get_input_directory", lambda: str(tmp_path))
    alpha = np.full((40, 60), 255, np.uint8)
    alpha[10:20, 10:30] = 0
    rgba = np.dstack([np.full((40, 60, 3), 200, np.uint8), alpha])
    Image.fromarray(rgba).save(tmp_path / "painted.png")
    Image.fromarray(rgba[..., :3]).save(tmp_path / "plain.png")
    return tmp_path


def test_the_shade_is_what_the_loader_will_deliver(ask, pictures):
    answer = ask("mask", node="LoadImage", image="painted.png")
    alpha = np.asarray(Image.open(io.BytesIO(answer.body)))[..., 3]
    assert (alpha[10:20, 10:30] == 0).all()
    assert (alpha == 255).sum() == 60 * 40 - 200
    red = ask("mask", node="LoadImageMask", image="plain.png", channel="red")
    assert np.asarray(Image.open(io.BytesIO(red.body)))[0, 0, 3] == 0  # 200 of 255 counts wholly
    assert ask("mask", node="LoadImageOutput", image="painted.png").body == answer.body


def test_of_a_soft_mask_the_shade_is_what_counts(ask, pictures):
    ramp = np.tile(np.arange(256, dtype=np.uint8), (8, 1))
    Image.fromarray(np.dstack([ramp] * 3)).save(pictures / "ramp.png")
    answer = ask("mask", node="LoadImageMask", image="ramp.png", channel="red")
    alpha = np.asarray(Image.open(io.BytesIO(answer.body)))[..., 3]
    assert (alpha == np.where(ramp / 255 >= 0.5, 0, 255)).all()


def test_a_mask_that_nobody_painted_is_none(ask, pictures):
    assert ask("mask", node="LoadImage", image="plain.png").status == 204


@pytest.mark.parametrize(
    "query",
    [
        {"node": "LoadImage", "image": "nowhere.png"},
        {"node": "LoadImage", "image": "../../etc/passwd"},
        {"node": "LoadImage", "image": "painted\0.png"},
        pytest.param(
            {"node": "LoadImage", "image": "pipe.png"},
            marks=pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no named pipes here"),
        ),
        {"node": "CheckpointLoaderSimple", "image": "painted.png"},
        {"node": "LoadImageMask", "image": "painted.png", "channel": "x"},
        {},
    ],
)
def test_what_has_no_mask_is_refused(ask, pictures, query):
    if query.get("image") == "pipe.png":
        os.mkfifo(pictures / "pipe.png")  # reading it would wait for ever
    with pytest.raises(web.HTTPBadRequest):
        ask("mask", **query)


def test_the_demo_scenes_mask(ask, part):
    answer = ask("scene_mask", kind="arm", scene="1")
    alpha = np.asarray(Image.open(io.BytesIO(answer.body)))[..., 3]
    assert ((alpha == 0) == part("gooddrag.demo.drags").drag("arm", 1).mask).all()
    with pytest.raises(web.HTTPBadRequest):
        ask("scene_mask", kind="nonsense")
