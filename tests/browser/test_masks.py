"""The connected mask follows the same rule as the picture: what the editor shades is what arrives, or it says otherwise."""

import numpy as np
import pytest
from PIL import Image

from tests.browser.pictures import Desk, once, painting

SIZE = (640, 400)
RECT = (160, 100, 320, 200)
"""Where the file's mask lets the picture change."""


def node(type_, widgets=None, **more):
    return {"type": type_, "widgets": widgets or {}, **more}


@pytest.fixture
def desk_of(desk):
    return Desk(desk)


def painted() -> str:
    """A file with a hole, as the mask editor leaves it, on a white picture."""
    picture = Image.new("RGBA", SIZE, "white")
    picture.paste((255, 255, 255, 0), RECT)
    return once(picture)


def light(desk: Desk, point) -> float:
    """How light the lower canvas is at a point of the picture, 0 to 1."""
    x, y, _ = desk.studio.place(point, SIZE)
    script = """([x, y]) => {
      const canvas = document.querySelector(".gd-stage canvas");
      const r = canvas.getBoundingClientRect();
      const at = [(x - r.left) / r.width * canvas.width, (y - r.top) / r.height * canvas.height].map(Math.round);
      return canvas.getContext("2d").getImageData(...at, 1, 1).data[0] / 255;
    }"""
    return desk.page.evaluate(script, [x, y])


def shaded(desk: Desk, *, inside: bool, outside: bool, at=(240, 150)) -> None:
    """Which places are dark, once the picture has been drawn; the light ones are the white picture."""
    for _ in range(50):
        if ((light(desk, at) < 0.6), (light(desk, (500, 330)) < 0.6)) == (inside, outside):
            return
        desk.page.wait_for_timeout(200)
    assert (light(desk, at) < 0.6) is inside
    assert (light(desk, (500, 330)) < 0.6) is outside


def wait_mask(desk: Desk, standing: str) -> str:
    desk.editor.locator(f".gd-notice[data-mask='{standing}']").wait_for(state="attached", timeout=20_000)
    desk.page.wait_for_timeout(150)
    return desk.notice()


def test_a_computed_mask_is_unknown_until_a_run_and_out_of_date_when_its_making_changes(desk_of):
    desk = desk_of.build(
        node("LoadImage", {"image": painted()}),
        node("InvertMask", inputs={"mask": [0, 1]}),
        node("GoodDrag_Points", inputs={"image": [0, 0], "mask": [1, 0]}),
    )
    desk.wait("current")
    assert "Other nodes make the connected mask; it comes with a run." in wait_mask(desk, "unknown")
    shaded(desk, inside=False, outside=False)
    desk.studio.shot("mask-unknown")
    desk.editor.get_by_role("button", name="Get the mask").click()  # no arrows are needed for that
    assert wait_mask(desk, "current") == ""
    shaded(desk, inside=True, outside=False)
    # the way is another one: no inverting
    desk.page.evaluate("(id) => { window.app.graph.getNodeById(Number(id) || id).mode = 4; }", desk.ids[1])
    assert wait_mask(desk, "current") == ""  # and so it is known: that of the file
    shaded(desk, inside=False, outside=True)
    desk.page.evaluate("(id) => { window.app.graph.getNodeById(Number(id) || id).mode = 0; }", desk.ids[1])
    wait_mask(desk, "current")
    shaded(desk, inside=True, outside=False)  # what arrived then is what would arrive now
    desk.set(0, "image", painted())
    assert "The connected mask is out of date: “Load Image” changed since it arrived." in wait_mask(desk, "outdated")
    desk.studio.shot("mask-outdated")
    desk.editor.get_by_role("button", name="Get the mask").click()
    assert wait_mask(desk, "current") == ""


