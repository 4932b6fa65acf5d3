"""Whose a run is, and what is told of one that fails in another node."""

import json

from tests.browser.pictures import Desk
from tests.browser.studio import Studio

BROKEN = json.dumps({"pairs": [], "mask": {"region": "nonsense"}})
QUEUE = """async ([prompt, workflow, end]) => {
  const { api, graph } = window.app;
  const extra_data = { extra_pnginfo: { workflow: { id: workflow ?? (graph.rootGraph ?? graph).id } } };
  window.failed = new Promise((done) => api.addEventListener(end ?? "execution_error", done, { once: true }));
  const answer = await api.fetchApi("/prompt", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ client_id: api.clientId, prompt, extra_data }),
  });
  if (answer.status !== 200) throw new Error(await answer.text());
  await window.failed;
}"""


def fails(studio: Studio, workflow: str | None = None) -> None:
    """Queue a prompt that fails in the points node, as a page with this page's client id does; waits until it has failed."""
    prompt = studio.prompt()
    prompt[studio.node]["inputs"]["points"] = BROKEN
    studio.page.evaluate(QUEUE, [prompt, workflow])


def test_a_failure_of_another_workflows_run_is_not_told_here(studio):
    studio.drag((100, 100), (200, 100), (640, 400))
    said = studio.says()
    fails(studio, "another")
    studio.page.wait_for_timeout(700)
    assert studio.says() == said
    assert studio.page.locator(".gd-failed").count() == 0
    fails(studio)
    studio.page.locator(".gd-status.gd-failed", has_text="the mask's region is").last.wait_for(timeout=10_000)
    fails(studio, "another")
    studio.page.wait_for_timeout(700)
    assert "the mask's region is" in studio.says()  # neither does its beginning wipe away what failed here
    for _ in range(3):
        studio.press("Escape")


def test_a_failure_of_the_sampler_is_told_in_the_status_line(desk):
    editor = Desk(desk).build(
        {"type": "GoodDrag_DemoModel"},
        {"type": "GoodDrag_Points", "inputs": {"image": [0, 3], "suggestion": [0, 4]}},
        {
            "type": "GoodDrag_Invert",
            "widgets": {"steps": 4},
            "inputs": {"model": [0, 0], "vae": [0, 1], "image": [0, 3], "positive": [0, 2]},
        },
        {"type": "EmptyImage", "widgets": {"width": 128, "height": 96}},
        {"type": "GoodDrag_Points", "widgets": {"points": "[[[30, 30], [60, 60]]]"}, "inputs": {"image": [3, 0]}},
        {"type": "GoodDrag_Sampler", "inputs": {"model": [0, 0], "inversion": [2, 0], "points": [4, 0]}},
        {"type": "GoodDrag_Decode", "inputs": {"vae": [0, 1], "latent": [5, 0]}},
        {"type": "PreviewImage", "inputs": {"images": [6, 0]}},
    )
    editor.run()
    status = editor.page.locator(".gd-status.gd-failed", has_text="The run stopped in GoodDrag Sampler").last
    status.wait_for(timeout=60_000)
    assert "placed on a 128x96 picture" in status.text_content()
    desk.shot("sampler-failed")
    for _ in range(3):
        desk.press("Escape")


