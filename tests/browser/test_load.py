"""Two hundred pairs and five hundred strokes on a 4096 x 4096 picture stay light."""

import json
import math

import pytest

SIZE = (4096, 4096)


def heavy() -> str:
    pairs = [
        {
            "handle": [100 + 190 * (i % 20), 100 + 380 * (i // 20)],
            "target": [180 + 190 * (i % 20), 150 + 380 * (i // 20)],
        }
        for i in range(200)
    ]
    strokes = [
        {
            "kind": "brush",
            "size": 60,
            "hardness": 1,
            "points": [
                [round(40 + 8 * i + 30 * math.cos(k), 1), round(100 + 7 * i + 120 * math.sin(k), 1)] for k in range(12)
            ],
        }
        for i in range(500)
    ]
    mask = {"mode": "union", "shapes": strokes}
    return json.dumps({"version": 1, "width": 4096, "height": 4096, "pairs": pairs, "mask": mask})


FRAMES = """() => new Promise((resolve) => {
  const times = [];
  const tick = (t) => {
    times.push(t);
    if (times.length < 90) return requestAnimationFrame(tick);
    resolve(times.slice(1).map((v, i) => v - times[i]));
  };
  requestAnimationFrame(tick);
})"""


@pytest.fixture
def loaded(desk):
    desk.new("large")
    script = """([id, text]) => {
      window.app.graph.getNodeById(Number(id)).widgets.find((w) => w.name === "points").value = text;
    }"""
    desk.page.evaluate(script, [desk.node, heavy()])
    desk.page.wait_for_timeout(1500)
    return desk


def test_the_value_stays_small(loaded):
    loaded.drag((180, 150), (200, 170), SIZE)
    assert len(loaded.pairs()) == 200
    assert len(loaded.text()) < 200_000


def test_dragging_an_end_paints_the_top_layer_only(loaded):
    """A figure is printed and the work is counted; frame times belong to docs/editor.md, not to a test."""
    page = loaded.page
    page.evaluate(
        """() => {
          window.painted = { base: 0, top: 0 };
          const [base, top] = document.querySelectorAll(".gd-stage canvas");
          for (const [name, canvas] of [["base", base], ["top", top]]) {
            const context = canvas.getContext("2d");
            const clear = context.clearRect.bind(context);
            context.clearRect = (...a) => { window.painted[name]++; clear(...a); };
          }
        }"""
    )
    x, y, _ = loaded.place((180, 150), SIZE)
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 10, y)
    page.wait_for_timeout(200)
    page.evaluate("window.painted.base = 0")
    page.evaluate(f"window.frames = ({FRAMES})().then((v) => {{ window.frameTimes = v; }})")
    for i in range(60):
        page.mouse.move(x + i, y + 20 * math.sin(i / 5))
    page.wait_for_function("window.frameTimes")
    painted = page.evaluate("window.painted")
    page.mouse.up()
    times = sorted(page.evaluate("window.frameTimes"))
    print(f"| {loaded.server.frontend} | {loaded.renderer} | {times[len(times) // 2]:.1f} ms | {times[-5]:.1f} ms |")
    assert painted["top"] > 10
    assert painted["base"] == 0


def test_an_idle_node_costs_no_frames(loaded):
    count = """() => new Promise((resolve) => {
      let frames = 0;
      const original = window.requestAnimationFrame;
      window.requestAnimationFrame = (f) => { if (new Error().stack.includes("GoodDrag")) frames++; return original(f); };
      setTimeout(() => { window.requestAnimationFrame = original; resolve(frames); }, 1500);
    })"""
    assert loaded.page.evaluate(count) == 0
