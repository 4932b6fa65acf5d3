"""What the editor shows is what arrives, or it says that it is not: the matrix of docs/editor.md, and what happens to points."""

import pytest
from PIL import Image

from tests.browser.pictures import Desk, file, once, painting

SIZE = (640, 400)
OTHER = (400, 640)
CROP = {"width": 320, "height": 240, "x": 40, "y": 20}
SMALL = {"upscale_method": "bilinear", "width": 320, "height": 200, "crop": "disabled"}


def node(type_, widgets=None, **more):
    return {"type": type_, "widgets": widgets or {}, **more}


# name: (nodes between, before any run it is "current" (shown) or "unknown", what arrives for a picture)
WAYS = {
    "directly": ((), "current", lambda p: p),
    "scale": ((node("ImageScale", SMALL),), "unknown", lambda p: p.resize((320, 200), Image.BILINEAR)),
    "crop": ((node("ImageCrop", CROP),), "unknown", lambda p: p.crop((40, 20, 360, 260))),
    "rotate": ((node("ImageRotate", {"rotation": "90 degrees"}),), "unknown", lambda p: p.transpose(Image.ROTATE_270)),
    "invert": ((node("ImageInvert"),), "unknown", lambda p: Image.eval(p, lambda v: 255 - v)),
    "mask editor": ((), "current", lambda p: p),
    "alpha": ((), "current", lambda p: p.convert("RGB")),
    "overwritten file": ((), "current", lambda p: p),
    "subgraph": ((), "current", lambda p: p),
    "reroute": ((node("Reroute", into=""),), "current", lambda p: p),
    "bypassed node": ((node("ImageScale", SMALL, mode=4),), "current", lambda p: p),
    "load from output": ((), "current", lambda p: p),
}


@pytest.fixture
def desk_of(desk):
    return Desk(desk)


def source(way: str, seed: int, size=SIZE) -> tuple[str, Image.Image]:
    """A fresh file as this way of reaching the editor has it, and its picture."""
    picture = painting(size, seed=seed, alpha=way in ("alpha", "mask editor"))
    name = once(picture)
    if way == "mask editor":
        name = f"{file('clipspace/clipspace-painted-masked-' + name, picture)} [input]"
    if way == "load from output":
        name = f"{file(name, picture, 'output')} [output]"
    return name, picture


@pytest.mark.parametrize("way", WAYS)
def test_before_a_run_after_a_run_and_after_the_source_changed(desk_of, way):
    """A row of the matrix."""
    between, before, arrives = WAYS[way]
    seed = 100 + 2 * list(WAYS).index(way)
    name, picture = source(way, seed)
    desk = desk_of.chain(name, *between, loader="LoadImageOutput" if way == "load from output" else "LoadImage")
    if way == "subgraph":
        desk.enter(desk.wrap(len(desk.ids) - 2))

    # before a run: what is known is shown, of anything else nothing, and nothing can be placed
    desk.wait(before)
    if before == "unknown":
        assert desk.size() == ""
        assert "Other nodes make this picture" in desk.notice()
        desk.studio.drag((100, 100), (200, 100), SIZE)
        assert desk.studio.text() == ""
        desk.get_picture()
    desk.shows(arrives(picture))

    # after a run: the tensor that arrived
    desk.executed()
    if way == "subgraph":
        desk.page.evaluate("() => window.app.queuePrompt(0)")
    else:
        desk.run()
    ran = desk.ran()
    assert "execution_error" not in ran
    desk.wait("current")
    desk.shows(arrives(picture))
    width, height = (int(v) for v in desk.size().split("x"))
    desk.studio.drag((width * 0.3, height * 0.5), (width * 0.6, height * 0.5), (width, height))
    (drawn,) = desk.studio.pairs()
    assert drawn[0] == pytest.approx([width * 0.3, height * 0.5], abs=1.5)
    assert (desk.studio.value()["width"], desk.studio.value()["height"]) == (width, height)

    # after the source changed: the new picture where it is known, else the old one and a word
    other_name, other = source(way, seed + 1, OTHER)
    if way == "overwritten file":
        file(name, other)
        desk.page.evaluate("() => window.dispatchEvent(new Event('focus'))")
    else:
        desk.set(0, "image", other_name)
    if before == "current":
        desk.editor.locator(".gd-stage[data-picture='400x640']").wait_for()
        desk.wait("current")
        assert "Drawn on a picture of 640x400; this one is 400x640." in desk.notice()
        desk.editor.get_by_role("button", name="Keep the pixels").click()
        desk.shows_without_arrows(arrives(other))
    else:
        assert "Out of date: “Load Image” changed since this picture arrived." in desk.wait("outdated")
        assert desk.size() == f"{width}x{height}"
        desk.get_picture()
        desk.shows_without_arrows(arrives(other))
        fits = desk.size() == f"{width}x{height}"
        assert ("Drawn on a picture" in desk.notice()) is not fits
    assert desk.studio.pairs() == [drawn]


