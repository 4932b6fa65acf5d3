"""What the editor says and offers: the region that may change, pins, the menu, keys, limits."""

import json

import pytest

SIZE = (640, 400)
SET = """([id, text]) => {
  window.app.graph.getNodeById(Number(id)).widgets.find((w) => w.name === "points").value = text;
}"""


def region(studio) -> str:
    return studio.value().get("mask", {}).get("region", "auto")


def put(studio, value) -> None:
    studio.page.evaluate(SET, [studio.node, json.dumps(value)])
    studio.page.wait_for_timeout(200)


def choice(studio, name):
    return studio.page.locator(".gd-editor").last.get_by_role("radio", name=name, exact=True)


def brightness(studio, point) -> float:
    """Of a pixel of the upper canvas's shade at a point of the picture: its opacity, 0 to 1."""
    x, y, _ = studio.place(point, SIZE)
    return studio.page.evaluate(
        """([x, y]) => {
          const canvas = [...document.querySelectorAll(".gd-stage canvas")].at(-1);
          const r = canvas.getBoundingClientRect();
          const at = [(x - r.left) / r.width * canvas.width, (y - r.top) / r.height * canvas.height].map(Math.round);
          return canvas.getContext("2d").getImageData(...at, 1, 1).data[3] / 255;
        }""",
        [x, y],
    )


def test_the_region_follows_the_arrows_until_something_is_painted(studio):
    assert choice(studio, "Auto").get_attribute("aria-checked") == "true"
    studio.drag((100, 100), (200, 100), SIZE)
    assert "the region around the arrows may change" in studio.says()
    assert brightness(studio, (150, 160)) == 0
    assert brightness(studio, (600, 300)) > 0.4
    studio.drag((200, 100), (500, 250), SIZE)
    assert brightness(studio, (450, 300)) == 0
    studio.shot("region-auto")
    studio.press("b")
    studio.drag((600, 350), (610, 350), SIZE)
    assert region(studio) == "own"
    assert [s["kind"] for s in studio.shapes()] == ["brush", "brush"]
    studio.press("Control+z")
    assert region(studio) == "auto"
    assert brightness(studio, (450, 300)) == 0
    studio.press("a")
    studio.page.mouse.move(*studio.place((500, 250), SIZE)[:2])  # over an end
    studio.press("Tab")
    assert brightness(studio, (450, 300)) == 0
    choice(studio, "Own").click()
    assert (region(studio), len(studio.shapes())) == ("own", 1)
    choice(studio, "Whole").click()
    assert (region(studio), len(studio.shapes())) == ("whole", 1)  # kept for later
    assert studio.says() == "All of the picture may change."
    studio.press("a")


def test_an_old_value_keeps_its_region(studio):
    put(studio, {"version": 1, "pairs": [{"handle": [100, 100], "target": [200, 100]}]})
    assert choice(studio, "Whole").get_attribute("aria-checked") == "true"
    studio.drag((200, 100), (220, 100), SIZE)
    assert (studio.value()["version"], region(studio)) == (2, "whole")


def test_pins_by_mouse_and_keyboard(studio):
    studio.drag((100, 100), (200, 100), SIZE)
    x, y, _ = studio.place((300, 300), SIZE)
    studio.page.keyboard.down("Shift")
    studio.page.mouse.click(x, y)
    studio.page.keyboard.up("Shift")
    assert "pin 2 placed" in studio.says()
    assert studio.pairs()[1][0] == studio.pairs()[1][1] == pytest.approx([300, 300], abs=1)
    assert studio.button("1 pair, 1 pin").count() == 1
    studio.drag((300, 300), (340, 320), SIZE)
    assert studio.pairs()[1][0] == studio.pairs()[1][1] == pytest.approx([340, 320], abs=1)
    studio.choose("Pins")
    studio.click((500, 100), SIZE)
    studio.choose("Arrows")
    studio.press("Escape", "Escape")
    studio.stage.focus()
    studio.press("ArrowRight", "Shift+Enter")
    assert studio.button("1 pair, 3 pins").count() == 1
    assert studio.pairs()[3][0] == studio.pairs()[3][1] == [321, 200]
    studio.choose("1 pair, 3 pins")
    field = studio.page.get_by_label("pin 2, handle x")
    field.fill("50")
    field.press("Enter")
    assert studio.pairs()[1][0] == studio.pairs()[1][1]
    studio.shot("pins")
    studio.choose("1 pair, 3 pins")


def test_only_pins_are_no_arrows(studio):
    studio.choose("Pins")
    studio.click((500, 100), SIZE)
    studio.choose("Arrows")
    assert "Press on what you want to move" in studio.page.locator(".gd-hint").text_content()


