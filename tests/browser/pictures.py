"""Graphs through which a picture reaches the editor, and what it should show: the same pixels that the nodes deliver."""

from __future__ import annotations

import base64
import io
import json
import uuid
from pathlib import Path

import numpy as np
from PIL import Image

from devtools import environment
from tests.browser.studio import Studio

BUILD = """(specs) => {
  const { canvas } = window.app;
  const graph = canvas.graph.rootGraph ?? canvas.graph;
  if (canvas.graph !== graph) canvas.setGraph(graph);
  graph.clear();
  const made = [];
  for (const { type, widgets = {}, inputs = {}, mode = 0 } of specs) {
    const node = LiteGraph.createNode(type);
    node.pos = [(made.length - specs.length) * 420, 0];
    graph.add(node);
    for (const [name, value] of Object.entries(widgets)) node.widgets.find((w) => w.name === name).value = value;
    for (const [name, [from, slot]] of Object.entries(inputs)) {
      made[from].connect(slot, node, Math.max(node.inputs.findIndex((i) => i.name === name), 0));
    }
    node.mode = mode;
    made.push(node);
  }
  const points = made.findLast((n) => n.type === "GoodDrag_Points");
  points.pos = [0, 0];
  return [String(points.id), made.map((n) => String(n.id))];
}"""
WRAP = """(ids) => {
  const { canvas, graph } = window.app;
  canvas.deselectAll();
  for (const id of ids) canvas.selectNode(graph.getNodeById(Number(id)) ?? graph.getNodeById(id), true);
  const { node } = graph.convertToSubgraph(canvas.selectedItems);
  return String(node.id);
}"""
ENTER = """([id, points]) => {
  const { canvas, graph } = window.app;
  const around = (graph.getNodeById(Number(id)) ?? graph.getNodeById(id));
  canvas.openSubgraph(around.subgraph, around);
  const inner = around.subgraph._nodes.find((n) => n.type === "GoodDrag_Points");
  return String(inner.id);
}"""
SHOWN = """(stage) => {
  const [canvas] = stage.querySelectorAll("canvas");
  return { url: canvas.toDataURL(), width: stage.clientWidth, height: stage.clientHeight };
}"""


def file(name: str, picture: Image.Image, folder: str = "input") -> str:
    """Write a picture where ComfyUI finds it; overwriting is what some tests are about."""
    path = environment.BASE / folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    picture.save(path)
    return name


def painting(size: tuple[int, int], *, seed: int = 0, alpha: bool = False) -> Image.Image:
    """A picture that no other resembles, smooth enough to be compared after it was drawn in another size."""
    rng = np.random.default_rng(seed)
    small = Image.fromarray(rng.integers(0, 256, (4, 5, 3), np.uint8))
    picture = small.resize(size, Image.BICUBIC)
    if alpha:
        shade = Image.fromarray(rng.integers(0, 2, (3, 3), np.uint8) * 255)
        picture.putalpha(shade.resize(size, Image.NEAREST))
    return picture


def once(picture: Image.Image) -> str:
    """A file under a name that no run has seen, so that nothing comes from ComfyUI's cache."""
    return file(f"gooddrag_{uuid.uuid4().hex[:8]}.png", picture)


