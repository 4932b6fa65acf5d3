"""A newcomer: the quickstart, one arrow, one run, the result in the editor."""

import json
from pathlib import Path

import pytest
from PIL import Image

from devtools import environment

QUICKSTART = Path(__file__).parent.parent.parent / "example_workflows" / "gooddrag_quickstart.json"
SIZE = (256, 256)
SHORTEN = """() => {
  const set = (type, name, value) => {
    window.app.graph._nodes.find((n) => n.type === type).widgets.find((w) => w.name === name).value = value;
  };
  set("GoodDrag_LoRATune", "steps", 10);
  set("GoodDrag_Sampler", "operations", 20);
}"""


# the hand, and where it shall be; not the same in both themes, or ComfyUI would answer from its cache
DRAGS = {"dark": ((34, 176), (46, 132)), "light": ((34, 176), (40, 140))}


@pytest.mark.parametrize("theme", DRAGS)
def test_from_an_empty_profile_to_a_dragged_picture(open_studio, theme):
    """One drag for the arrow, two clicks for the mask (Brush, Suggest), one click on Run."""
    studio = open_studio(theme=theme)
    page, name = studio.page, f"{studio.server.frontend}-{studio.renderer}-{theme}"
    studio.open(QUICKSTART)
    page.evaluate(SHORTEN)
    studio.wait_for_picture()
    page.wait_for_timeout(1500)
    assert "suggestion" in page.locator(".gd-hint").text_content()
    studio.shot(f"{name}-1-open")
    handle, target = DRAGS[theme]
    studio.drag(handle, target, SIZE)
    assert "all of the picture may change" in studio.says()
    studio.choose("Brush")
    studio.choose("Suggest")
    studio.shot(f"{name}-2-arrow")
    page.locator('[data-testid="queue-button"]').first.click()
    shows = "(state) => document.querySelector('.gd-editor .gd-stage').dataset.shows === state"
    page.wait_for_function(shows, arg="preview", timeout=120_000)
    studio.shot(f"{name}-3-running")
    page.wait_for_function(shows, arg="after", timeout=120_000)
    page.wait_for_timeout(500)
    studio.shot(f"{name}-4-result")
    studio.stage.focus()
    after = studio.stage.locator("canvas").first.screenshot()
    page.keyboard.down("c")
    page.wait_for_timeout(200)
    before = studio.stage.locator("canvas").first.screenshot()
    studio.shot(f"{name}-5-compared")
    page.keyboard.up("c")
    assert before != after
    assert [tuple(round(v) for v in point) for point in studio.pairs()[0]] == [handle, target]
    newest = max((environment.BASE / "output").glob("GoodDrag*.png"), key=lambda path: path.stat().st_mtime)
    metadata = Image.open(newest).text
    assert json.dumps(studio.text()) in metadata["prompt"]
    assert json.dumps(studio.text()) in metadata["workflow"]
    studio.close()