def test_the_menu_does_what_it_says_and_comfyuis_stays_away(studio):
    studio.drag((100, 100), (200, 100), SIZE)
    menu = studio.page.locator(".gd-menu").last
    for label, check in (
        ("Swap handle and target", lambda: studio.pairs()[0][0] == pytest.approx([200, 100], abs=1)),
        ("Duplicate pair 1", lambda: len(studio.pairs()) == 2),
        ("Switch pair 1 off", lambda: studio.value()["pairs"][0]["off"]),
        ("Switch pair 1 on", lambda: "off" not in studio.value()["pairs"][0]),
        ("Delete pair 1", lambda: len(studio.pairs()) == 1),
    ):
        studio.page.mouse.click(*studio.place((560, 350), SIZE)[:2])
        studio.press("Escape", "Escape")
        studio.click((100, 100) if "1" in label or "Swap" in label else (112, 112), SIZE, button="right")
        assert menu.is_visible(), label
        if label.startswith("Swap"):
            studio.shot("menu")
        menu.get_by_role("menuitem", name=label).click()
        studio.page.wait_for_timeout(80)
        assert check(), label
    studio.click((400, 300), SIZE, button="right")
    assert menu.get_by_role("menuitem").count() == 2
    menu.get_by_role("menuitem", name="Pin here").click()
    assert studio.pairs()[-1][0] == pytest.approx([400, 300], abs=1)
    studio.click((400, 300), SIZE, button="right")
    menu.get_by_role("menuitem", name="Clear all").click()
    assert studio.pairs() == []
    studio.press("Control+z")
    assert len(studio.pairs()) == 2
    assert studio.page.locator(".litecontextmenu, .p-contextmenu:visible").count() == 0


def test_the_menu_from_the_keyboard(studio):
    studio.stage.focus()
    studio.press("ArrowRight", "Enter", "Shift+ArrowRight", "Enter", "Tab", "Shift+F10")
    focused = "document.activeElement.textContent"
    assert "Delete pair 1" in studio.page.evaluate(focused)
    studio.press("ArrowDown", "ArrowDown", "Enter")
    assert studio.pairs() == [([331, 200], [321, 200])]
    studio.press("Shift+F10", "Escape")
    assert studio.page.locator(".gd-menu").last.is_hidden()
    assert studio.page.evaluate("document.activeElement.className") == "gd-stage"


def test_a_list_of_keys(studio):
    studio.stage.focus()
    studio.press("?")
    keys = studio.page.get_by_role("dialog", name="Keys")
    assert "Shift+click" in keys.text_content()
    studio.shot("keys")
    studio.press("Escape")
    assert keys.is_hidden()


def test_the_65th_pair_is_refused_with_a_sentence(studio):
    pairs = [{"handle": [10 + 9 * i, 50], "target": [10 + 9 * i, 90]} for i in range(64)]
    put(studio, {"pairs": pairs})
    studio.drag((100, 300), (300, 300), SIZE)
    assert len(studio.pairs()) == 64
    assert "At most 64 pairs" in studio.says()
    studio.press("Control+a", "Control+d")
    assert len(studio.pairs()) == 64
    assert "At most 64 pairs" in studio.says()
    put(studio, {"pairs": [*pairs, {"handle": [5, 5], "target": [9, 9]}]})
    assert "65 pairs are on; at most 64" in studio.page.locator(".gd-hint").text_content()


def test_arrows_outside_are_shown_at_the_border_and_taken_hold_of_there(studio):
    put(studio, {"version": 2, "pairs": [{"handle": [100, 100], "target": [2000, 100]}]})
    assert "Outside this picture" in studio.page.locator(".gd-hint").text_content()
    studio.shot("outside")
    studio.drag((639, 100), (500, 150), SIZE)
    assert studio.pairs()[0][1] == pytest.approx([500, 150], abs=1.5)


def test_the_dialog_closes_with_one_escape_and_with_its_node(studio):
    studio.drag((100, 100), (200, 100), SIZE)
    studio.choose("Open in a large window")
    studio.press("Control+a", "Escape")
    assert studio.page.locator(".gd-dialog").count() == 0
    studio.choose("Open in a large window")
    studio.page.evaluate("(id) => window.app.graph.remove(window.app.graph.getNodeById(Number(id)))", studio.node)
    studio.page.wait_for_timeout(300)
    assert studio.page.locator(".gd-dialog").count() == 0


FAIL = """(id) => {
  const { graph } = window.app;
  const show = LiteGraph.createNode("PreviewImage");
  show.pos = [700, 0];
  graph.add(show);
  graph.getNodeById(Number(id)).connect(2, show, 0);
  void window.app.queuePrompt(0);
}"""