class Desk:
    """The page with a graph that ends in GoodDrag Points."""

    def __init__(self, studio: Studio):
        self.studio, self.page = studio, studio.page
        self.ids: list[str] = []

    def build(self, *specs: dict) -> Desk:
        self.studio.node, self.ids = self.page.evaluate(BUILD, list(specs))
        self.studio.look(1)
        return self

    def chain(self, name: str, *between: dict, loader: str = "LoadImage") -> Desk:
        """Load Image, nodes with an input `image`, GoodDrag Points, and a preview of its overlay as the branch behind it."""
        specs = [{"type": loader, "widgets": {"image": name}}]
        for node in (*between, {"type": "GoodDrag_Points"}):
            specs.append({**node, "inputs": {node.get("into", "image"): [len(specs) - 1, 0]}})
        specs.append({"type": "PreviewImage", "inputs": {"images": [len(specs) - 1, 2]}})
        return self.build(*specs)

    def set(self, index: int, name: str, value) -> None:
        """A widget of the node that was built as number ``index``."""
        script = """([id, name, value]) => {
          const { graph } = window.app.canvas;
          (graph.rootGraph ?? graph)._nodes.find((n) => String(n.id) === id).widgets.find((w) => w.name === name).value = value;
        }"""
        self.page.evaluate(script, [self.ids[index], name, value])

    def wrap(self, *indices: int) -> str:
        """Put nodes into a subgraph; returns its node's id."""
        return self.page.evaluate(WRAP, [self.ids[i] for i in indices])

    def enter(self, around: str) -> None:
        self.studio.node = self.page.evaluate(ENTER, [around, None])
        self.page.wait_for_timeout(300)
        self.studio.look(1)

    @property
    def editor(self):
        return self.page.locator(".gd-editor").last

    def standing(self) -> str:
        return self.editor.locator(".gd-notice").get_attribute("data-standing")

    def notice(self) -> str:
        return " ".join(t for t in self.editor.locator(".gd-notice-row:visible").all_inner_texts())

    def wait(self, standing: str, timeout: float = 20_000) -> str:
        """Until the editor says how its picture stands; returns what it says."""
        self.editor.locator(f".gd-notice[data-standing='{standing}']").wait_for(state="attached", timeout=timeout)
        self.page.wait_for_timeout(120)
        return self.notice()

    def size(self) -> str:
        return self.studio.stage.get_attribute("data-picture")

    def get_picture(self) -> None:
        """One click, and the picture comes."""
        self.editor.get_by_role("button", name="Get the picture").click()
        self.wait("current")

    def run(self) -> None:
        self.page.locator('[data-testid="queue-button"]').first.click()

    def shows(self, expected: Image.Image, tolerance: float = 6) -> None:
        """The stage shows these very pixels."""
        expected = expected.convert("RGB")
        assert self.size() == f"{expected.width}x{expected.height}"
        self.page.wait_for_timeout(100)
        shown = self.page.evaluate(SHOWN, self.studio.stage.element_handle())
        canvas = Image.open(io.BytesIO(base64.b64decode(shown["url"].split(",")[1]))).convert("RGB")
        ratio = canvas.width / shown["width"]
        scale = min(canvas.width / expected.width, canvas.height / expected.height)
        w, h = expected.width * scale, expected.height * scale
        x, y = (canvas.width - w) / 2, (canvas.height - h) / 2
        inner = canvas.crop((round(x), round(y), round(x + w), round(y + h))).resize((24, 24), Image.BOX)
        wanted = expected.resize((round(w), round(h)), Image.BILINEAR).resize((24, 24), Image.BOX)
        # the outermost cells hold what is said on the stage, and the border
        difference = np.abs(np.asarray(inner, float) - np.asarray(wanted, float))[4:19, 1:-1]
        assert difference.mean() < tolerance, (ratio, difference.mean())

    def shows_without_arrows(self, expected: Image.Image) -> None:
        """As ``shows``, when the shade around arrows would be in the way: they are set aside."""
        kept = self.studio.text()
        self.set_value({"pairs": []})
        self.shows(expected)
        self.set_value(json.loads(kept))

    def executed(self) -> None:
        """From here on, what runs is listed."""
        script = """() => {
          [window.ran, window.done] = [[], []];
          if (window.listening) return;
          window.listening = true;
          const { api } = window.app;
          api.addEventListener("executing", (e) => { if (e.detail) window.ran.push(String(e.detail)); });
          api.addEventListener("executed", (e) => window.done.push(String(e.detail.node)));
          for (const name of ["execution_success", "execution_error"]) api.addEventListener(name, () => window.ran.push(name));
        }"""
        self.page.evaluate(script)

    def ran(self) -> list[str]:
        self.page.wait_for_function("() => window.ran.some((r) => r.startsWith('execution'))", timeout=30_000)
        return self.page.evaluate("() => window.ran")

    def done(self) -> list[str]:
        """Ids of the nodes that delivered something, after ``ran``."""
        return self.page.evaluate("() => window.done")

    def set_value(self, value: dict) -> None:
        script = """([id, text]) => {
          const { graph } = window.app.canvas;
          (graph.getNodeById(Number(id)) ?? graph.getNodeById(id)).widgets.find((w) => w.name === "points").value = text;
        }"""
        self.page.evaluate(script, [self.studio.node, json.dumps(value)])


def newest(folder: str, pattern: str) -> Path:
    return max((environment.BASE / folder).glob(pattern), key=lambda path: path.stat().st_mtime)
