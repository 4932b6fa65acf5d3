// @ts-check
/**
 * A picture dropped on the editor or pasted into it: it goes into ComfyUI's input folder, and Load Image upstream shows it, also one
 * outside of the subgraph that is shown. Without one a Load Image is made, for this node and for all others of this pack that had the
 * same picture; where the picture comes into a subgraph from outside, none can be made here, and that is said.
 * @typedef {import("./view.mjs").Editor} Editor
 * @typedef {import("./upstream.mjs").Place} Place
 * @typedef {(file: File) => Promise<string>} Take says what was done
 */

import { INPUTS, deciding, origin } from "./upstream.mjs";

/** @param {DataTransfer | null} data @returns {File | null} a picture if there is one, else any file */
export function fileIn(data) {
  const files = [...(data?.files ?? [])];
  return files.find(isPicture) ?? files[0] ?? null;
}

/** @param {File} file */
const isPicture = (file) => file.type.startsWith("image/");

/** @param {Editor} editor @param {Take} take */
export function acceptDrops(editor, take) {
  const { root } = editor;
  root.addEventListener("dragover", (event) => {
    if (![...(event.dataTransfer?.items ?? [])].some((item) => item.kind === "file")) return;
    event.preventDefault();
    event.stopPropagation();
  });
  root.addEventListener("drop", (event) => {
    const file = fileIn(event.dataTransfer);
    if (!file) return;
    event.preventDefault();
    event.stopPropagation(); // ComfyUI would open the workflow that the file may carry
    void takeIn(editor, take, file);
  });
}

/** @param {Editor} editor @param {Take} take @param {File} file */
export async function takeIn(editor, take, file) {
  if (!isPicture(file)) return editor.say(`${file.name} is no picture, so it was not taken. A workflow opens where it is dropped beside the nodes.`);
  editor.say(`Uploading ${file.name} ..`);
  try {
    editor.say(await take(file));
  } catch (error) {
    editor.say(`The picture was not taken: ${error instanceof Error ? error.message : error}`);
  }
}

/** @param {any} app @param {any} api @param {any} node of the editor @param {() => Place | null} place the copy of it that is shown @returns {Take} */
export function taker(app, api, node, place) {
  return async (file) => {
    const here = place();
    const found = here && loaderAbove(here);
    if (!found && here && comesFromOutside(node)) throw new Error("no Load Image makes what comes into this subgraph; connect one there");
    const widget = found && deciding(found, "image");
    if (found && !widget) throw new Error(`another node says which file ${found.node.title} loads`);
    const { name, path } = await upload(api, file);
    const former = found ? [] : ofFormer(node);
    const loader = found?.node ?? makeLoader(app, node);
    for (const index of former) node.disconnectInput(index);
    choose(widget ?? deciding({ node: loader, path: [] }, "image"), path);
    loader.graph?.change?.();
    node.graph?.change?.();
    if (found) return `${name} is in ${loader.title} now.`;
    return former.length
      ? `${name} is in a new Load Image. The former picture's suggestion and mask are not connected any more.`
      : `${name} is in a new Load Image, for all nodes here that had the picture before.`;
  };
}

/** Put a picture where Load Image finds it; refused if it cannot read it. @param {any} api @param {File} file */
async function upload(api, file) {
  const body = new FormData();
  body.append("image", file, file.name || "pasted.png");
  const answer = await api.fetchApi("/upload/image", { method: "POST", body });
  if (answer.status !== 200) throw new Error(`the server answered ${answer.status}`);
  const { name, subfolder } = await answer.json();
  const path = subfolder ? `${subfolder}/${name}` : name;
  const read = await fetch(api.apiURL(`/gooddrag/picture?${new URLSearchParams({ node: "LoadImage", image: path })}`));
  if (!read.ok) throw new Error(`Load Image cannot read ${name}: ${await read.text()}`);
  return { name, path };
}

/** @param {any} widget of a Load Image @param {string} path */
function choose(widget, path) {
  if (!widget) throw new Error("Load Image has no widget for a picture");
  const values = widget.options?.values;
  if (Array.isArray(values) && !values.includes(path)) values.push(path);
  widget.value = path;
  widget.callback?.(path);
}

/** The Load Image that the picture comes from, through whatever lies between. @param {Place} place @returns {import("./upstream.mjs").Origin | null} */
export function loaderAbove(place) {
  const waiting = [origin(place, "image")];
  const seen = new Set();
  while (waiting.length) {
    const above = waiting.shift();
    if (!above || seen.has(above.node)) continue;
    seen.add(above.node);
    if (above.node.type === "LoadImage") return above;
    for (const { name, type } of above.node.inputs ?? []) if (["IMAGE", "*"].includes(type)) waiting.push(origin(above, name));
  }
  return null;
}

/** What is connected to its picture is an input of the subgraph around it. @param {any} node */
function comesFromOutside(node) {
  return String(linkAt(node)?.origin_id) === INPUTS;
}

/** @param {any} app @param {any} node */
function makeLoader(app, node) {
  const { graph } = node;
  const loader = /** @type {any} */ (window).LiteGraph.createNode("LoadImage");
  if (!loader) throw new Error("this ComfyUI has no Load Image");
  const before = linkAt(node);
  graph.add(loader);
  loader.pos = free(graph, loader, [node.pos[0] - 360, node.pos[1]]);
  for (const other of graph._nodes) {
    if (!String(other.comfyClass).startsWith("GoodDrag_")) continue;
    const link = linkAt(other);
    const shared = before && link && link.origin_id === before.origin_id && link.origin_slot === before.origin_slot;
    const index = other.inputs?.findIndex((/** @type {any} */ input) => input.name === "image") ?? -1;
    if (index >= 0 && (other === node || shared)) loader.connect(0, other, index);
  }
  app.canvas?.setDirty?.(true, true);
  return loader;
}

/** The first place at or below `at` where a node covers no other. @param {any} graph @param {any} node @param {[number, number]} at @returns {[number, number]} */
function free(graph, node, [x, y]) {
  const gap = 40; // room for titles, too
  const others = graph._nodes.filter((/** @type {any} */ n) => n !== node && n.pos[0] < x + node.size[0] + gap && n.pos[0] + n.size[0] + gap > x);
  others.sort((/** @type {any} */ a, /** @type {any} */ b) => a.pos[1] - b.pos[1]);
  for (const n of others) if (n.pos[1] < y + node.size[1] + gap && n.pos[1] + n.size[1] + gap > y) y = n.pos[1] + n.size[1] + gap;
  return [x, y];
}

/** Inputs that the node takes from where its picture comes from, and that belong to that picture. @param {any} node @returns {number[]} */
function ofFormer(node) {
  const picture = linkAt(node);
  return ["suggestion", "mask"].flatMap((name) => {
    const link = linkAt(node, name);
    return picture && link && link.origin_id === picture.origin_id ? [node.inputs.findIndex((/** @type {any} */ input) => input.name === name)] : [];
  });
}

/** What is connected to an input of a node. @param {any} node @param {string} [name] */
function linkAt(node, name = "image") {
  const id = node.inputs?.find((/** @type {any} */ input) => input.name === name)?.link;
  return id === null || id === undefined ? null : node.graph.getLink?.(id) ?? null;
}
