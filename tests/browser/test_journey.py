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


CONTINUE = """() => {
  window.app.graph._nodes.find((n) => n.type === "GoodDrag_Sampler").widgets.find((w) => w.name === "start").value = "last run";
}"""


# the hand, and where it shall be; not the same in both themes, or ComfyUI would answer from its cache
DRAGS = {"dark": ((87, 168), (102, 140)), "light": ((87, 168), (84, 132))}


@pytest.mark.parametrize("theme", DRAGS)
def test_from_an_empty_profile_to_a_dragged_picture(open_studio, theme):
    """One drag for the arrow, one click on Run; the region around the arrow is what may change."""
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
    assert "the region around the arrows may change" in studio.says()
    studio.shot(f"{name}-2-arrow")
    page.locator('[data-testid="queue-button"]').first.click()
    shows = "(state) => document.querySelector('.gd-editor .gd-stage').dataset.shows === state"
    page.wait_for_function(shows, arg="preview", timeout=120_000)
    studio.shot(f"{name}-3-running")
    page.wait_for_function(shows, arg="after", timeout=120_000)
    page.wait_for_timeout(500)
    studio.shot(f"{name}-4-result")
    show = {w: page.locator(".gd-editor").get_by_role("radio", name=w) for w in ("Original", "Result", "Compare")}
    assert show["Result"].get_attribute("aria-checked") == "true"
    studio.stage.focus()
    after = studio.stage.locator("canvas").first.screenshot()
    page.keyboard.down("c")
    page.wait_for_timeout(200)
    before = studio.stage.locator("canvas").first.screenshot()
    studio.shot(f"{name}-5-compared")
    page.keyboard.up("c")
    assert before != after
    show["Compare"].click()
    assert "original on the left" in studio.says()
    page.mouse.move(*studio.place((60, 128), SIZE)[:2])
    page.wait_for_timeout(200)
    studio.shot(f"{name}-6-compare")
    x, y, _ = studio.place((200, 60), SIZE)  # an arrow that is begun on the result belongs to the original
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 30, y)
    assert studio.stage.get_attribute("data-shows") == "picture"
    page.keyboard.press("Escape")
    page.mouse.up()
    page.evaluate(CONTINUE)
    page.wait_for_timeout(800)
    show["Result"].click()
    assert "Edits go on from it" in studio.says()
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 30, y)
    assert studio.stage.get_attribute("data-shows") == "after"
    page.keyboard.press("Escape")
    page.mouse.up()
    assert [tuple(round(v) for v in point) for point in studio.pairs()[0]] == [handle, target]
    newest = max((environment.BASE / "output").glob("GoodDrag*.png"), key=lambda path: path.stat().st_mtime)
    metadata = Image.open(newest).text
    assert json.dumps(studio.text()) in metadata["prompt"]
    assert json.dumps(studio.text()) in metadata["workflow"]
    studio.close()
