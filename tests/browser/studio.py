"""A person at the editor: ComfyUI's page in a browser, with what the tests do on it."""

from __future__ import annotations

import json
import re
from pathlib import Path

SIZES = {"landscape": (640, 400), "portrait": (400, 640), "strip": (33, 900), "large": (4096, 4096)}
EMPTY = (1500, 1250)
"""A place of the page where there is only canvas."""
VIEWPORT = {"width": 1700, "height": 1400}

ADD_NODES = """([name, link]) => {
  const graph = window.app.graph;
  const load = LiteGraph.createNode("LoadImage");
  load.pos = [-600, 0];
  graph.add(load);
  load.widgets.find((w) => w.name === "image").value = name;
  const points = LiteGraph.createNode("GoodDrag_Points");
  points.pos = [0, 0];
  graph.add(points);
  if (link) load.connect(0, points, 0);
  return String(points.id);
}"""
LOOK_AT = """([id, zoom, x, y]) => {
  const { canvas } = window.app;
  const node = canvas.graph.getNodeById(Number(id)) ?? canvas.graph.getNodeById(id);
  canvas.ds.scale = zoom;
  canvas.ds.offset[0] = x / zoom - node.pos[0];
  canvas.ds.offset[1] = y / zoom - node.pos[1];
  canvas.setDirty(true, true);
}"""


# what ComfyUI does whenever the mouse is released, so that its undo comes back to here
NOTE_STATE = """() => {
  const tracker = window.app.extensionManager.workflow.activeWorkflow?.changeTracker;
  (tracker?.captureCanvasState ?? tracker?.checkState)?.call(tracker);
}"""