def test_what_a_run_of_another_workflow_says_is_not_told_here(desk):
    editor = Desk(desk).build(
        {"type": "EmptyImage", "widgets": {"width": 128, "height": 96}},
        {"type": "GoodDrag_Points", "widgets": {"points": "[[[30, 30], [60, 60]]]"}, "inputs": {"image": [0, 0]}},
    )
    prompt = desk.prompt()
    small = {"region": "own", "mode": "union", "shapes": [{"kind": "brush", "points": [[90, 80]], "size": 20}]}
    value = {"version": 2, "width": 128, "height": 96, "pairs": [[[30, 30], [60, 60]]], "mask": small}
    prompt[desk.node]["inputs"]["points"] = json.dumps(value)
    notice = editor.page.locator(".gd-notices", has_text="may not change")
    desk.page.evaluate(QUEUE, [prompt, "another", "execution_success"])
    desk.page.wait_for_timeout(700)
    assert notice.count() == 0
    prompt[desk.node]["inputs"]["points"] = json.dumps(value | {"pairs": [[[31, 31], [60, 60]]]})
    desk.page.evaluate(QUEUE, [prompt, None, "execution_success"])
    notice.wait_for(timeout=10_000)
    desk.page.evaluate(QUEUE, [prompt | {"99": dict(prompt[desk.node])}, "another", "execution_success"])
    desk.page.wait_for_timeout(700)
    assert notice.count() == 1  # nor does its beginning wipe away what was said here


def test_behind_variants_the_editor_shows_the_last_result(desk):
    editor = Desk(desk).build(
        {"type": "GoodDrag_DemoModel"},
        {
            "type": "GoodDrag_Invert",
            "widgets": {"steps": 4},
            "inputs": {"model": [0, 0], "vae": [0, 1], "image": [0, 3], "positive": [0, 2]},
        },
        {
            "type": "GoodDrag_Points",
            "widgets": {"points": "[[[60, 64], [84, 72]]]"},
            "inputs": {"image": [0, 3]},
        },
        {"type": "GoodDrag_Variants", "widgets": {"count": 2}, "inputs": {"points": [2, 0]}},
        {
            "type": "GoodDrag_Sampler",
            "widgets": {"operations": 2, "gradient_steps": 1},
            "inputs": {"model": [0, 0], "inversion": [1, 0], "points": [3, 0], "mask": [2, 1]},
        },
        {"type": "GoodDrag_Decode", "inputs": {"vae": [0, 1], "latent": [4, 0], "trace": [4, 1]}},
        {"type": "PreviewImage", "inputs": {"images": [5, 0]}},
    )
    assert "Nothing to show yet" in editor.page.locator(".gd-editor [role=radio]", has_text="Result").get_attribute(
        "title"
    )
    editor.run()
    stage = editor.page.locator(".gd-editor .gd-stage[data-shows='after']")
    stage.wait_for(timeout=60_000)
    assert desk.says().startswith("The result.")
    desk.shot(f"variants-{desk.server.frontend}-{desk.renderer}")


def _quick(desk, x: int) -> Desk:
    """A whole edit of few steps; ``x`` makes it one that the server has not done before, of which it would not tell again."""
    return Desk(desk).build(
        {"type": "GoodDrag_DemoModel"},
        {"type": "GoodDrag_Points", "widgets": {"points": f"[[[{x}, 64], [84, 72]]]"}, "inputs": {"image": [0, 3]}},
        {
            "type": "GoodDrag_Invert",
            "widgets": {"steps": 4},
            "inputs": {"model": [0, 0], "vae": [0, 1], "image": [0, 3], "positive": [0, 2]},
        },
        {
            "type": "GoodDrag_Sampler",
            "widgets": {"operations": 2, "gradient_steps": 1},
            "inputs": {"model": [0, 0], "inversion": [2, 0], "points": [1, 0], "mask": [1, 1]},
        },
        {"type": "GoodDrag_Decode", "inputs": {"vae": [0, 1], "latent": [3, 0], "trace": [3, 1]}},
        {"type": "PreviewImage", "inputs": {"images": [4, 0]}},
    )


def _open_tab(desk):
    tabs = desk.page.locator(".workflow-tabs .p-togglebutton, .workflow-tab")
    opened = tabs.evaluate_all(
        "(all) => all.findIndex((tab) => /checked|active/.test(tab.className) || tab.ariaPressed === 'true')"
    )
    return tabs.nth(opened if opened >= 0 else tabs.count() - 1)


AFTER = ".gd-editor .gd-stage[data-shows='after']"


def _ran(desk, x: int):
    """The stage with the result of a quick edit, which is there."""
    editor = _quick(desk, x)
    editor.run()
    after = editor.page.locator(AFTER)
    after.wait_for(timeout=60_000)
    return after


