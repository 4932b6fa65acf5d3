"""What was drawn survives everything that ComfyUI does with a node."""

import json

import pytest

from tests.browser.studio import EMPTY

SIZE = (640, 400)


@pytest.fixture
def drawn(studio):
    """One arrow, and one stroke beside the region around it."""
    studio.drag((100, 100), (300, 200), SIZE)
    studio.press("b")
    studio.drag((100, 300), (300, 300), SIZE)
    studio.press("a")
    return studio


def same(studio, before: str) -> None:
    """The node holds the value, shows it, and can be drawn in."""
    assert studio.text() == before
    count = len(json.loads(before)["pairs"])
    assert studio.page.locator(".gd-editor").last.locator(".gd-end").count() == 2 * count
    studio.drag((500, 60), (560, 90), SIZE)
    assert len(studio.pairs()) == count + 1


def test_workflow_and_prompt_hold_the_same_string(drawn):
    saved = next(n for n in drawn.workflow()["nodes"] if n["type"] == "GoodDrag_Points")
    assert drawn.text() in saved["widgets_values"]
    assert drawn.prompt()[drawn.node]["inputs"]["points"] == drawn.text()


def test_a_saved_workflow_opens_as_it_was(drawn):
    before = drawn.text()
    drawn.page.evaluate("(data) => window.app.loadGraphData(data)", drawn.workflow())
    drawn.page.wait_for_timeout(1000)
    drawn.look(1)
    drawn.wait_for_picture()
    same(drawn, before)


def test_a_copied_node_has_a_value_of_its_own(drawn):
    before = drawn.text()
    drawn.page.evaluate(
        """(id) => {
          const { canvas, graph } = window.app;
          canvas.selectNode(graph.getNodeById(Number(id)));
          canvas.copyToClipboard();
          canvas.pasteFromClipboard();
        }""",
        drawn.node,
    )
    drawn.page.wait_for_timeout(500)
    script = "() => window.app.graph._nodes.filter((n) => n.type === 'GoodDrag_Points').map((n) => n.widgets[0].value)"
    values = drawn.page.evaluate(script)
    assert values == [before, before]
    drawn.page.evaluate(
        "(id) => window.app.graph.remove(window.app.graph._nodes.findLast((n) => n.type === 'GoodDrag_Points'))",
        drawn.node,
    )
    drawn.page.wait_for_timeout(300)
    same(drawn, before)


def test_a_node_that_is_only_made_to_be_copied_leaves_no_editor_behind(drawn):
    watched = """async () => {
      const { name } = performance.getEntriesByType("resource").find((r) => r.name.includes("/points/host.mjs"));
      return (await import(name)).sessions().length;
    }"""
    clone = "(id) => window.app.graph._nodes.find((n) => String(n.id) === id).clone().widgets.length"
    assert drawn.page.evaluate(watched) == 1
    assert drawn.page.evaluate(clone, drawn.node) >= 1
    assert drawn.page.evaluate(watched) == 1


def test_comfyuis_undo_takes_back_a_drawing_and_the_editor_shows_it(drawn):
    drawn.page.mouse.click(*EMPTY)
    drawn.page.wait_for_timeout(300)
    for keys, shapes, pairs in (("Control+z", 0, 1), ("Control+z", 0, 0), ("Control+y", 0, 1)):
        before = drawn.text()
        for _ in range(2):  # a state between: LoadImage has grown, as its preview came
            if drawn.text() == before:
                drawn.page.keyboard.press(keys)
                drawn.page.wait_for_timeout(1200)
        assert (len(drawn.shapes()), len(drawn.pairs())) == (shapes, pairs)
    drawn.look(1)
    before = drawn.text()
    assert len(drawn.pairs()) == 1
    same(drawn, before)


def test_both_undos_do_not_fight(drawn):
    drawn.press("Control+z")
    drawn.page.wait_for_timeout(600)
    assert (len(drawn.shapes()), len(drawn.pairs())) == (0, 1)
    drawn.press("Control+z")
    drawn.page.wait_for_timeout(600)
    assert drawn.pairs() == []
    drawn.press("Control+Shift+z", "Control+y")
    drawn.page.wait_for_timeout(600)
    assert (len(drawn.shapes()), len(drawn.pairs())) == (2, 1)  # around the arrow, and the stroke


def test_bypass_and_back(drawn):
    before = drawn.text()
    for mode in (4, 0):
        drawn.page.evaluate(
            "([id, mode]) => { window.app.graph.getNodeById(Number(id)).mode = mode; }", [drawn.node, mode]
        )
        drawn.page.wait_for_timeout(200)
    same(drawn, before)