def value(size, *pairs, **more):
    return {
        "version": 2,
        "width": size[0],
        "height": size[1],
        "pairs": [dict(zip(("handle", "target"), p)) for p in pairs],
        **more,
    }


def test_a_scale_that_is_put_in_between_takes_the_arrow_along(desk_of):
    """The case that once ran with the arrow pointing elsewhere: 300x300, an arrow, then 900x900, Run."""
    name = once(painting((300, 300), seed=1))
    desk = desk_of.chain(name, node("ImageScale", {**SMALL, "width": 900, "height": 900}, mode=4))
    desk.wait("current")
    desk.studio.drag((75, 75), (140, 75), (300, 300))
    before = desk.studio.text()
    desk.page.evaluate("(id) => { window.app.graph.getNodeById(Number(id) || id).mode = 0; }", desk.ids[1])
    assert "Other nodes make this picture" in desk.wait("unknown")
    assert desk.size() == ""
    desk.executed()
    desk.run()
    assert "execution_error" not in desk.ran()
    desk.wait("current")
    assert desk.size() == "900x900"
    hint = desk.editor.locator(".gd-hint").inner_text()
    assert "Moved along from 300x300 to this picture of 900x900. Ctrl+Z keeps the old pixels." in hint
    desk.studio.shot("moved-along")
    assert desk.studio.text() == before  # a run reads it by the same rule
    ends = desk.editor.locator(".gd-end").first.get_attribute("aria-label")
    assert ends.startswith("pair 1, handle, x 226, y 226")
    desk.studio.stage.focus()
    desk.studio.press("Control+z")
    assert desk.editor.locator(".gd-end").first.get_attribute("aria-label").startswith("pair 1, handle, x 75, y 75")
    assert (desk.studio.value()["width"], desk.studio.pairs()[0][0]) == (900, pytest.approx([75, 75], abs=1))
    desk.studio.press("Control+Shift+z")
    assert desk.studio.pairs()[0][0] == pytest.approx([226, 226], abs=3)


