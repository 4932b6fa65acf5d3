import assert from "node:assert/strict";
import test from "node:test";

import { loaderAbove } from "../../web/points/intake.mjs";
import { deciding, difference, executionId, known, origin, placeOf, upstream, valueOf, waysInto } from "../../web/points/upstream.mjs";

/** A graph as ComfyUI's is seen from an extension; ids are strings there, as in its newer versions. */
class Graph {
  constructor() {
    this._nodes = [];
    this.links = new Map();
  }

  getNodeById(id) {
    return this._nodes.find((n) => n.id === String(id)) ?? null;
  }

  getLink(id) {
    return this.links.get(id);
  }

  /** @param {string} type @param {object} [how] */
  add(type, { inputs = [["image", "IMAGE"]], outputs = [["IMAGE", "IMAGE"]], widgets = {}, ...rest } = {}) {
    const node = {
      id: String(this._nodes.length + 1), type, comfyClass: type, title: type, mode: 0, graph: this, ...rest,
      inputs: inputs.map(([name, kind]) => ({ name, type: kind, link: null })),
      outputs: outputs.map(([name, kind]) => ({ name, type: kind })),
      widgets: Object.entries(widgets).map(([name, value]) => ({ name, value })),
    };
    this._nodes.push(node);
    return node;
  }

  link(from, slot, to, name = "image") {
    const id = this.links.size + 1;
    const index = to.inputs.findIndex((i) => i.name === name);
    this.links.set(id, { origin_id: typeof from === "string" ? from : from.id, origin_slot: slot, target_id: to.id, target_slot: index });
    to.inputs[index].link = id;
    return to;
  }

  /** A subgraph node of this graph around an inner graph. */
  wrap(inner, how = {}) {
    const node = this.add("subgraph", { ...how, subgraph: inner });
    node.resolveSubgraphOutputLink = (slot) => inner.out?.[slot] ?? null;
    return node;
  }
}

const load = (graph, name = "a.png") => graph.add("LoadImage", { inputs: [], outputs: [["IMAGE", "IMAGE"], ["MASK", "MASK"]], widgets: { image: name } });
const points = (graph) => graph.add("GoodDrag_Points");
const at = (node, path = []) => ({ node, path });
const FILE = { kind: "file", loader: "LoadImage", name: "a.png" };
const found = (node, path) => known(origin(at(node, path), "image"));

test("a file that is loaded and the demo scene are known, whatever only passes them on too", () => {
  const g = new Graph();
  const p = points(g);
  assert.equal(found(p), null);
  g.link(load(g), 0, p);
  assert.deepEqual(found(p), FILE);
  g.link(load(g, "b.png [output]"), 1, p);
  assert.equal(found(p), null, "the mask is no picture");
  const demo = g.add("GoodDrag_DemoModel", { inputs: [], outputs: [["model", "MODEL"], ["image", "IMAGE"], ["truth", "IMAGE"]], widgets: { kind: "arm", scene: 3 } });
  g.link(demo, 1, p);
  assert.deepEqual(found(p), { kind: "scene", of: "arm", scene: "3" });
  g.link(demo, 2, p);
  assert.equal(found(p), null, "the truth is another picture");
});

test("a mask is known where it comes from a file or the demo scene, by the output that it leaves", () => {
  const g = new Graph();
  const p = g.add("GoodDrag_Points", { inputs: [["mask", "MASK"]] });
  const mask = () => known(origin(at(p), "mask"), "mask");
  g.link(load(g), 1, p, "mask");
  assert.deepEqual(mask(), FILE);
  g.link(g.add("LoadImageMask", { inputs: [], outputs: [["MASK", "MASK"]], widgets: { image: "a.png", channel: "red" } }), 0, p, "mask");
  assert.deepEqual(mask(), { ...FILE, loader: "LoadImageMask", channel: "red" });
  const demo = g.add("GoodDrag_DemoModel", { inputs: [], outputs: [["image", "IMAGE"], ["mask", "MASK"]], widgets: { kind: "arm", scene: 3 } });
  g.link(demo, 1, p, "mask");
  assert.deepEqual(mask(), { kind: "scene", of: "arm", scene: "3" });
  const toMask = g.add("ImageToMask", { outputs: [["MASK", "MASK"]] });
  g.link(demo, 0, toMask);
  g.link(toMask, 0, p, "mask");
  assert.equal(mask(), null, "made from the picture");
});