def test_a_run_that_fails_says_why_in_the_status_line(studio):
    put(studio, {"pairs": [], "mask": {"region": "nonsense"}})
    studio.page.evaluate(FAIL, studio.node)
    status = studio.page.locator(".gd-status.gd-failed").last
    status.filter(has_text="GoodDrag Points").wait_for(timeout=20_000)
    assert "the mask's region is" in status.text_content()
    studio.page.mouse.move(*studio.place((300, 200), SIZE)[:2])
    assert "the mask's region is" in studio.says()  # a pointer that passes does not wipe it away
    studio.shot("failed")
    for _ in range(3):
        studio.press("Escape")


def test_a_run_that_is_refused_says_why_too(studio):
    studio.page.evaluate("(id) => window.app.graph.getNodeById(Number(id)).disconnectInput(0)", studio.node)
    studio.page.evaluate(FAIL, studio.node)
    status = studio.page.locator(".gd-status.gd-failed").last
    status.filter(has_text="Not run, GoodDrag Points").wait_for(timeout=20_000)
    for _ in range(3):
        studio.press("Escape")
    studio.page.evaluate(
        """(id) => {
          const { graph } = window.app;
          graph._nodes.find((n) => n.type === "LoadImage").connect(0, graph.getNodeById(Number(id)), 0);
        }""",
        studio.node,
    )
    studio.wait_for_picture()
    status.wait_for(state="detached", timeout=5000)  # it is no longer true


COLOURS = """() => ["POINTS", "INVERSION", "TRACE", "STATE"].map((name) => [
  window.app.canvas.colourGetter.getConnectedColor(`GOODDRAG_${name}`),
  getComputedStyle(document.documentElement).getPropertyValue(`--color-datatype-GOODDRAG_${name}`).trim(),
])"""


STOCK = """() => ["MODEL", "CLIP", "VAE", "CONDITIONING", "LATENT", "IMAGE", "MASK"]
  .map((type) => window.app.canvas.colourGetter.getConnectedColor(type))"""


def far(a: str, b: str) -> float:
    """The distance of two colours, each #RRGGBB."""
    return sum((int(a[i : i + 2], 16) - int(b[i : i + 2], 16)) ** 2 for i in (1, 3, 5)) ** 0.5


def test_sockets_have_colours_of_their_own_also_after_another_palette(studio):
    for theme in ("light", "dark"):
        studio.page.evaluate("(name) => window.app.extensionManager.setting.set('Comfy.ColorPalette', name)", theme)
        studio.page.wait_for_timeout(900)
        found = studio.page.evaluate(COLOURS)
        assert len({classic for classic, _ in found}) == len({vue for _, vue in found}) == 4, theme
        assert all(classic and vue for classic, vue in found)
        stock = studio.page.evaluate(STOCK)
        assert len(stock) == 7
        ours = [classic for classic, _ in found]
        assert min(far(a, b) for a in ours for b in [*stock, *ours] if a != b) > 55, (ours, stock)


def test_no_tooltip_hangs_over_the_stage(studio):
    x, y, _ = studio.place((320, 200), SIZE)
    studio.page.mouse.move(x, y)
    studio.page.wait_for_timeout(1500)
    assert studio.page.locator(".p-tooltip:visible, [role=tooltip]:visible, .node-tooltip:visible").count() == 0


CONNECT_MASK = """(id) => {
  const { graph } = window.app;
  const load = graph._nodes.find((n) => n.type === "LoadImage");
  load.connect(1, graph.getNodeById(Number(id)), 1);
}"""


def test_an_unpainted_connected_mask_counts_as_none_in_words(studio):
    studio.page.evaluate(CONNECT_MASK, studio.node)
    studio.page.wait_for_timeout(1200)
    studio.drag((100, 100), (200, 100), SIZE)
    assert "the connected mask is empty and counts as none" in studio.says()
    assert brightness(studio, (600, 300)) > 0.4  # around the arrow


def test_a_connected_mask_is_shown_before_any_run(studio):
    studio.page.evaluate(
        """([id]) => {
          const { graph } = window.app;
          const demo = LiteGraph.createNode("GoodDrag_DemoModel");
          demo.pos = [-600, 500];
          graph.add(demo);
          const points = graph.getNodeById(Number(id));
          demo.connect(3, points, 0);
          demo.connect(5, points, 1);
        }""",
        [studio.node],
    )
    studio.page.wait_for_selector(".gd-stage[data-picture='256x256']", state="attached")
    studio.page.wait_for_timeout(1500)
    choice(studio, "Whole").click()
    assert studio.says() == "The connected mask says what may change."
    shot = """() => {
      const canvas = document.querySelector(".gd-stage canvas");
      const data = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
      let sum = 0;
      for (let i = 0; i < data.length; i += 4) sum += data[i] + data[i + 1] + data[i + 2];
      return sum;
    }"""
    shaded = studio.page.evaluate(shot)
    studio.page.evaluate("(id) => window.app.graph.getNodeById(Number(id)).disconnectInput(1)", studio.node)
    studio.page.wait_for_timeout(1200)
    assert studio.page.evaluate(shot) > 1.2 * shaded