def _asks_for_the_result(desk) -> None:
    """It is shown, as that of the arrows that are there."""
    desk.page.locator(".gd-editor [role=radio]", has_text="Result").last.click()
    desk.page.locator(AFTER).wait_for(timeout=5_000)
    assert desk.says().startswith("The result. ")


def test_the_last_result_is_there_after_a_look_at_another_tab(desk):
    after = _ran(desk, 62)
    own = _open_tab(desk)
    desk.page.evaluate("() => window.app.extensionManager.command.execute('Comfy.NewBlankWorkflow')")
    desk.page.wait_for_timeout(1500)
    own.click()
    desk.page.wait_for_timeout(2000)
    desk.look(1)
    assert after.count() == 0  # the original, as a workflow opens
    _asks_for_the_result(desk)
    desk.shot(f"tab-{desk.server.frontend}-{desk.renderer}")


def test_the_last_result_is_there_after_undo_in_comfyui(desk):
    _ran(desk, 63)
    desk.page.evaluate(
        """() => {
          const note = LiteGraph.createNode("Note");
          note.pos = [900, 500];
          window.app.graph.add(note);
          window.app.extensionManager.workflow.activeWorkflow.changeTracker.checkState();
        }"""
    )
    before = desk.page.evaluate("() => window.app.graph._nodes.length")
    desk.page.evaluate("() => window.app.extensionManager.command.execute('Comfy.Undo')")
    desk.page.wait_for_timeout(2000)
    assert desk.page.evaluate("() => window.app.graph._nodes.length") == before - 1
    desk.look(1)
    _asks_for_the_result(desk)
    desk.shot(f"undone-{desk.server.frontend}-{desk.renderer}")


def test_the_last_result_is_there_after_the_page_was_loaded_again(desk):
    after = _ran(desk, 64)
    saved = desk.workflow()
    desk.page.reload()
    desk.page.wait_for_function(
        "() => window.app?.graph && LiteGraph.registered_node_types.GoodDrag_Points", timeout=60_000
    )
    desk.page.evaluate("(saved) => window.app.loadGraphData(saved)", saved)
    desk.look(1)
    desk.wait_for_picture()
    assert after.count() == 0
    _asks_for_the_result(desk)


def _wait_for_the_queue(desk) -> None:
    left = """async () => {
      const { queue_running, queue_pending } = await (await window.app.api.fetchApi("/queue")).json();
      return queue_running.length + queue_pending.length;
    }"""
    for _ in range(180):
        desk.page.wait_for_timeout(500)
        if not desk.page.evaluate(left):
            break


def test_a_result_is_not_put_on_a_picture_that_was_chosen_meanwhile(desk):
    editor = _quick(desk, 66)
    shown = "() => [...document.querySelectorAll('.gd-stage')].at(-1).dataset"
    desk.page.evaluate("() => void window.app.queuePrompt(0)")
    desk.page.wait_for_timeout(400)
    editor.set(0, "scene", 2)
    _wait_for_the_queue(desk)
    desk.page.wait_for_timeout(1000)
    assert desk.page.evaluate(shown)["shows"] == "picture"
    assert desk.page.locator(".gd-editor [role=radio]", has_text="Result").last.is_disabled()
    editor.set(0, "scene", 1)
    desk.page.wait_for_timeout(1500)
    _asks_for_the_result(desk)  # it is that of the first


def test_a_result_that_comes_while_another_tab_is_open_is_there_afterwards(desk):
    _quick(desk, 65)
    desk.page.evaluate("() => void window.app.queuePrompt(0)")
    own = _open_tab(desk)
    desk.page.evaluate("() => window.app.extensionManager.command.execute('Comfy.NewBlankWorkflow')")
    _wait_for_the_queue(desk)
    own.click()
    desk.page.wait_for_timeout(2000)
    desk.look(1)
    _asks_for_the_result(desk)