class Studio:
    """One page. ``zoom`` is the graph's, ``ratio`` the device's; a point is (x, y) in pixels of the picture."""

    def __init__(self, browser, server, renderer: str, *, ratio: float = 1, theme: str = "dark", touch: bool = False,
                 shots: Path | None = None, reduced_motion: bool = False, locale: str = "en"):  # fmt: skip
        self.server, self.renderer, self.shots = server, renderer, shots
        self.errors: list[str] = []
        server.post(
            "/settings",
            {
                "Comfy.VueNodes.Enabled": renderer == "vue",
                "Comfy.TutorialCompleted": True,
                "Comfy.Locale": locale,
                "Comfy.ColorPalette": theme,
                "Comfy.Workflow.WarnBlueprintOverwrite": False,
                "Comfy.Workflow.Persist": False,
            },
        )
        self.context = browser.new_context(
            viewport=VIEWPORT,
            device_scale_factor=ratio,
            has_touch=touch,
            reduced_motion="reduce" if reduced_motion else "no-preference",
        )
        self.page = self.context.new_page()
        self.page.on("pageerror", self._error)
        self.page.goto(server.url)
        self.page.wait_for_function(
            "() => Boolean(window.app?.graph && window.LiteGraph?.registered_node_types?.GoodDrag_Points)"
        )
        self.page.wait_for_timeout(1500)
        self.page.keyboard.press("Escape")
        self.node = ""

    def _error(self, error) -> None:
        if "gooddrag" in (error.stack or "").lower():
            self.errors.append(f"{error.message}\n{error.stack}")

    def close(self) -> None:
        self.context.close()

    # ---- the graph ----------------------------------------------------------------------------------------------

    def new(self, picture: str, zoom: float = 1.0, *, link: bool = True) -> Studio:
        """An empty graph with Load Image and GoodDrag Points."""
        self.page.evaluate("() => window.app.graph.clear()")
        self.page.wait_for_timeout(100)
        self.node = self.page.evaluate(ADD_NODES, [f"gooddrag_{picture}.png", link])
        self.look(zoom)
        self.wait_for_picture()
        self.page.evaluate(NOTE_STATE)
        return self

    def open(self, workflow: Path) -> Studio:
        """Load a workflow as a person does, by choosing its file."""
        self.page.locator("#comfy-file-input").set_input_files(str(workflow))
        self.page.wait_for_selector(".gd-editor")
        find = "() => String(window.app.graph._nodes.find((n) => n.type === 'GoodDrag_Points').id)"
        self.node = self.page.evaluate(find)
        return self

    def look(self, zoom: float, x: float = 80, y: float = 90) -> None:
        """Put the points node's corner at a place of the page."""
        self.page.evaluate(LOOK_AT, [self.node, zoom, x, y])
        self.page.wait_for_timeout(500)

    def wait_for_picture(self) -> None:
        self.page.wait_for_selector(".gd-stage[data-picture]:not([data-picture=''])", state="attached")
        self.page.wait_for_timeout(150)

    def value(self) -> dict:
        """The node's value, as the workflow saves it."""
        text = self.text()
        return json.loads(text) if text else {"pairs": []}

    def text(self) -> str:
        script = """(id) => {
          const { graph } = window.app.canvas;
          const node = graph.getNodeById(Number(id)) ?? graph.getNodeById(id);
          return node.widgets.find((w) => w.name === "points").value;
        }"""
        return self.page.evaluate(script, self.node)

    def pairs(self) -> list[tuple[list[float], list[float]]]:
        return [(p["handle"], p["target"]) for p in self.value()["pairs"]]

    def prompt(self) -> dict:
        """The prompt that would be queued."""
        return self.page.evaluate("async () => (await window.app.graphToPrompt()).output")

    def workflow(self) -> dict:
        return self.page.evaluate("() => window.app.graph.serialize()")

    # ---- the editor ---------------------------------------------------------------------------------------------

    @property
    def stage(self):
        return self.page.locator(".gd-dialog .gd-stage, .gd-editor .gd-stage").last

    def place(self, point, size, view=None) -> tuple[float, float, float]:
        """Where a point of a picture that is shown whole lies on the page, and the screen pixels of one picture pixel."""
        box = self.page.evaluate(
            """(stage) => {
              const r = stage.getBoundingClientRect();
              const zoom = r.width / stage.offsetWidth;
              return { x: r.left + stage.clientLeft * zoom, y: r.top + stage.clientTop * zoom,
                       width: stage.clientWidth * zoom, height: stage.clientHeight * zoom };
            }""",
            self.stage.element_handle(),
        )
        scale = min(box["width"] / size[0], box["height"] / size[1])
        x = box["x"] + (box["width"] - size[0] * scale) / 2 + (point[0] + 0.5) * scale
        y = box["y"] + (box["height"] - size[1] * scale) / 2 + (point[1] + 0.5) * scale
        return x, y, scale

    def drag(self, start, end, size, *, steps: int = 6, modifiers: tuple[str, ...] = ()) -> None:
        """Press the mouse at a point of the picture, release it at another."""
        x0, y0, _ = self.place(start, size)
        x1, y1, _ = self.place(end, size)
        for key in modifiers:
            self.page.keyboard.down(key)
        self.page.mouse.move(x0, y0)
        self.page.mouse.down()
        self.page.mouse.move(x1, y1, steps=steps)
        self.page.mouse.up()
        for key in modifiers:
            self.page.keyboard.up(key)
        self.page.wait_for_timeout(60)

    def click(self, at, size, **options) -> None:
        x, y, _ = self.place(at, size)
        self.page.mouse.click(x, y, **options)
        self.page.wait_for_timeout(60)

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)
        self.page.wait_for_timeout(60)

    def button(self, label: str):
        """A button of the editor by the beginning of its label."""
        return self.page.locator(".gd-editor").last.get_by_role("button", name=re.compile("^" + re.escape(label)))

    def choose(self, label: str) -> None:
        """Click a button of the editor."""
        self.button(label).click()
        self.page.wait_for_timeout(60)

    def shapes(self) -> list[dict]:
        return self.value().get("mask", {}).get("shapes", [])

    def says(self) -> str:
        return self.page.locator(".gd-status").last.text_content()

    def shot(self, name: str) -> None:
        if self.shots:
            self.shots.mkdir(parents=True, exist_ok=True)
            self.page.screenshot(path=self.shots / f"{name}.png")
