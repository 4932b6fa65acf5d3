"""The contact sheet: what was asked, what the figures mean, and nothing from outside of the file."""

import base64
import io
import json
import re

import numpy as np
from finished_run import make
from PIL import Image

from gooddrag import DragPoints
from gooddrag.bench.asked import drawn
from gooddrag.bench.rows import picture
from gooddrag.bench.sample import Sample
from gooddrag.bench.sheet import sheet


def page(run) -> tuple[str, dict]:
    made = sheet(run.rows, "cats", lambda method, sample: picture(run.folder, method, sample))
    return made, json.loads(re.search(r'<script type="application/json" id="data">(.*)</script>', made)[1])


def test_what_was_asked_is_told_of_each_picture(tmp_path):
    _, data = page(make(tmp_path))
    assert [s["asked"]["pairs"][0]["target"] for s in data["samples"]] == [[40, 30 + i] for i in range(4)]
    first = data["samples"][0]["asked"]
    assert first["size"] == [72, 64]
    assert first["pairs"][0]["handle"] == [20, 20]
    assert first["pairs"][0]["anchor"] is False
    assert first["shade"] == ""  # without a mask all may change


def test_what_may_not_change_is_shaded_and_the_region_has_a_rim():
    mask = np.zeros((64, 96), bool)
    mask[16:48, 32:64] = True
    points = DragPoints(((40, 30), (50, 40)), ((48, 30), (50, 40)), 96, 64)
    asked = drawn(Sample("cat", np.zeros((64, 96, 3), np.uint8), points, mask))
    assert [pair["anchor"] for pair in asked["pairs"]] == [False, True]
    with Image.open(io.BytesIO(base64.b64decode(asked["shade"].partition(",")[2]))) as image:
        shade = np.asarray(image.convert("RGBA"))
    assert shade.shape == (64, 96, 4)
    assert shade[32, 48, 3] == 0
    assert tuple(shade[16, 48]) == (255, 255, 255, 255)
    assert 100 < shade[5, 5, 3] < 200


def test_every_figure_that_is_shown_is_explained_and_no_other(tmp_path):
    _, data = page(make(tmp_path))
    assert [name for name, _ in data["meanings"]] == ["DAI(1)", "seconds"]
    assert all("better" in words for _, words in data["meanings"])
    figures = data["samples"][0]["cells"][1]["figures"]
    assert [f.rpartition(" ")[0] for f in figures] == ["DAI(1)", "seconds"]


def test_without_its_dataset_the_pictures_are_still_shown(tmp_path):
    run = make(tmp_path)
    (run.folder / "run.json").unlink()
    _, data = page(run)
    assert {s["asked"] for s in data["samples"]} == {None}
    assert data["samples"][0]["cells"][1]["small"]


def test_it_needs_nothing_beside_it(tmp_path):
    made, _ = page(make(tmp_path))
    assert set(re.findall(r"https?://[^\"' ]+", made)) <= {"http://www.w3.org/2000/svg"}
    assert not re.search(r"<(script|link)[^>]* (src|href)=", made)
