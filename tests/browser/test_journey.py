"""A newcomer: the quickstart, one arrow, one run, the result in the editor."""

from pathlib import Path

import pytest

QUICKSTART = Path(__file__).parent.parent.parent / "example_workflows" / "gooddrag_quickstart.json"
SIZE = (256, 256)
SHORTEN = """() => {
  const set = (type, name, value) => {
    window.app.graph._nodes.find((n) => n.type === type).widgets.find((w) => w.name === name).value = value;
  };
  set("GoodDrag_LoRATune", "steps", 10);
  set("GoodDrag_Sampler", "operations", 20);
}"""


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_from_an_empty_profile_to_a_dragged_picture(open_studio, theme):
    """Two actions after the workflow is open: one drag of the mouse, one click on Run."""
    studio = open_studio(theme=theme)
    page, name = studio.page, f"{studio.server.frontend}-{studio.renderer}-{theme}"
    studio.open(QUICKSTART)
    page.evaluate(SHORTEN)
    studio.wait_for_picture()
    page.wait_for_timeout(1500)
    assert "suggestion" in page.locator(".gd-hint").text_content()
    studio.shot(f"{name}-1-open")
    studio.drag((120, 110), (150, 112), SIZE)
    studio.shot(f"{name}-2-arrow")
    page.locator('[data-testid="queue-button"]').first.click()
    page.wait_for_timeout(15_000)
    studio.shot(f"{name}-3-running")
    compare = studio.button("Hold to compare")
    page.wait_for_function("(b) => !b.disabled", arg=compare.element_handle(), timeout=120_000)
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
    assert [[round(v) for v in point] for point in studio.pairs()[0]] == [[120, 110], [150, 112]]
    studio.close()