test("a mask's making is compared through a subgraph with the widgets that are shown outside", () => {
  const root = new Graph();
  const inner = new Graph();
  const grow = inner.add("GrowMask", { inputs: [["mask", "MASK"], ["expand", "INT"]], outputs: [["MASK", "MASK"]], widgets: { expand: 1 } });
  grow.inputs[1].widget = { name: "expand" };
  inner.link("-10", 0, grow, "mask");
  inner.link("-10", 1, grow, "expand");
  inner.out = [{ outputNode: grow, link: { origin_slot: 0 } }];
  const around = root.wrap(inner, { inputs: [["mask", "MASK"], ["expand", "INT"]], widgets: { expand: 8 } });
  around.inputs[1].widget = { name: "expand" };
  root.link(load(root), 1, around, "mask");
  const p = root.add("GoodDrag_Points", { inputs: [["mask", "MASK"]] });
  root.link(around, 0, p, "mask");
  const before = upstream(at(p), "mask");
  assert.equal(Object.values(before.nodes).find((n) => n.class_type === "GrowMask").inputs.expand, 8);
  assert.equal(difference(before, upstream(at(p), "mask")), null);
  around.widgets[0].value = 9;
  assert.equal(difference(before, upstream(at(p), "mask")), "GrowMask");
});

test("any other node makes another picture, even one that shows a file", () => {
  const g = new Graph();
  const p = points(g);
  for (const type of ["ImageScale", "ImageInvert", "LoadImageAndRotate"]) {
    const node = g.add(type, { widgets: { image: "a.png" } });
    g.link(load(g), 0, node);
    g.link(node, 0, p);
    assert.equal(found(p), null, type);
  }
});

test("reroutes and other virtual nodes pass on", () => {
  const g = new Graph();
  const p = points(g);
  const source = load(g);
  const reroutes = [0, 1, 2].map(() => g.add("Reroute", { inputs: [["", "*"]], outputs: [["", "*"]], isVirtualNode: true }));
  g.link(source, 0, reroutes[0], "");
  g.link(reroutes[0], 0, reroutes[1], "");
  g.link(reroutes[1], 0, reroutes[2], "");
  g.link(reroutes[2], 0, p);
  assert.deepEqual(found(p), FILE);
  const get = g.add("GetNode", { inputs: [], isVirtualNode: true });
  get.resolveVirtualOutput = () => ({ node: source, slot: 0 });
  g.link(get, 0, p);
  assert.deepEqual(found(p), FILE);
  g.link(reroutes[2], 0, reroutes[0], "");
  g.link(reroutes[0], 0, p);
  assert.equal(found(p), null, "a circle ends");
});

test("a bypassed node passes on what fits its output, a muted one nothing", () => {
  const g = new Graph();
  const p = points(g);
  const node = g.add("Two", { inputs: [["mask", "MASK"], ["image", "IMAGE"]], outputs: [["IMAGE", "IMAGE"]], mode: 4 });
  g.link(load(g), 0, node);
  g.link(node, 0, p);
  assert.deepEqual(found(p), FILE);
  node.mode = 2;
  assert.equal(origin(at(p), "image"), null);
  const other = g.add("Decode", { inputs: [["samples", "LATENT"]], mode: 4 });
  g.link(other, 0, p);
  assert.equal(origin(at(p), "image"), null, "nothing there fits a picture");
});

test("out of a subgraph and into one, and every copy has its own", () => {
  const root = new Graph();
  const inner = new Graph();
  const p = points(inner);
  inner.link("-10", 0, p);
  const [one, two] = [root.wrap(inner), root.wrap(inner)];
  root.link(load(root), 0, one);
  root.link(load(root, "b.png"), 0, two);
  const ways = waysInto(root, inner);
  assert.deepEqual(ways, [[one], [two]]);
  assert.deepEqual(found(p, ways[0]), FILE);
  assert.equal(found(p, ways[1]).name, "b.png");
  assert.deepEqual(ways.map((path) => executionId(at(p, path))), [`${one.id}:${p.id}`, `${two.id}:${p.id}`]);
  assert.deepEqual(placeOf(root, `${two.id}:${p.id}`), at(p, [two]));
  assert.equal(placeOf(root, `9:${p.id}`), null);

  const source = new Graph();
  source.out = [{ outputNode: load(source), link: { origin_slot: 0 } }];
  const outside = points(root);
  root.link(root.wrap(source), 0, outside);
  assert.deepEqual(found(outside), FILE);
});

