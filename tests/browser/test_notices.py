"""What a node says after a run is read in the node, and stays."""

GRAPH = """(steps) => {
  const { graph } = window.app;
  graph.clear();
  const make = (type, x) => {
    const node = LiteGraph.createNode(type);
    node.pos = [x, 0];
    graph.add(node);
    return node;
  };
  const demo = make("GoodDrag_DemoModel", -700);
  const both = make("ConditioningCombine", -350);
  const invert = make("GoodDrag_Invert", 0);
  const decode = make("VAEDecode", 500);
  const preview = make("PreviewImage", 750);
  demo.connect(2, both, 0);
  demo.connect(2, both, 1);
  demo.connect(0, invert, 0);
  demo.connect(1, invert, 1);
  demo.connect(3, invert, 2);
  both.connect(0, invert, 3);
  for (const [name, value] of [["steps", steps], ["strength", 0.5]]) invert.widgets.find((w) => w.name === name).value = value;
  invert.connect(1, decode, 0);
  demo.connect(1, decode, 1);
  decode.connect(0, preview, 0);
  return String(invert.id);
}"""
UNCOMBINE = """([id]) => {
  const invert = window.app.graph.getNodeById(Number(id));
  window.app.graph._nodes.find((n) => n.type === "GoodDrag_DemoModel").connect(2, invert, 3);
}"""
SAID = "1 further prompt"


def queued(page) -> None:
    done = """() => new Promise((resolve, reject) => {
      const { api } = window.app;
      api.addEventListener("execution_success", () => resolve(), { once: true });
      api.addEventListener("execution_error", (e) => reject(new Error(e.detail.exception_message)), { once: true });
      window.app.queuePrompt(0);
    })"""
    page.evaluate(done)


def test_a_notice_is_read_in_the_node_and_goes_when_it_no_longer_holds(desk):
    page = desk.page
    desk.node = page.evaluate(GRAPH, len(desk.renderer))  # else the server has it already
    desk.look(1, 700, 90)
    saved = desk.workflow()
    queued(page)
    notice = page.locator(".gd-notices", has_text=SAID)
    notice.wait_for(timeout=30_000)
    page.wait_for_timeout(300)
    box = notice.bounding_box()
    assert box["height"] >= 17
    assert notice.evaluate("(e) => e.scrollHeight <= e.clientHeight + 1"), "cut off"
    desk.shot(f"notice-{desk.server.frontend}-{desk.renderer}")
    widgets = [n["widgets_values"] for n in desk.workflow()["nodes"] if n["type"] == "GoodDrag_Invert"]
    assert widgets == [n["widgets_values"] for n in saved["nodes"] if n["type"] == "GoodDrag_Invert"]

    queued(page)  # nothing is computed again
    assert notice.is_visible()
    page.evaluate("(data) => window.app.loadGraphData(data, false, false)", desk.workflow())  # as undo does
    desk.look(1, 700, 90)
    notice.wait_for(timeout=5_000)

    page.evaluate(UNCOMBINE, [desk.node])
    queued(page)
    page.locator(".gd-notices").wait_for(state="detached", timeout=30_000)
