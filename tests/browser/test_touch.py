"""Fingers and a pen, through the browser's own input."""

import pytest

SIZE = (640, 400)


@pytest.fixture(scope="module")
def tablet(open_studio):
    return open_studio(touch=True)


@pytest.fixture
def studio(tablet):
    tablet.new("landscape")
    tablet.session = tablet.context.new_cdp_session(tablet.page)
    return tablet


def touch(studio, kind, *points):
    at = [{"x": x, "y": y, "id": i} for i, (x, y) in enumerate(points)]
    studio.session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": at})


def swipe(studio, start, end):
    (x0, y0, _), (x1, y1, _) = studio.place(start, SIZE), studio.place(end, SIZE)
    touch(studio, "touchStart", (x0, y0))
    for i in range(1, 6):
        touch(studio, "touchMove", (x0 + (x1 - x0) * i / 5, y0 + (y1 - y0) * i / 5))
    touch(studio, "touchEnd")
    studio.page.wait_for_timeout(80)


def test_a_finger_draws_an_arrow_and_moves_its_end(studio):
    swipe(studio, (100, 100), (300, 200))
    (pair,) = studio.pairs()
    assert [*pair[0], *pair[1]] == pytest.approx([100, 100, 300, 200], abs=1)
    swipe(studio, (300, 200), (340, 260))
    (pair,) = studio.pairs()
    assert pair[1] == pytest.approx([340, 260], abs=1)


def test_two_taps_make_a_pair(studio):
    for point in ((100, 100), (300, 200)):
        x, y, _ = studio.place(point, SIZE)
        touch(studio, "touchStart", (x, y))
        touch(studio, "touchEnd")
        studio.page.wait_for_timeout(80)
    (pair,) = studio.pairs()
    assert [*pair[0], *pair[1]] == pytest.approx([100, 100, 300, 200], abs=1)


def test_a_finger_paints(studio):
    studio.choose("Brush")
    swipe(studio, (100, 100), (300, 200))
    assert [s["kind"] for s in studio.shapes()] == ["brush"]
    studio.choose("Arrows")


def test_two_fingers_zoom_and_place_nothing(studio):
    x, y, _ = studio.place((320, 200), SIZE)
    touch(studio, "touchStart", (x - 30, y), (x + 30, y))
    for i in range(1, 6):
        touch(studio, "touchMove", (x - 30 - 8 * i, y), (x + 30 + 8 * i, y))
    touch(studio, "touchEnd")
    studio.page.wait_for_timeout(150)
    assert studio.pairs() == []
    swipe(studio, (320, 200), (420, 200))  # where these lie when the picture is whole
    (pair,) = studio.pairs()
    assert pair[0] == pytest.approx([320, 200], abs=2)
    assert pair[1][0] - pair[0][0] == pytest.approx(100 * 60 / 140, abs=2)


def test_a_pen_draws_an_arrow(studio):
    (x0, y0, _), (x1, y1, _) = studio.place((100, 100), SIZE), studio.place((300, 200), SIZE)
    for kind, x, y in (("mousePressed", x0, y0), ("mouseMoved", x1, y1), ("mouseReleased", x1, y1)):
        event = {"type": kind, "x": x, "y": y, "button": "left", "buttons": 1, "clickCount": 1, "pointerType": "pen"}
        studio.session.send("Input.dispatchMouseEvent", event)
    studio.page.wait_for_timeout(80)
    (pair,) = studio.pairs()
    assert [*pair[0], *pair[1]] == pytest.approx([100, 100, 300, 200], abs=1)
