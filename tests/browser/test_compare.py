"""GoodDrag Compare in the page: the slider shows as much of each picture as it says, and any two of several can be chosen."""

GRAPH = """([colours, labels]) => {
  const { graph } = window.app;
  graph.clear();
  graph.last_node_id = Math.floor(performance.now()); // Vue keeps what it showed for an id
  const compare = LiteGraph.createNode("GoodDrag_Compare");
  compare.pos = [0, 0];
  graph.add(compare);
  colours.forEach((colour, i) => {
    const picture = LiteGraph.createNode("EmptyImage");
    picture.pos = [-400, 250 * i];
    graph.add(picture);
    const values = { width: 64, height: 48, batch_size: 1, color: colour };
    for (const [name, value] of Object.entries(values)) picture.widgets.find((w) => w.name === name).value = value;
    picture.connect(0, compare, compare.inputs.findIndex((input) => input.name === "abcdef"[i]));
  });
  compare.widgets.find((w) => w.name === "labels").value = labels;
  return String(compare.id);
}"""
QUEUE = """() => new Promise((resolve, reject) => {
  const { api } = window.app;
  api.addEventListener("execution_success", () => resolve(), { once: true });
  api.addEventListener("execution_error", (e) => reject(new Error(e.detail.exception_message)), { once: true });
  window.app.queuePrompt(0);
})"""
RED, GREEN, BLUE = 0xE02020, 0x20C040, 0x3060F0


def compared(desk, colours, labels):
    page = desk.page
    desk.node = page.evaluate(GRAPH, [colours, labels])
    desk.look(1, 700, 90)
    page.evaluate(QUEUE)
    stage = page.locator(".gd-compare .gd-stage")
    stage.wait_for(timeout=30_000)
    page.wait_for_function(
        "() => [...document.querySelectorAll('.gd-compare img')].every((i) => i.naturalWidth === 64)"
    )
    page.wait_for_timeout(500)
    return stage


def seen(desk, stage, x):
    """The colour at a share of the stage's width, a third down, as the largest of red, green and blue."""
    from io import BytesIO

    from PIL import Image

    picture = Image.open(BytesIO(stage.screenshot())).convert("RGB")
    return "rgb"[max(range(3), key=picture.getpixel((int(x * picture.width), picture.height // 3)).__getitem__)]


def test_the_slider_divides_two_pictures_with_mouse_and_keys(desk):
    stage = compared(desk, [RED, GREEN], "before\nafter")
    assert (seen(desk, stage, 0.3), seen(desk, stage, 0.7)) == ("r", "g")
    desk.shot(f"compare-{desk.server.frontend}-{desk.renderer}")
    box = stage.bounding_box()
    y = box["y"] + box["height"] / 2
    desk.page.mouse.move(box["x"] + box["width"] / 2, y)
    desk.page.mouse.down()
    desk.page.mouse.move(box["x"] + 0.75 * box["width"], y, steps=5)
    desk.page.mouse.up()
    assert (seen(desk, stage, 0.7), seen(desk, stage, 0.8)) == ("r", "g")
    for _ in range(5):
        desk.page.keyboard.press("PageDown")
    assert seen(desk, stage, 0.6) == "g"
    assert stage.get_by_text("before").is_visible()
    assert stage.get_by_text("after").is_visible()
    assert desk.page.locator(".gd-which").is_hidden()


def test_any_two_of_several_are_chosen_and_stay(desk):
    stage = compared(desk, [RED, GREEN, BLUE], "one\ntwo\nthree")
    right = desk.page.get_by_label("the picture at the right")
    right.select_option(label="three")
    desk.page.wait_for_timeout(500)
    assert (seen(desk, stage, 0.3), seen(desk, stage, 0.7)) == ("r", "b")
    desk.page.evaluate(QUEUE)
    desk.page.wait_for_timeout(800)
    assert seen(desk, stage, 0.7) == "b"
    desk.shot(f"compare-several-{desk.server.frontend}-{desk.renderer}")
    assert not [name for node in desk.workflow()["nodes"] for name in node if "gooddrag_compare" in str(name)]


def test_a_node_that_is_made_anew_shows_its_pictures_again(desk):
    compared(desk, [RED, GREEN], "")
    desk.page.evaluate("(graph) => window.app.loadGraphData(graph, false, false)", desk.workflow())  # as undo does
    desk.look(1, 700, 90)
    desk.page.wait_for_timeout(1500)
    stage = desk.page.locator(".gd-compare .gd-stage")
    assert (seen(desk, stage, 0.3), seen(desk, stage, 0.7)) == ("r", "g")
