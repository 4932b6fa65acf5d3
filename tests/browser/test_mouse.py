"""Everything a mouse can do in the editor, in a picture of 640 x 400."""

import pytest

SIZE = (640, 400)


def near(points, wanted, tolerance=1.0):
    assert len(points) == len(wanted)
    for got, want in zip(points, wanted):
        assert [*got[0], *got[1]] == pytest.approx([*want[0], *want[1]], abs=tolerance)


def test_two_clicks_make_a_pair(studio):
    studio.click((100, 100), SIZE)
    assert studio.pairs() == []
    assert "target" in studio.page.locator(".gd-hint").text_content()
    studio.click((300, 200), SIZE)
    near(studio.pairs(), [((100, 100), (300, 200))])


def test_the_hint_gives_way_to_the_pointer(studio):
    studio.click((100, 100), SIZE)
    hint, stage = studio.page.locator(".gd-hint"), studio.stage.bounding_box()
    below = hint.bounding_box()["y"]
    assert below > stage["y"] + stage["height"] / 2
    studio.page.mouse.move(stage["x"] + 40, stage["y"] + stage["height"] - 6)
    studio.page.wait_for_timeout(100)
    assert hint.bounding_box()["y"] < stage["y"] + stage["height"] / 2
    studio.page.mouse.move(stage["x"] + 40, stage["y"] + 20)
    studio.page.wait_for_timeout(100)
    assert hint.bounding_box()["y"] == below


def test_escape_takes_a_waiting_handle_back(studio):
    studio.click((100, 100), SIZE)
    studio.press("Escape")
    studio.click((200, 200), SIZE)
    studio.click((300, 300), SIZE)
    near(studio.pairs(), [((200, 200), (300, 300))])


def test_shift_snaps_to_an_axis(studio):
    x0, y0, _ = studio.place((100, 100), SIZE)
    x1, y1, _ = studio.place((300, 112), SIZE)
    studio.page.mouse.move(x0, y0)
    studio.page.mouse.down()
    studio.page.keyboard.down("Shift")
    studio.page.mouse.move(x1, y1, steps=5)
    studio.page.mouse.up()
    studio.page.keyboard.up("Shift")
    (pair,) = studio.pairs()
    assert pair[1][1] == pytest.approx(pair[0][1])
    assert pair[1][0] == pytest.approx(300, abs=1)


def test_either_end_and_the_whole_arrow_move(studio):
    studio.drag((100, 100), (300, 100), SIZE)
    studio.drag((300, 100), (320, 180), SIZE)
    near(studio.pairs(), [((100, 100), (320, 180))])
    studio.drag((100, 100), (60, 60), SIZE)
    near(studio.pairs(), [((60, 60), (320, 180))])
    studio.drag((190, 120), (210, 160), SIZE)
    near(studio.pairs(), [((80, 100), (340, 220))])


def test_an_end_taken_beside_its_middle_does_not_jump(studio):
    studio.drag((100, 100), (300, 100), SIZE)
    _, _, scale = studio.place((0, 0), SIZE)
    off = 6 / scale
    studio.drag((300 + off, 100), (300 + off, 100 + 20), SIZE)
    near(studio.pairs(), [((100, 100), (300, 120))])


def test_a_marquee_selects_several_that_move_together(studio):
    studio.drag((100, 100), (200, 100), SIZE)
    studio.drag((100, 200), (200, 200), SIZE)
    studio.drag((500, 300), (560, 300), SIZE)
    studio.drag((60, 60), (260, 240), SIZE, modifiers=("Shift",))
    studio.drag((200, 100), (230, 130), SIZE)
    near(studio.pairs(), [((130, 130), (230, 130)), ((130, 230), (230, 230)), ((500, 300), (560, 300))])


def test_shift_click_adds_to_the_selection(studio):
    studio.drag((100, 100), (200, 100), SIZE)
    studio.drag((100, 200), (200, 200), SIZE)
    studio.click((200, 100), SIZE)
    x, y, _ = studio.place((200, 200), SIZE)
    studio.page.keyboard.down("Shift")
    studio.page.mouse.click(x, y)
    studio.page.keyboard.up("Shift")
    studio.press("ArrowDown")
    near(studio.pairs(), [((100, 100), (200, 101)), ((100, 200), (200, 201))], 0.7)