def test_another_shape_is_decided_by_the_person(desk_of):
    name = once(painting(SIZE, seed=2))
    desk = desk_of.chain(name, node("ImageCrop", CROP))
    desk.set_value(value(SIZE, [[100, 100], [600, 390]]))
    desk.get_picture()
    assert "Drawn on a picture of 640x400; this one is 320x240." in desk.notice()
    assert "Outside this one: pair 1." in desk.notice()
    desk.studio.shot("fit-to-picture")
    # what lies outside is drawn at the border of the picture that is there, where it can be seen
    border = desk.studio.place((319, 239), (320, 240))
    box = desk.editor.locator(".gd-end").last.bounding_box()
    middle = (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    assert middle == pytest.approx(border[:2], abs=3)
    desk.studio.drag((10, 10), (50, 50), (320, 240))
    assert len(desk.studio.pairs()) == 1
    assert "Drawn on a picture of 640x400" in desk.studio.says()
    # what is refused is not said to be done
    desk.editor.locator(".gd-status").evaluate("(status) => { status.textContent = ''; }")
    desk.editor.get_by_role("radio", name="Own", exact=True).click()
    assert "Drawn on a picture of 640x400" in desk.studio.says()
    desk.executed()
    desk.run()
    assert "execution_error" not in desk.ran()
    toast = desk.page.locator(".p-toast-message, [data-testid='toast'], [role='alert']").filter(
        has_text="placed on a 640x400 picture"
    )
    toast.first.wait_for(timeout=5000)
    desk.studio.shot("stopped")
    desk.editor.get_by_role("button", name="Fit to picture").click()
    assert desk.notice() == ""
    assert desk.page.evaluate("document.activeElement.className") == "gd-stage"  # the keyboard goes on working
    assert desk.studio.value()["width"] == 320
    assert desk.studio.pairs()[0][0] == pytest.approx([49.75, 59.8], abs=0.1)
    desk.executed()
    desk.run()
    desk.ran()
    assert desk.ids[-1] in desk.done()  # the preview behind it
    desk.studio.stage.focus()
    desk.studio.press("Control+z")
    assert "Drawn on a picture of 640x400" in desk.notice()


def test_a_run_without_arrows_brings_the_picture_and_is_no_error(desk_of):
    name = once(painting(SIZE, seed=3))
    desk = desk_of.chain(name, node("ImageInvert"))
    desk.wait("unknown")
    desk.studio.shot("unknown")
    desk.executed()
    desk.run()
    assert "execution_error" not in desk.ran()
    assert desk.done() == [desk.ids[2]]  # nothing came out behind it
    desk.wait("current")
    assert "The last run stopped here: there are no arrows yet" in desk.editor.locator(".gd-hint").inner_text()
    said = desk.page.locator(".gd-notices", has_text="The run stopped here")
    said.wait_for(timeout=10_000)
    desk.studio.drag((100, 100), (200, 100), SIZE)
    assert "stopped" not in desk.editor.locator(".gd-hint").inner_text()
    said.wait_for(state="detached", timeout=10_000)  # it is no longer true


def test_get_the_picture_runs_what_feeds_the_node_and_no_more(desk_of):
    name = once(painting(SIZE, seed=4))
    desk = desk_of.build(
        node("LoadImage", {"image": name}),
        node("ImageInvert", inputs={"image": [0, 0]}),
        node("GoodDrag_Points", inputs={"image": [1, 0]}),
        node("PreviewImage", inputs={"images": [2, 2]}),
        node("ImageInvert", inputs={"image": [0, 0]}),
        node("PreviewImage", inputs={"images": [4, 0]}),
    )
    desk.wait("unknown")
    desk.set_value(value(SIZE, [[100, 100], [200, 100]]))
    desk.executed()
    desk.get_picture()
    assert set(desk.ran()) == {*desk.ids[:3], "execution_success"}
    desk.studio.shot("got-the-picture")


def test_disconnecting_takes_the_picture_away_and_an_inner_value_stays(desk_of):
    desk = desk_of.chain(once(painting(SIZE, seed=5)))
    desk.wait("current")
    desk.studio.drag((100, 100), (200, 100), SIZE)
    before = desk.studio.text()
    desk.page.evaluate("(id) => window.app.graph.getNodeById(Number(id) || id).disconnectInput(0)", desk.studio.node)
    assert "No picture yet: connect one to image, or drop or paste one here." in desk.wait("unconnected")
    assert desk.size() == ""
    desk.studio.drag((300, 100), (400, 100), SIZE)
    assert desk.studio.text() == before


def test_what_changed_upstream_is_named_and_changing_it_back_is_no_change(desk_of):
    desk = desk_of.chain(once(painting(SIZE, seed=6)), node("ImageScale", SMALL), node("ImageInvert"))
    desk.get_picture()
    desk.set(1, "width", 640)
    assert "Out of date: “Upscale Image” changed since this picture arrived." in desk.wait("outdated")
    desk.studio.shot("out-of-date")
    desk.set(1, "width", 320)
    assert desk.wait("current") == ""
    desk.page.evaluate("(id) => { window.app.graph.getNodeById(Number(id) || id).mode = 4; }", desk.ids[2])
    assert "Out of date: other nodes feed it now since this picture arrived." in desk.wait("outdated")


def test_a_file_deeper_in_the_graph_is_watched_too(desk_of):
    name = once(painting(SIZE, seed=7))
    desk = desk_of.chain(name, node("ImageInvert"))
    desk.get_picture()
    file(name, painting(SIZE, seed=8))
    desk.page.evaluate("() => window.dispatchEvent(new Event('focus'))")
    assert f"Out of date: the file {name} changed" in desk.wait("outdated")
    desk.get_picture()
    desk.shows(Image.eval(painting(SIZE, seed=8), lambda v: 255 - v))


def test_a_file_that_is_no_picture_or_several_says_why(desk_of):
    name = once(painting(SIZE, seed=9))
    desk = desk_of.chain(name)
    desk.wait("current")
    desk.set(0, "image", "missing.png")
    assert "The picture cannot be shown: there is no file 'missing.png'." in desk.wait("unknown")
    assert desk.size() == ""


def test_comfyuis_undo_keeps_the_picture_of_a_run(desk_of):
    desk = desk_of.chain(once(painting(SIZE, seed=10)), node("ImageInvert"))
    desk.get_picture()
    from tests.browser.studio import EMPTY, NOTE_STATE

    desk.page.evaluate(NOTE_STATE)
    desk.studio.drag((100, 100), (200, 100), SIZE)
    desk.page.mouse.click(*EMPTY)
    desk.page.wait_for_timeout(400)
    desk.page.keyboard.press("Control+z")
    desk.page.wait_for_timeout(1500)
    desk.studio.look(1)
    desk.wait("current")
    assert desk.size() == "640x400"


def test_two_copies_of_a_subgraph_have_pictures_of_their_own(desk_of):
    """Both copies hold the same node and so the same arrows; the picture is the one of the copy that was opened."""
    one, two = once(painting(SIZE, seed=11)), once(painting(OTHER, seed=12))
    desk = desk_of.chain(one, node("ImageInvert"))
    first = desk.wrap(1, 2)
    second = desk.page.evaluate(
        """([id, name]) => {
          const { graph } = window.app.canvas;
          const first = graph.getNodeById(Number(id)) ?? graph.getNodeById(id);
          const second = LiteGraph.createNode(first.subgraph.id);
          second.pos = [0, 700];
          graph.add(second);
          const load = LiteGraph.createNode("LoadImage");
          load.pos = [-600, 700];
          graph.add(load);
          load.widgets.find((w) => w.name === "image").value = name;
          load.connect(0, second, 0);
          return String(second.id);
        }""",
        [first, two],
    )
    leave = "() => window.app.canvas.setGraph(window.app.canvas.graph.rootGraph ?? window.app.canvas.graph)"
    desk.enter(second)
    desk.wait("unknown")
    desk.get_picture()
    desk.shows(Image.eval(painting(OTHER, seed=12), lambda v: 255 - v))
    desk.page.evaluate(leave)
    desk.enter(first)
    desk.wait("unknown")  # the other copy's run brought nothing here
    assert desk.size() == ""
    desk.get_picture()
    desk.shows(Image.eval(painting(SIZE, seed=11), lambda v: 255 - v))
    desk.page.evaluate(leave)
    desk.enter(second)
    desk.wait("current")
    assert desk.size() == "400x640"
