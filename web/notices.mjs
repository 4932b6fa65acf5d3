// @ts-check
/** What a node said at its last run (`text` of its output), readable in the node. */

import { compareAgain } from "./compare.mjs";
import { plain } from "./points/dom.mjs";
import { placeOf } from "./points/upstream.mjs";

const NAME = "gooddrag_notices";
const LINE = 17;

/** @param {any} node @param {string[]} sentences */
function show(node, sentences) {
  const present = node.widgets?.find((/** @type {any} */ w) => w.name === NAME);
  if (!sentences.length) {
    if (!present) return;
    node.removeWidget?.(present);
    node.graph?.setDirtyCanvas?.(true, true);
    return;
  }
  const widget = present ?? make(node);
  widget.element.replaceChildren(
    ...sentences.map((sentence) => {
      const line = document.createElement("p");
      line.textContent = plain(sentence);
      line.style.margin = "0 0 4px";
      return line;
    }),
  );
  const [width, height] = node.size;
  node.setSize?.([width, Math.max(height, node.computeSize?.()[1] ?? 0)]);
  node.graph?.setDirtyCanvas?.(true, true);
}

/** @param {any} node */
function make(node) {
  const root = document.createElement("div");
  root.className = "gd-notices";
  root.setAttribute("role", "status");
  root.style.cssText =
    "font: 12px/17px sans-serif; color: var(--descrip-text, #a8a8a8); overflow: auto; padding: 4px 2px; user-select: text; box-sizing: border-box;";
  // the classic canvas asks before it lays out: what the text needs at the node's width
  const height = () => {
    const perLine = Math.max(20, (node.size[0] - 24) / 6.2);
    const lines = [...root.children].reduce((sum, p) => sum + Math.ceil((p.textContent?.length ?? 0) / perLine), 0);
    return lines * LINE + root.childElementCount * 4 + 28;
  };
  const widget = node.addDOMWidget(NAME, NAME, root, {
    serialize: false,
    getValue: () => "",
    setValue: () => {},
    hideOnZoom: false,
  });
  widget.serialize = false;
  // as high as its text and no higher: what has a layout of its own shares what the node has left, in Vue half of it
  widget.computeSize = (/** @type {number} */ width) => [width, height()];
  widget.computeLayoutSize = undefined;
  return widget;
}

/** What runs of workflows that are not open said last of the nodes with these ids: ComfyUI keeps it under the same ids. @type {Map<string, {workflow?: string, text: string}>} */
const foreign = new Map();

/** @param {any} output of a node */
const said = (output) => (output?.text ?? []).filter(Boolean).map(String);

/** What was said no longer holds: what it was said of has changed. @param {any} node */
export function clearNotices(node) {
  show(node, []);
}

/**
 * Show what our nodes say whenever they have run, and forget it when they run again. Not by their `onExecuted`: nodes are numbered alike
 * in every workflow, and a run of another one calls it too.
 * @param {any} app @param {any} api @param {import("./points/runs.mjs").Runs} runs
 */
export function listenToNodes(app, api, runs) {
  /** @param {unknown} prompt @param {unknown} id @param {(node: any) => void} then */
  const tell = async (prompt, id, then) => {
    if (!(await runs.ours(prompt))) return;
    const node = placeOf(app.rootGraph ?? app.graph, id)?.node;
    if (String(node?.comfyClass).startsWith("GoodDrag_")) then(node);
  };
  api.addEventListener("executing", (/** @type {any} */ { detail }) => void tell(runs.current, detail, clearNotices));
  api.addEventListener("executed", async (/** @type {any} */ { detail }) => {
    const id = String(detail.display_node ?? detail.node);
    foreign.delete(id);
    await tell(detail.prompt_id, id, (node) => {
      show(node, said(detail.output));
      compareAgain(node, detail.output);
    });
    const owner = await runs.elsewhere(detail.prompt_id, detail.node);
    if (owner) foreign.set(id, { workflow: owner.workflow, text: String(said(detail.output)) });
  });
}

/**
 * Show again what was said and compared, in nodes that were made anew (undo, another tab).
 * @param {any} graph the root @param {Record<string, any>} outputs by id, in a subgraph by its id and the node's
 */
export function showAgain(graph, outputs) {
  for (const [id, output] of Object.entries(outputs ?? {})) {
    const [last, subgraph] = id.split(":").reverse();
    const within = subgraph ? graph?.subgraphs?.get?.(subgraph) : graph;
    const node = within?.getNodeById?.(last) ?? within?.getNodeById?.(Number(last));
    if (!String(node?.comfyClass).startsWith("GoodDrag_")) continue;
    const other = foreign.get(id);
    if (other && other.workflow !== graph?.id && other.text === String(said(output))) continue;
    show(node, said(output));
    compareAgain(node, output);
  }
}
