"""Files that are dropped on the editor or pasted into it."""

import pytest

from tests.browser.pictures import Desk, once, painting

SIZE = (640, 400)
GIVE = """async ([kind, name, target, type]) => {
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [96, 80];
  const context = canvas.getContext("2d");
  context.fillStyle = "#c42";
  context.fillRect(0, 0, 96, 80);
  const blob = await new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
  const data = new DataTransfer();
  const content = type === "image/png" && !name.startsWith("broken") ? blob : "no picture";
  data.items.add(new File([content], name, { type }));
  const options = { bubbles: true, cancelable: true };
  const event = kind === "drop" ? new DragEvent("drop", { ...options, dataTransfer: data })
    : new ClipboardEvent("paste", { ...options, clipboardData: data });
  [...document.querySelectorAll(target)].at(-1).dispatchEvent(event);
  return event.defaultPrevented;
}"""
LOADED = """() => (window.app.graph.rootGraph ?? window.app.graph)._nodes.filter((n) => n.type === "LoadImage")
  .map((n) => n.widgets.find((w) => w.name === "image").value)"""


def give(page, kind: str, name: str, type_: str = "image/png") -> bool:
    """Drop or paste a file of 96x80 pixels; whether the editor kept it from ComfyUI."""
    return page.evaluate(GIVE, [kind, name, ".gd-stage", type_])


@pytest.fixture
def desk_of(desk):
    return Desk(desk)


@pytest.mark.parametrize("kind", ["drop", "paste"])
@pytest.mark.parametrize("linked", [True, False])
def test_a_picture_that_is_dropped_or_pasted_is_loaded(studio, kind, linked):
    if not linked:
        studio.page.evaluate("(id) => window.app.graph.getNodeById(Number(id)).disconnectInput(0)", studio.node)
    name = f"gooddrag_{kind}_{linked}.png"
    assert give(studio.page, kind, name)
    studio.page.wait_for_selector(".gd-stage[data-picture='96x80']", state="attached", timeout=10_000)
    loaders = """() => window.app.graph._nodes.filter((n) => n.type === "LoadImage")
      .map((n) => [n.widgets.find((w) => w.name === "image").value, n.outputs[0].links?.length ?? 0])"""
    found = studio.page.evaluate(loaders)
    assert len(found) == (1 if linked else 2)
    (used,) = [value for value, links in found if links]
    assert used.startswith(f"gooddrag_{kind}_{linked}")


@pytest.mark.parametrize("kind", ["drop", "paste"])
@pytest.mark.parametrize(
    ("name", "type_", "why"),
    [
        ("points.json", "application/json", "points.json is no picture, so it was not taken"),
        ("film.mp4", "video/mp4", "film.mp4 is no picture, so it was not taken"),
        ("broken.png", "image/png", "The picture was not taken: Load Image cannot read broken"),
    ],
)
def test_a_file_that_is_no_picture_is_said_and_nothing_is_lost(studio, kind, name, type_, why):
    before, picture = studio.page.evaluate(LOADED), studio.stage.get_attribute("data-picture")
    assert give(studio.page, kind, name, type_)
    studio.page.locator(".gd-status", has_text=why).last.wait_for(timeout=10_000)
    assert studio.page.evaluate(LOADED) == before
    assert studio.stage.get_attribute("data-picture") == picture


def test_inside_a_subgraph_the_load_image_outside_gets_the_file(desk_of):
    name = once(painting(SIZE, seed=41))
    desk = desk_of.chain(name)
    desk.enter(desk.wrap(1))
    desk.wait("current")
    give(desk.page, "drop", "gooddrag_inner.png")
    desk.page.wait_for_selector(".gd-stage[data-picture='96x80']", state="attached", timeout=10_000)
    (value,) = desk.page.evaluate(LOADED)
    assert value.startswith("gooddrag_inner")
    assert desk.page.evaluate("() => window.app.canvas.graph._nodes.some((n) => n.type === 'LoadImage')") is False
    assert "is in Load Image now" in desk.studio.says()


def test_inside_a_subgraph_without_a_load_image_outside_it_is_said(desk_of):
    desk = desk_of.build(
        {"type": "EmptyImage"},
        {"type": "GoodDrag_Points", "inputs": {"image": [0, 0]}},
    )
    desk.enter(desk.wrap(1))
    desk.wait("unknown")
    give(desk.page, "drop", "gooddrag_nowhere.png")
    why = "The picture was not taken: no Load Image makes what comes into this subgraph; connect one there"
    desk.editor.locator(".gd-status", has_text=why).wait_for(timeout=10_000)
    assert desk.page.evaluate("() => window.app.canvas.graph._nodes.some((n) => n.type === 'LoadImage')") is False


def test_a_picture_in_place_of_a_demo_scene_takes_its_drag_and_mask_off(desk_of):
    """Its Load Image covers no other node, and the region is that of the arrows that a person draws."""
    editor = desk_of.build(
        {"type": "Note"},
        {"type": "GoodDrag_DemoModel"},
        {"type": "GoodDrag_Points", "inputs": {"image": [1, 3], "suggestion": [1, 4], "mask": [1, 5]}},
    )
    page, studio = editor.page, editor.studio
    studio.wait_for_picture()
    page.evaluate("() => { window.app.graph._nodes.find((n) => n.type === 'Note').pos = [-360, 0]; }")
    assert give(page, "drop", "gooddrag_own.png")
    page.wait_for_selector(".gd-stage[data-picture='96x80']", state="attached", timeout=10_000)
    page.locator(".gd-status", has_text="suggestion and mask are not connected any more").last.wait_for(timeout=10_000)
    linked, over = page.evaluate(
        """() => {
          const { _nodes: nodes } = window.app.graph;
          const points = nodes.find((n) => n.type === "GoodDrag_Points");
          const loader = nodes.find((n) => n.type === "LoadImage");
          const covers = (a, b) => a.pos[0] < b.pos[0] + b.size[0] && b.pos[0] < a.pos[0] + a.size[0]
            && a.pos[1] < b.pos[1] + b.size[1] && b.pos[1] < a.pos[1] + a.size[1];
          const over = nodes.filter((n) => n !== loader && covers(n, loader)).map((n) => n.type);
          return [points.inputs.filter((i) => i.link != null).map((i) => i.name), over];
        }"""
    )
    assert (linked, over) == (["image"], [])
    studio.drag((20, 20), (60, 50), (96, 80))
    assert "the region around the arrows may change" in studio.says()
    studio.shot("own-picture")
