"""A picture of one's own, with a node between it and the editor: how many clicks to a good result."""

import numpy as np
from PIL import Image

from devtools import environment
from gooddrag.demo.drags import drag
from tests.browser.pictures import Desk, once
from tests.browser.test_journey import QUICKSTART, SHORTEN

PHOTO = """(name) => {
  const { graph } = window.app;
  const byType = (type) => graph._nodes.find((n) => n.type === type);
  const demo = byType("GoodDrag_DemoModel");
  const load = LiteGraph.createNode("LoadImage");
  const scale = LiteGraph.createNode("ImageScale");
  for (const [i, node] of [load, scale].entries()) {
    node.pos = [demo.pos[0] - 900 + 420 * i, demo.pos[1] - 600];
    graph.add(node);
  }
  const set = (node, name, value) => { node.widgets.find((w) => w.name === name).value = value; };
  set(load, "image", name);
  const to = { upscale_method: "area", width: 256, height: 256, crop: "disabled" };
  for (const [key, value] of Object.entries(to)) set(scale, key, value);
  load.connect(0, scale, 0);
  for (const node of graph._nodes) {
    if (node === scale) continue;
    for (const [index, input] of (node.inputs ?? []).entries()) {
      const from = node.getInputNode(index);
      if (from === demo && input.type === "IMAGE") scale.connect(0, node, index);
    }
  }
  const points = byType("GoodDrag_Points");
  for (const name of ["mask", "suggestion"]) points.disconnectInput(points.inputs.findIndex((i) => i.name === name));
  window.pressed = 0;
  window.addEventListener("pointerdown", () => { window.pressed += 1; }, true);
  return String(points.id);
}"""
SCENES = {"classic": 5, "vue": 1000}  # the renderers share a server; what comes from its cache is not drawn anew


def test_own_photo_through_a_scale_takes_three_presses(open_studio):
    """Get the picture, one arrow, Run."""
    studio = open_studio()
    page, desk = studio.page, Desk(studio)
    scene = drag("arm", SCENES[studio.renderer])
    before, truth = (np.asarray(scene.picture(f)).astype(float) for f in (0.0, 1.0))
    name = once(Image.fromarray(scene.picture(0)).resize((768, 768), Image.NEAREST))
    studio.open(QUICKSTART)
    page.evaluate(SHORTEN)
    studio.node = page.evaluate(PHOTO, name)
    studio.look(1)
    desk.wait("unknown")
    page.evaluate("window.pressed = 0")

    desk.get_picture()
    assert desk.size() == "256x256"
    studio.drag(scene.points.handles[0], scene.points.targets[0], (256, 256))
    desk.run()

    shown = "() => document.querySelector('.gd-editor .gd-stage').dataset.shows === 'after'"
    page.wait_for_function(shown, timeout=150_000)
    assert page.evaluate("window.pressed") == 3
    studio.shot(f"own-photo-{studio.server.frontend}-{studio.renderer}")
    newest = max((environment.BASE / "output").glob("GoodDrag*.png"), key=lambda path: path.stat().st_mtime)
    result = np.asarray(Image.open(newest).convert("RGB")).astype(float)
    moved = np.asarray(scene.mask) > 0
    # nearer to what the scene's own drag draws, and untouched far from the arrow
    assert np.abs(result - truth)[moved].mean() < 0.8 * np.abs(before - truth)[moved].mean()
    (x, y), (u, v) = scene.points.handles[0], scene.points.targets[0]
    rows, cols = np.mgrid[:256, :256]
    far = np.hypot(cols - (x + u) / 2, rows - (y + v) / 2) > 128
    assert np.abs(result - before)[far].max() < 3
    studio.close()
