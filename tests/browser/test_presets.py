"""A preset fills the other widgets of its node."""

WIDGETS = "() => Object.fromEntries(window.app.graph._nodes[0].widgets.map((w) => [w.name, w.value]))"
CHOOSE = """([name, value]) => {
  const widget = window.app.graph._nodes[0].widgets.find((w) => w.name === name);
  widget.value = value;
  widget.callback?.(value, window.app.canvas, window.app.graph._nodes[0]);
}"""
ADD = """(type) => {
  window.app.graph.clear();
  const node = LiteGraph.createNode(type);
  node.pos = [0, 0];
  window.app.graph.add(node);
  return String(node.id);
}"""


def test_choosing_a_preset_shows_its_values_and_editing_one_makes_it_custom(desk):
    page = desk.page
    desk.node = page.evaluate(ADD, "GoodDrag_Sampler")
    desk.look(1)
    assert page.evaluate(WIDGETS)["preset"] == "custom"
    page.evaluate(CHOOSE, ["preset", "fast"])
    shown = page.evaluate(WIDGETS)
    assert (shown["preset"], shown["operations"], shown["background"]) == ("fast", 19, "lock")
    assert shown["mutual_attention"] is True
    if desk.renderer == "vue":
        assert page.get_by_label("operations", exact=True).or_(page.locator("input[value='19']")).count()
    desk.shot("preset")
    page.evaluate(CHOOSE, ["preset", "paper"])
    assert page.evaluate(WIDGETS)["background"] == "penalty"
    page.evaluate(CHOOSE, ["operations", 71])
    shown = page.evaluate(WIDGETS)
    assert (shown["preset"], shown["operations"], shown["gradient_steps"]) == ("custom", 71, 3)


def test_a_saved_preset_comes_back(desk):
    page = desk.page
    desk.node = page.evaluate(ADD, "GoodDrag_LoRATune")
    page.evaluate(CHOOSE, ["preset", "balanced"])
    before = page.evaluate(WIDGETS)
    page.evaluate("(data) => window.app.loadGraphData(data)", desk.workflow())
    page.wait_for_timeout(800)
    after = page.evaluate(WIDGETS)
    assert after == before
    assert after["preset"] == "balanced"
