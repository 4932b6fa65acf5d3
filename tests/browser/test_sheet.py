"""The benchmark's contact sheet in a browser."""

import json

import numpy as np
import pytest
from PIL import Image

from gooddrag.bench import finished
from gooddrag.bench.rows import picture
from gooddrag.bench.sheet import sheet


@pytest.fixture
def opened(browser, tmp_path):
    place = tmp_path / "pictures" / "cat_0"
    place.mkdir(parents=True)
    mask = np.zeros((64, 72), np.uint8)
    mask[8:56, 8:64] = 255
    Image.new("RGB", (72, 64), "teal").save(place / "original.png")
    Image.fromarray(mask).save(place / "mask.png")
    (place / "points.json").write_text(json.dumps({"points": [[20, 20], [40, 30], [50, 50], [50, 50]]}))
    folder = tmp_path / "out"
    row = {"key": "k", "sample": "cat_0", "kind": "cat", "method": "gooddrag", "dai_1": 0.1}
    for method in ("original", "gooddrag"):
        path = picture(folder, method, "cat_0")
        path.parent.mkdir(parents=True)
        Image.new("RGB", (72, 64), "teal").save(path)
    (folder / "results.jsonl").write_text(json.dumps(row) + "\n")
    finished.note(folder, str(tmp_path / "pictures"), {}, "k")
    (folder / "index.html").write_text(sheet([row], "cats", lambda m, s: picture(folder, m, s)), encoding="utf-8")
    page, errors = browser.new_page(), []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto((folder / "index.html").as_uri())
    yield page
    page.close()
    assert errors == []


def test_the_picture_shows_what_was_asked_and_the_figures_are_explained(opened):
    assert opened.locator("main svg").count() == 1
    first = opened.locator("main figure").first
    assert first.locator("svg circle").count() == 6  # dot and ring of one arrow, each with its rims
    assert first.locator("svg image").count() == 1
    box, drawn = first.locator("img").bounding_box(), first.locator("svg").bounding_box()
    assert drawn == pytest.approx(box, abs=0.5)
    assert opened.locator("dt").all_text_contents() == ["on the picture", "DAI(1)"]


def test_arrows_on_every_picture_and_in_the_large_view(opened):
    opened.get_by_role("button", name="on every picture").click()
    assert opened.locator("main svg").count() == 2
    assert opened.locator("main svg image").count() == 1  # results are not darkened
    opened.locator("main figure").nth(1).click()
    assert opened.locator("dialog svg").count() == 2