test("the Load Image that a picture comes from is found out of a subgraph, through whatever lies between", () => {
  const root = new Graph();
  const inner = new Graph();
  const p = points(inner);
  const scale = inner.add("ImageScale");
  inner.link("-10", 0, scale);
  inner.link(scale, 0, p);
  const [one, two] = [root.wrap(inner), root.wrap(inner)];
  const source = load(root);
  const blend = root.add("Blend", { inputs: [["model", "MODEL"], ["image", "IMAGE"]] });
  root.link(source, 0, blend);
  root.link(blend, 0, one);
  assert.equal(loaderAbove(at(p, [one])).node, source);
  assert.equal(deciding(loaderAbove(at(p, [one])), "image"), source.widgets[0]);
  assert.equal(loaderAbove(at(p, [two])), null);
});

test("a widget that a subgraph shows has the value from its outside", () => {
  const root = new Graph();
  const inner = new Graph();
  const source = load(inner, "inside.png");
  source.inputs.push({ name: "image", type: "COMBO", link: null, widget: { name: "image" } });
  inner.link("-10", 0, source);
  const p = points(inner);
  inner.link(source, 0, p);
  const around = root.wrap(inner, { inputs: [["image", "COMBO"]], widgets: { image: "outside.png" } });
  around.inputs[0].widget = { name: "image" };
  assert.equal(found(p, [around]).name, "outside.png");
  assert.equal(valueOf(at(source, [around]), "image"), "outside.png");
  root.link(root.add("SomeText", { outputs: [["STRING", "STRING"]] }), 0, around);
  assert.equal(found(p, [around]), null, "made by a node");
});

test("what feeds an input is compared by what it is, not by numbers", () => {
  const g = new Graph();
  const p = points(g);
  const scale = g.add("ImageScale", { widgets: { width: 900, crop: "disabled" } });
  g.link(load(g), 0, scale);
  g.link(scale, 0, p);
  const sent = { link: ["20", 0], nodes: {
    20: { class_type: "ImageScale", inputs: { image: ["10", 0], width: 900.0, crop: "disabled", upload: "image" } },
    10: { class_type: "LoadImage", inputs: { image: "a.png" } } } };
  const now = () => upstream(at(p), "image");
  assert.equal(difference(sent, now()), null);
  scale.widgets[0].value = 901;
  assert.equal(difference(sent, now()), "ImageScale");
  scale.widgets[0].value = 900;
  g._nodes.at(-1).widgets[0].value = "b.png";
  assert.equal(difference(sent, now()), "LoadImage");
  g._nodes.at(-1).widgets[0].value = "a.png";
  scale.mode = 4;
  assert.equal(difference(sent, now()), "", "other nodes feed it");
  scale.mode = 0;
  scale.inputs[0].link = null;
  assert.equal(difference(sent, now()), "");
  p.inputs[0].link = null;
  assert.equal(difference(sent, now()), "");
});

test("a list is no link, however a prompt writes it", () => {
  const made = (value) => ({ link: ["1", 0], nodes: { 1: { class_type: "A", inputs: { curve: value }, title: "A" } } });
  assert.equal(difference(made({ __value__: ["x", 0] }), made(["x", 0])), null);
  assert.equal(difference(made({ __value__: ["x", 0] }), made(["x", 1])), "A");
});

test("nodes that feed each other in many ways are compared once", () => {
  const g = new Graph();
  let last = load(g);
  for (let i = 0; i < 40; i++) {
    const node = g.add("Blend", { inputs: [["image", "IMAGE"], ["other", "IMAGE"]], widgets: { factor: i } });
    g.link(last, 0, node);
    g.link(last, 0, node, "other");
    last = node;
  }
  const p = points(g);
  g.link(last, 0, p);
  const before = upstream(at(p), "image");
  assert.equal(Object.keys(before.nodes).length, 41);
  assert.equal(difference(before, upstream(at(p), "image")), null);
});
