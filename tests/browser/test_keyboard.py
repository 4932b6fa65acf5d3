"""Everything with the keyboard alone, in a picture of 640 x 400."""

import pytest

SIZE = (640, 400)


@pytest.fixture
def stage(studio):
    """The stage, focused without a mouse."""
    studio.stage.focus()
    return studio


def pair(studio):
    """One pair in the middle, made with the cross."""
    studio.press("ArrowRight", "Enter", "Shift+ArrowRight", "Shift+ArrowRight", "Shift+ArrowDown", "Enter")


def test_a_pair_from_the_keyboard(stage):
    pair(stage)
    assert stage.pairs() == [([321, 200], [341, 210])]
    assert "placed" in stage.says()


def test_ends_can_be_tabbed_to_named_and_nudged(stage):
    pair(stage)
    stage.press("Tab")
    assert stage.page.evaluate("document.activeElement.ariaLabel") == "pair 1, handle, x 321, y 200"
    stage.press("Tab")
    assert stage.page.evaluate("document.activeElement.ariaLabel") == "pair 1, target, x 341, y 210"
    stage.press("ArrowLeft", "Shift+ArrowUp")
    assert stage.pairs() == [([321, 200], [340, 200])]
    assert stage.page.evaluate("document.activeElement.ariaLabel") == "pair 1, target, x 340, y 200"
    assert stage.says() == "pair 1, target, x 340, y 200"
    stage.press("Delete")
    assert stage.pairs() == []
    assert stage.page.evaluate("document.activeElement.className") == "gd-stage"


def test_select_all_duplicate_undo_redo(stage):
    pair(stage)
    stage.press("Control+a", "Control+d")
    assert stage.pairs() == [([321, 200], [341, 210]), ([333, 212], [353, 222])]
    assert stage.says() == "1 duplicated."
    stage.press("Control+z")
    assert len(stage.pairs()) == 1
    stage.press("Control+Shift+z")
    assert len(stage.pairs()) == 2
    stage.press("Control+z", "Control+z")
    assert stage.pairs() == []
    stage.press("Control+y", "Control+y")
    assert len(stage.pairs()) == 2


def test_what_is_switched_off_and_swapped_is_said(stage):
    pair(stage)
    stage.press("Control+a", "x")
    assert stage.says() == "1 switched off: not dragged."
    stage.press("x")
    assert stage.says() == "1 switched on."
    stage.press("s")
    assert stage.says() == "1 swapped."
    assert stage.pairs() == [([341, 210], [321, 200])]


def test_copy_and_paste_of_pairs(stage):
    pair(stage)
    stage.press("Control+a", "Control+c", "Control+v")
    assert len(stage.pairs()) == 2
    assert "pasted" in stage.says()


PASTE = """(text) => {
  const clipboardData = new DataTransfer();
  clipboardData.setData("text/plain", text);
  document.activeElement.dispatchEvent(new ClipboardEvent("paste", { clipboardData, bubbles: true, cancelable: true }));
}"""


@pytest.mark.parametrize(
    "text",
    ["[[[10, 20], [30, 40]]]", '{"points": [[10, 20], [30, 40]]}', '[{"x": 10, "y": 20}, {"x": 30, "y": 40}]'],
    ids=["list of pairs", "Drag100", "KJNodes"],
)
def test_other_formats_are_understood_when_pasted(stage, text):
    stage.page.evaluate(PASTE, text)
    stage.page.wait_for_timeout(100)
    assert stage.pairs() == [([10, 20], [30, 40])]


def test_what_cannot_be_pasted_is_said_and_loses_nothing(stage):
    pair(stage)
    before = stage.text()
    stage.page.evaluate(PASTE, "<script>alert(1)</script>")
    stage.page.wait_for_timeout(100)
    assert stage.text() == before
    assert stage.says().startswith("Not pasted:")


def test_letters_choose_tools(stage):
    names = {"b": "Brush", "e": "Eraser", "l": "Lasso", "r": "Rectangle", "h": "Hand", "a": "Arrows"}
    for letter, name in names.items():
        stage.press(letter)
        assert stage.button(name).get_attribute("aria-pressed") == "true"


def test_a_mask_from_the_keyboard(stage):
    pair(stage)
    stage.press("b")
    for label in ("Suggest", "Grow"):
        stage.button(label).focus()
        stage.press("Enter")
    assert [s["kind"] for s in stage.shapes()] == ["brush", "grow"]


def test_zoom_keys(stage):
    stage.press("+", "+", "1", "-", "f")
    stage.drag((100, 100), (200, 200), SIZE)
    assert stage.pairs()[0][0] == pytest.approx([100, 100], abs=1)