def test_undo_and_redo_buttons(studio):
    assert studio.button("Undo").is_disabled()
    studio.drag((100, 100), (200, 100), SIZE)
    studio.drag((200, 100), (240, 140), SIZE)
    studio.choose("Undo")
    near(studio.pairs(), [((100, 100), (200, 100))])
    assert studio.says() == "Undone: pair 1 moved."
    studio.choose("Undo")
    assert studio.pairs() == []
    assert studio.says() == "Undone: pair 1 placed."
    studio.choose("Redo")
    studio.choose("Redo")
    assert studio.says() == "Redone: pair 1 moved."
    near(studio.pairs(), [((100, 100), (240, 140))])
    assert studio.button("Redo").is_disabled()


def test_the_table_orders_hides_removes_and_takes_numbers(studio):
    studio.drag((100, 100), (200, 100), SIZE)
    studio.drag((100, 200), (200, 200), SIZE)
    studio.choose("2 pairs")
    studio.choose("Move pair 2 up")
    near(studio.pairs(), [((100, 200), (200, 200)), ((100, 100), (200, 100))])
    field = studio.page.get_by_label("pair 1, target x")
    field.fill("312")
    field.press("Enter")
    assert studio.pairs()[0][1][0] == 312
    field.fill("100000")
    field.press("Enter")
    assert studio.pairs()[0][1][0] == 639
    studio.page.get_by_label("pair 2 is dragged").uncheck()
    assert studio.value()["pairs"][1]["off"] is True
    studio.choose("Remove pair 1")
    assert len(studio.pairs()) == 1
    studio.choose("Add a pair")
    assert len(studio.pairs()) == 2


def test_in_the_table_tab_and_clicks_go_on_from_a_number_that_was_typed(studio):
    studio.drag((100, 100), (200, 100), SIZE)
    studio.drag((100, 200), (200, 200), SIZE)
    studio.choose("2 pairs")
    table = studio.page.locator(".gd-table").last
    table.get_by_label("pair 1, handle x").fill("120")
    studio.press("Tab")
    assert studio.page.evaluate("document.activeElement.ariaLabel") == "pair 1, handle y"
    studio.page.keyboard.type("130")
    table.get_by_label("pair 2, target x").click()
    assert studio.page.evaluate("document.activeElement.ariaLabel") == "pair 2, target x"
    near(studio.pairs(), [((120, 130), (200, 100)), ((100, 200), (200, 200))])
    table.get_by_label("pair 2, target x").fill("300")
    studio.choose("Remove pair 1")
    near(studio.pairs(), [((100, 200), (300, 200))])
    assert studio.page.evaluate("document.activeElement.closest('.gd-editor') !== null")
    studio.press("Control+z")
    assert studio.says().startswith("Undone: ")
    assert len(studio.pairs()) == 2


def test_a_press_beside_the_picture_sets_nothing(studio):
    studio.new("portrait")
    x, y, _ = studio.place((0, 320), (400, 640))
    studio.page.mouse.click(x - 30, y)
    assert studio.says() == "Press on the picture."
    studio.page.mouse.click(x - 5, y)  # its border can be missed by a little
    assert studio.says() == "Handle set. Click its target."
    studio.page.mouse.click(x - 30, y)
    assert studio.says() == "Press on the picture."
    assert studio.pairs() == []
    studio.press("Escape")


def test_a_trembling_click_in_a_small_graph_sets_a_handle(studio):
    studio.look(0.3)
    x, y, _ = studio.place((200, 200), SIZE)
    studio.page.mouse.move(x, y)
    studio.page.mouse.down()
    studio.page.mouse.move(x + 2, y + 1)
    studio.page.mouse.up()
    assert studio.pairs() == []
    assert studio.says() == "Handle set. Click its target."
    studio.press("Control+z")
    assert studio.says() == "Handle taken back."


def test_brush_and_eraser(studio):
    studio.choose("Brush")
    assert "protected everywhere else" in studio.page.locator(".gd-hint").text_content()
    studio.drag((100, 100), (300, 100), SIZE, steps=20)
    (stroke,) = studio.shapes()
    assert stroke["kind"] == "brush"
    assert len(stroke["points"]) == 2  # a straight stroke needs no more
    studio.choose("Eraser")
    studio.drag((200, 60), (200, 140), SIZE)
    assert studio.shapes()[1]["erase"] is True


