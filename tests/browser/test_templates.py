"""The example workflows as they open in the page: no node on another, and an editor that can be used."""

from pathlib import Path

import pytest

EXAMPLES = sorted((Path(__file__).parent.parent.parent / "example_workflows").glob("*.json"))

FIRST = {"quickstart", "sd15", "sdxl", "own_lora"}

# what a node really takes: the classic canvas draws what its widgets need, Vue what its elements need
BOXES = """() => {
  const { canvas, graph } = window.app;
  return graph._nodes.map((node) => {
    const shown = document.querySelector(`[data-node-id="${node.id}"]`);
    const title = LiteGraph.NODE_TITLE_HEIGHT;
    if (shown) {
      const r = shown.getBoundingClientRect();
      const page = canvas.canvas.getBoundingClientRect();
      const { scale, offset } = canvas.ds;
      return { name: node.title, x: (r.left - page.left) / scale - offset[0], y: (r.top - page.top) / scale - offset[1],
               width: r.width / scale, height: r.height / scale };
    }
    const needed = node.computeSize();
    return { name: node.title, x: node.pos[0], y: node.pos[1] - title, width: Math.max(node.size[0], needed[0]),
             height: Math.max(node.size[1], needed[1]) + title };
  });
}"""
OPEN_AS_TEMPLATE = """async ([name]) => {
  const data = await (await fetch(`/api/workflow_templates/ComfyUI-GoodDrag/${name}.json`)).json();
  await window.app.loadGraphData(data, true, true, name, { openSource: "template" });
}"""


def overlaps(boxes: list[dict]) -> list[str]:
    found = []
    for i, a in enumerate(boxes):
        for b in boxes[:i]:
            across = min(a["x"] + a["width"], b["x"] + b["width"]) - max(a["x"], b["x"])
            down = min(a["y"] + a["height"], b["y"] + b["height"]) - max(a["y"], b["y"])
            if across > 1 and down > 1:
                found.append(f"{a['name']} and {b['name']} by {across:.0f} x {down:.0f}")
    return found


@pytest.fixture(scope="module", params=EXAMPLES, ids=lambda path: path.stem)
def opened(desk, request):
    desk.page.evaluate("() => window.app.graph.clear()")
    desk.page.evaluate(OPEN_AS_TEMPLATE, [request.param.stem])
    desk.page.wait_for_selector(".gd-editor")
    desk.page.wait_for_timeout(2500)
    for _ in range(3):
        desk.page.keyboard.press("Escape")
    return desk


def test_no_node_covers_another_at_the_size_it_really_has(opened):
    boxes = opened.page.evaluate(BOXES)
    assert len(boxes) > 8
    assert overlaps(boxes) == [], boxes
    opened.shot(f"template-{opened.server.frontend}-{opened.renderer}-{len(boxes)}")


def test_buttons_can_be_hit_at_the_zoom_it_opens_with(opened, request):
    """Of the workflows that people begin with; larger ones are zoomed into."""
    sizes = opened.page.evaluate(
        """() => [...document.querySelectorAll(".gd-editor .gd-bar button")].map((b) => b.getBoundingClientRect())
                   .filter((r) => r.width).map((r) => Math.min(r.width, r.height))"""
    )
    assert len(sizes) > 15
    first = request.node.callspec.params["opened"].stem.removeprefix("gooddrag_") in FIRST
    assert min(sizes) >= (24 if first else 12), (min(sizes), opened.page.evaluate("() => window.app.canvas.ds.scale"))


def test_the_editor_keeps_a_size_in_which_it_can_be_used(opened):
    """Also when somebody pulls the node's corner inwards."""
    node = opened.page.evaluate(
        """() => {
          const node = window.app.graph._nodes.find((n) => n.type === "GoodDrag_Points");
          node.setSize([100, 100]);
          window.app.canvas.setDirty(true, true);
          return String(node.id);
        }"""
    )
    opened.page.wait_for_timeout(600)
    script = "(id) => [...window.app.graph.getNodeById(Number(id)).size]"
    width, height = opened.page.evaluate(script, node)
    assert width >= 400
    assert height >= 480


BLUEPRINTS = """() => document.querySelector("#vue-app").__vue_app__.config.globalProperties.$pinia._s.get("nodeDef")
  .nodeDefs.map((d) => d.display_name)"""
PUT_BLUEPRINT = """async () => {
  const all = await (await fetch("/api/global_subgraphs")).json();
  const [id] = Object.entries(all).find(([, entry]) => entry.name === "Drag edit");
  const { data } = await (await fetch(`/api/global_subgraphs/${id}`)).json();
  await window.app.loadGraphData(JSON.parse(data));
  const { graph } = window.app;
  const [edit] = graph._nodes;
  const make = (type, x) => {
    const node = LiteGraph.createNode(type);
    node.pos = [x, 0];
    graph.add(node);
    return node;
  };
  const [demo, show] = [make("GoodDrag_DemoModel", -500), make("PreviewImage", 500)];
  const output = (name) => demo.outputs.findIndex((o) => o.name === name);
  edit.inputs.forEach((input, i) => { if (input.name !== "mask") demo.connect(output(input.name), edit, i); });
  edit.connect(0, show, 0);
}"""
SHORT = {
    "GoodDrag_Points": {"points": '{"pairs": [{"handle": [60, 64], "target": [84, 72]}]}'},
    "GoodDrag_LoRATune": {"steps": 1},
    "GoodDrag_Invert": {"steps": 10},
    "GoodDrag_Sampler": {"operations": 1, "gradient_steps": 1},
}


def test_the_blueprint_is_offered_and_runs(desk):
    """One node with picture and model in and the picture out; the editor lies inside."""
    desk.page.wait_for_function(f"() => ({BLUEPRINTS})().includes('Drag edit')", timeout=15_000)
    desk.page.evaluate(PUT_BLUEPRINT)
    desk.page.wait_for_timeout(800)
    desk.shot(f"blueprint-{desk.renderer}")
    prompt = desk.prompt()
    assert len(prompt) == 7
    for node in prompt.values():
        node["inputs"].update(SHORT.get(node["class_type"], {}))
    (shown,) = [key for key, node in prompt.items() if node["class_type"] == "PreviewImage"]
    assert desk.server.run(prompt)["outputs"][shown]["images"]