def test_enter_opens_the_dialog_and_escape_closes_it(stage):
    stage.press("Enter")
    assert stage.page.locator(".gd-dialog[open]").count() == 1
    pair(stage)
    stage.press("Escape")  # one closes it, whatever is selected
    assert stage.page.locator(".gd-dialog").count() == 0
    assert len(stage.pairs()) == 1
    assert stage.page.evaluate("document.activeElement.className") == "gd-stage"


def test_the_graph_hears_nothing_of_the_keys_that_mean_something_here(stage):
    pair(stage)
    stage.press("Tab", "Delete")
    stage.press("Control+a", "Delete", "Backspace")
    count = "() => window.app.graph._nodes.length"
    assert stage.page.evaluate(count) == 2
    # a press on the stage selects the node too, and with nothing else selected these keys would be for that
    stage.click((40, 40), SIZE)
    stage.press("Escape", "Delete", "Backspace")
    assert stage.page.evaluate(count) == 2


@pytest.mark.parametrize("window", [False, True])
def test_ctrl_z_is_the_editors_wherever_in_it_the_focus_is(stage, window):
    pair(stage)
    if window:
        stage.page.keyboard.press("Enter")
        stage.page.locator(".gd-dialog[open]").wait_for()
        stage.stage.focus()
    stage.press("b")
    editor = stage.page.locator(".gd-editor").last

    def beside():
        stage.page.mouse.click(*[editor.bounding_box()[side] + 3 for side in ("x", "y")])

    def around():
        box = stage.page.locator(".gd-dialog").bounding_box()
        stage.page.mouse.click(box["x"] + 5, box["y"] + 5)

    places = [
        lambda: editor.locator("select").select_option("intersect"),
        lambda: editor.get_by_label("Size", exact=True).last.fill("90"),
        beside,
        *([around] if window else []),
    ]
    for go in places:
        stage.stage.focus()
        stage.press("b")
        stage.drag((400, 100), (430, 100), SIZE)
        go()
        steps = 2 if go is places[0] else 1  # the choice is a step
        stage.press(*["Control+z"] * steps)
        assert stage.says().startswith("Undone: ")
        assert (len(stage.pairs()), stage.shapes()) == (1, [])
    if window:
        stage.press("Escape")


def test_the_focus_stays_where_its_button_is_switched_off_or_hidden(stage):
    pair(stage)
    stage.choose("Undo")
    assert stage.button("Undo").is_disabled()
    stage.press("Control+z")
    assert stage.says() == "There is nothing to undo."
    stage.press("Control+Shift+z")
    assert len(stage.pairs()) == 1
    stage.press("b")
    stage.page.get_by_label("Size", exact=True).last.fill("90")
    stage.press("a", "Control+z")
    assert stage.says().startswith("Undone: ")
    assert stage.pairs() == []


def test_ctrl_z_in_a_cell_of_the_table_is_the_editors_once_the_number_is_taken(stage):
    pair(stage)
    stage.choose("1 pair")
    cell = stage.page.get_by_label("pair 1, handle x").last
    cell.fill("20")
    stage.press("Tab")
    assert stage.says() == "pair 1, handle, x 20, y 200"
    stage.press("Control+z")
    assert stage.pairs()[0][0] == [321, 200]
    assert cell.input_value() == "321"
    cell.fill("900")
    stage.press("Tab")
    assert stage.says() == "pair 1, handle, x 639, y 200"
    stage.press("Control+z")
    assert stage.pairs()[0][0] == [321, 200]
    cell.fill("55")
    stage.press("Escape")
    assert cell.input_value() == "321"
    cell.fill("40")
    stage.press("Enter")
    cell.fill("50")
    stage.press("Enter", "Control+z")
    assert stage.pairs()[0][0] == [40, 200]
    stage.press("Control+z")
    assert stage.pairs()[0][0] == [321, 200]
    cell.fill("")
    stage.press("Tab")
    assert "no number" in stage.says()
    assert cell.input_value() == "321"


def test_the_text_of_an_error_can_be_copied(stage):
    pair(stage)
    taken = stage.page.evaluate(
        """() => {
          const root = [...document.querySelectorAll(".gd-editor")].at(-1);
          const status = root.querySelector(".gd-status");
          status.classList.add("gd-failed");
          status.textContent = "why it failed";
          getSelection().selectAllChildren(status);
          let taken;
          root.addEventListener("copy", (e) => { taken = e.defaultPrevented; }, { once: true });
          document.execCommand("copy");
          return taken;
        }"""
    )
    assert taken is False