def test_a_tab_switch(drawn):
    before = drawn.text()
    tabs = drawn.page.locator(".workflow-tabs .p-togglebutton, .workflow-tab")
    drawn.page.evaluate("() => window.app.extensionManager.command.execute('Comfy.NewBlankWorkflow')")
    drawn.page.wait_for_timeout(1500)
    assert drawn.page.evaluate("() => window.app.graph._nodes.some((n) => n.type === 'GoodDrag_Points')") is False
    tabs.first.click()
    drawn.page.wait_for_timeout(2000)
    drawn.look(1)
    drawn.wait_for_picture()
    same(drawn, before)


def test_inside_a_subgraph(drawn):
    before = drawn.text()
    drawn.page.evaluate(
        """(id) => {
          const { canvas, graph } = window.app;
          canvas.deselectAll();
          canvas.selectNode(graph.getNodeById(Number(id)));
          graph.convertToSubgraph(canvas.selectedItems);
        }""",
        drawn.node,
    )
    drawn.page.wait_for_timeout(600)
    (inputs,) = [n["inputs"] for n in drawn.prompt().values() if n["class_type"] == "GoodDrag_Points"]
    assert inputs["points"] == before


def test_ends_on_protected_ground_are_named_before_a_run(drawn):
    """The first pair and the stroke may change, and nothing else."""
    hint = drawn.page.locator(".gd-hint").last
    stuck, cut = "under the handle of pair 2.", "Nothing may change at the target of pair 2:"
    assert "pair" not in hint.text_content()
    drawn.drag((500, 60), (210, 300), SIZE)
    hint.filter(has_text=stuck).wait_for(timeout=5_000)
    drawn.drag((500, 60), (120, 300), SIZE)  # the handle, onto the stroke
    hint.filter(has_text=stuck).wait_for(state="hidden", timeout=5_000)
    drawn.drag((210, 300), (500, 60), SIZE)  # the target, off it
    hint.filter(has_text=cut).wait_for(timeout=5_000)
    drawn.press("b")
    drawn.drag((480, 60), (520, 60), SIZE)
    hint.filter(has_text=cut).wait_for(state="hidden", timeout=5_000)
    drawn.press("Control+z")
    hint.filter(has_text=cut).wait_for(timeout=5_000)


def test_what_keys_change_in_the_large_window_is_in_comfyuis_draft(drawn):
    state = "() => JSON.stringify(window.app.extensionManager.workflow.activeWorkflow.changeTracker.activeState)"
    drawn.press("Enter")
    drawn.page.locator(".gd-dialog").wait_for()
    drawn.drag((500, 60), (560, 90), SIZE)
    drawn.page.wait_for_timeout(900)
    drawn.stage.focus()
    drawn.press("Control+a", "Delete")
    assert drawn.pairs() == []
    drawn.page.wait_for_timeout(900)
    (saved,) = [n for n in json.loads(drawn.page.evaluate(state))["nodes"] if n["type"] == "GoodDrag_Points"]
    assert drawn.text() in saved["widgets_values"]
    drawn.press("Escape")


HOSTILE = [
    "<script>window.pwned = 1</script>",
    '{"version": 3, "pairs": []}',
    '{"pairs": [{"handle": "<img src=x onerror=window.pwned=1>", "target": [1, 2]}]}',
    "[[[1e308, 1], [1, 1]]]",
    "[" * 5000,
    '{"pairs": ' + json.dumps([[[1, 1], [2, 2]]] * 20_000) + "}",
]


@pytest.mark.parametrize(
    "text", HOSTILE, ids=["script", "newer version", "image", "huge number", "deep", "20000 pairs"]
)
def test_a_hostile_value_is_shown_as_an_error_and_kept(studio, text):
    script = """([id, text]) => {
      const node = window.app.graph.getNodeById(Number(id));
      node.widgets.find((w) => w.name === "points").value = text;
    }"""
    studio.page.evaluate(script, [studio.node, text])
    studio.page.wait_for_timeout(300)
    alert = studio.page.locator(".gd-editor").last.locator(".gd-error")
    assert alert.is_visible()
    assert "cannot be read" in alert.text_content()
    assert alert.locator("textarea").input_value() == text[:20_000]
    assert studio.text() == text
    assert studio.page.evaluate("window.pwned") is None
    studio.choose("Start afresh")
    assert alert.is_hidden()
    studio.drag((100, 100), (200, 200), SIZE)
    assert len(studio.pairs()) == 1


def test_a_picture_of_another_size_keeps_the_points_and_tells(drawn):
    before = drawn.pairs()
    drawn.page.evaluate(
        """() => {
          const load = window.app.graph._nodes.find((n) => n.type === "LoadImage");
          load.widgets.find((w) => w.name === "image").value = "gooddrag_strip.png";
        }"""
    )
    drawn.page.wait_for_selector(".gd-stage[data-picture='33x900']")
    assert drawn.pairs() == before
    assert "Drawn on a picture of 640x400; this one is 33x900." in drawn.page.locator(".gd-notice").last.text_content()
    drawn.choose("Keep the pixels")
    assert drawn.pairs() == before
    assert "Outside this picture: pair 1" in drawn.page.locator(".gd-hint").last.text_content()