def test_lasso_and_rectangle(studio):
    studio.choose("Lasso")
    x, y, _ = studio.place((100, 100), SIZE)
    studio.page.mouse.move(x, y)
    studio.page.mouse.down()
    for point in ((300, 100), (300, 300), (100, 300)):
        studio.page.mouse.move(*studio.place(point, SIZE)[:2], steps=4)
    studio.page.mouse.up()
    studio.choose("Rectangle")
    studio.drag((400, 50), (500, 150), SIZE)
    lasso, rectangle = studio.shapes()
    assert lasso["kind"] == "lasso"
    assert 3 <= len(lasso["points"]) <= 8
    assert rectangle["kind"] == "rectangle"
    assert [v for p in rectangle["points"] for v in p] == pytest.approx([400, 50, 500, 150], abs=1)


def test_mask_buttons(studio):
    studio.choose("Brush")
    for label in ("Fill", "Invert", "Grow", "Shrink"):
        studio.choose(label)
    kinds = [(s["kind"], s.get("size")) for s in studio.shapes()]
    assert kinds == [("fill", None), ("invert", None), ("grow", 8), ("grow", -8)]
    studio.choose("Clear")
    assert studio.shapes() == []
    studio.choose("Undo")
    assert len(studio.shapes()) == 4


def test_a_mask_is_suggested_from_the_arrows(studio):
    studio.drag((100, 100), (200, 100), SIZE)
    studio.choose("Brush")
    studio.choose("Suggest")
    (shape,) = studio.shapes()
    assert shape["kind"] == "brush"
    assert shape["size"] >= 60


def test_how_a_connected_mask_is_combined_is_a_setting(studio):
    studio.choose("Brush")
    studio.page.get_by_label("How a connected mask is combined").select_option("intersect")
    assert studio.value()["mask"]["mode"] == "intersect"


def stays_under(studio, point, change):
    """What lay under the pointer at a point of the picture lies there after a change of the view."""
    x, y, _ = studio.place(point, SIZE)
    studio.page.mouse.move(x, y)
    change(x, y)
    studio.page.wait_for_timeout(150)
    studio.page.mouse.move(x + 1, y)
    studio.page.mouse.move(x, y)
    said = studio.says()
    got = [int(word.strip(",")) for word in (said.split()[1], said.split()[3])]
    assert got == pytest.approx(list(point), abs=1)


def test_the_wheel_zooms_to_the_cursor_and_buttons_bring_back(studio):
    studio.click((20, 20), SIZE)
    studio.press("Escape")
    stays_under(studio, (400, 300), lambda x, y: studio.page.mouse.wheel(0, -400))
    studio.choose("Fit the picture")
    studio.choose("Zoom in")
    studio.choose("1:1")
    studio.choose("Fit the picture")
    studio.drag((100, 100), (300, 200), SIZE)
    near(studio.pairs(), [((100, 100), (300, 200))])


def test_the_hand_pans_a_zoomed_view(studio):
    studio.choose("Zoom in")
    studio.choose("Zoom in")
    studio.choose("Hand")
    x, y, _ = studio.place((320, 200), SIZE)
    studio.page.mouse.move(x, y)
    before = studio.says()
    studio.page.mouse.down()
    studio.page.mouse.move(x + 60, y, steps=4)
    studio.page.mouse.up()
    studio.page.mouse.move(x, y + 1)
    studio.page.mouse.move(x, y)
    after = studio.says()
    assert int(after.split()[1].strip(",")) < int(before.split()[1].strip(",")) - 10
    studio.choose("Fit the picture")


def test_the_dialog_is_the_same_editor(studio):
    studio.drag((100, 100), (200, 100), SIZE)
    studio.choose("Open in a large window")
    assert studio.page.locator(".gd-dialog[open]").count() == 1
    studio.drag((300, 200), (500, 300), SIZE)
    near(studio.pairs(), [((100, 100), (200, 100)), ((300, 200), (500, 300))])
    studio.choose("Close")
    assert studio.page.locator(".gd-dialog").count() == 0
    studio.drag((500, 300), (520, 310), SIZE)
    near(studio.pairs(), [((100, 100), (200, 100)), ((300, 200), (520, 310))])
