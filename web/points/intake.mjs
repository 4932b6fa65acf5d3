// @ts-check
/**
 * A picture dropped on the editor or pasted into it: it goes into ComfyUI's input folder, and Load Image upstream shows it. Without
 * one a Load Image is made, for this node and for all others of this pack that had the same picture.
 * @typedef {import("./view.mjs").Editor} Editor
 * @typedef {(file: File) => Promise<string>} Take says what was done
 */

/** @param {DataTransfer | null} data @returns {File | null} */
export function pictureIn(data) {
  return [...(data?.files ?? [])].find((file) => file.type.startsWith("image/")) ?? null;
}

/** @param {Editor} editor @param {Take} take */
export function acceptDrops(editor, take) {
  const { root } = editor;
  root.addEventListener("dragover", (event) => {
    if (![...(event.dataTransfer?.items ?? [])].some((item) => item.kind === "file")) return;
    event.preventDefault();
    event.stopPropagation();
  });
  root.addEventListener("drop", (event) => {
    const file = pictureIn(event.dataTransfer);
    if (!file) return;
    event.preventDefault();
    event.stopPropagation(); // ComfyUI would open the workflow that the picture may carry
    void takeIn(editor, take, file);
  });
}

/** @param {Editor} editor @param {Take} take @param {File} file */
export async function takeIn(editor, take, file) {
  editor.say(`Uploading ${file.name} ..`);
  try {
    editor.say(await take(file));
  } catch (error) {
    editor.say(`The picture was not taken: ${error instanceof Error ? error.message : error}`);
  }
}

/** @param {any} app @param {any} api @param {any} node of the editor @returns {Take} */
export function taker(app, api, node) {
  return async (file) => {
    const body = new FormData();
    body.append("image", file, file.name || "pasted.png");
    const answer = await api.fetchApi("/upload/image", { method: "POST", body });
    if (answer.status !== 200) throw new Error(`the server answered ${answer.status}`);
    const { name, subfolder } = await answer.json();
    const path = subfolder ? `${subfolder}/${name}` : name;
    const found = loaderAbove(node);
    const loader = found ?? makeLoader(app, node);
    const widget = loader.widgets?.find((/** @type {any} */ w) => w.name === "image");
    if (!widget) throw new Error("Load Image has no widget for a picture");
    const values = widget.options?.values;
    if (Array.isArray(values) && !values.includes(path)) values.push(path);
    widget.value = path;
    widget.callback?.(path);
    node.graph?.change?.();
    return found ? `${name} is in ${loader.title} now.` : `${name} is in a new Load Image, for all nodes here that had the picture before.`;
  };
}

/** The Load Image that the picture comes from, through whatever lies between. @param {any} node */
function loaderAbove(node) {
  const waiting = [nodeAt(node, "image")];
  const seen = new Set();
  while (waiting.length) {
    const above = waiting.shift();
    if (!above || seen.has(above)) continue;
    seen.add(above);
    if (above.type === "LoadImage") return above;
    above.inputs?.forEach((/** @type {any} */ input, /** @type {number} */ i) => {
      if (["IMAGE", "*"].includes(input.type)) waiting.push(above.getInputNode?.(i));
    });
  }
  return null;
}

/** @param {any} node @param {string} name */
function nodeAt(node, name) {
  const index = node.inputs?.findIndex((/** @type {any} */ input) => input.name === name) ?? -1;
  return index < 0 ? null : node.getInputNode?.(index);
}

/** @param {any} app @param {any} node */
function makeLoader(app, node) {
  const { graph } = node;
  const loader = /** @type {any} */ (window).LiteGraph.createNode("LoadImage");
  if (!loader) throw new Error("this ComfyUI has no Load Image");
  loader.pos = [node.pos[0] - 360, node.pos[1]];
  const before = linkAt(graph, node);
  graph.add(loader);
  for (const other of graph._nodes) {
    if (!String(other.comfyClass).startsWith("GoodDrag_")) continue;
    const link = linkAt(graph, other);
    const shared = before && link && link.origin_id === before.origin_id && link.origin_slot === before.origin_slot;
    const index = other.inputs?.findIndex((/** @type {any} */ input) => input.name === "image") ?? -1;
    if (index >= 0 && (other === node || shared)) loader.connect(0, other, index);
  }
  app.canvas?.setDirty?.(true, true);
  return loader;
}

/** What is connected to a node's `image`. @param {any} graph @param {any} node */
function linkAt(graph, node) {
  const id = node.inputs?.find((/** @type {any} */ input) => input.name === "image")?.link;
  return id === null || id === undefined ? null : graph.links?.get?.(id) ?? graph.links?.[id] ?? null;
}
