"""Whose a run is, and what is told of one that fails in another node."""

import json

from tests.browser.pictures import Desk
from tests.browser.studio import Studio

BROKEN = json.dumps({"pairs": [], "mask": {"region": "nonsense"}})
QUEUE = """async ([prompt, workflow]) => {
  const { api, graph } = window.app;
  const extra_data = { extra_pnginfo: { workflow: { id: workflow ?? (graph.rootGraph ?? graph).id } } };
  window.failed = new Promise((done) => api.addEventListener("execution_error", done, { once: true }));
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