def test_a_value_that_makes_the_mask_is_named_also_through_a_subgraph(desk_of):
    desk = desk_of.build(
        node("LoadImage", {"image": painted()}),
        node("GrowMask", {"expand": 20, "tapered_corners": False}, inputs={"mask": [0, 1]}),
        node("GoodDrag_Points", inputs={"image": [0, 0], "mask": [1, 0]}),
    )
    desk.wrap(1)
    wait_mask(desk, "unknown")
    desk.editor.get_by_role("button", name="Get the mask").click()
    assert wait_mask(desk, "current") == ""
    shaded(desk, inside=False, outside=True)
    assert light(desk, (335, 150)) > 0.9  # grown
    inner = """(value) => {
      const { graph } = window.app.canvas;
      const grow = graph._nodes.find((n) => n.subgraph).subgraph._nodes.find((n) => n.type === "GrowMask");
      grow.widgets.find((w) => w.name === "expand").value = value;
    }"""
    desk.page.evaluate(inner, 5)
    assert "The connected mask is out of date: “Grow Mask” changed" in wait_mask(desk, "outdated")
    desk.page.evaluate(inner, 20)
    assert wait_mask(desk, "current") == ""


def test_get_the_picture_brings_the_mask_of_the_same_run(desk_of):
    desk = desk_of.build(
        node("LoadImage", {"image": painted()}),
        node("ImageInvert", inputs={"image": [0, 0]}),
        node("InvertMask", inputs={"mask": [0, 1]}),
        node("ImageInvert", inputs={"image": [1, 0]}),
        node("GoodDrag_Points", inputs={"image": [3, 0], "mask": [2, 0]}),
    )
    desk.wait("unknown")
    assert "connected mask" not in desk.notice()  # one thing after the other, by one click
    desk.get_picture()
    assert wait_mask(desk, "current") == ""
    shaded(desk, inside=True, outside=False)


def test_an_overwritten_file_brings_its_new_mask(desk_of):
    from tests.browser.pictures import file

    name = painted()
    desk = desk_of.build(
        node("LoadImage", {"image": name}),
        node("GoodDrag_Points", inputs={"image": [0, 0], "mask": [0, 1]}),
    )
    desk.wait("current")
    wait_mask(desk, "current")
    shaded(desk, inside=False, outside=True)
    picture = Image.new("RGBA", SIZE, "white")
    picture.paste((255, 255, 255, 0), (400, 250, 640, 400))
    file(name, picture)
    desk.page.evaluate("() => window.dispatchEvent(new Event('focus'))")
    desk.page.wait_for_timeout(1500)
    shaded(desk, inside=True, outside=False)


def test_what_is_painted_is_shaded_together_with_the_connected_mask(desk_of):
    desk = desk_of.build(
        node("LoadImage", {"image": painted()}),
        node("GoodDrag_Points", inputs={"image": [0, 0], "mask": [0, 1]}),
    )
    desk.wait("current")
    wait_mask(desk, "current")
    rectangle = {"kind": "rectangle", "points": [[240, 50], [600, 390]]}
    for mode, left, middle, right in (
        ("union", False, False, False),
        ("intersect", True, False, True),
        ("replace", True, False, False),
    ):
        desk.set_value({"version": 2, "width": 640, "height": 400, "pairs": [],
                        "mask": {"region": "own", "mode": mode, "shapes": [rectangle]}})  # fmt: skip
        desk.page.wait_for_timeout(300)
        assert [light(desk, (x, 150)) < 0.6 for x in (200, 280, 500)] == [left, middle, right], mode
        assert light(desk, (50, 350)) < 0.6
    desk.studio.shot("mask-both")


def test_a_soft_mask_is_drawn_as_it_counts(desk_of):
    ramp = np.tile(np.linspace(0, 255, SIZE[0]).round().astype(np.uint8), (SIZE[1], 1))
    desk = desk_of.build(
        node("LoadImage", {"image": once(painting(SIZE, seed=31).convert("L").point(lambda v: 255).convert("RGB"))}),
        node("LoadImageMask", {"image": once(Image.fromarray(np.dstack([ramp] * 3))), "channel": "red"}),
        node("GoodDrag_Points", inputs={"image": [0, 0], "mask": [1, 0]}),
    )
    desk.wait("current")
    wait_mask(desk, "current")
    assert [light(desk, (x, 200)) < 0.6 for x in (40, 200, 300)] == [True] * 3
    assert [light(desk, (x, 200)) > 0.95 for x in (340, 450, 600)] == [True] * 3
    desk.studio.shot("mask-soft")
