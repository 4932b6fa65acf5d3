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
    getMinHeight: height,
    hideOnZoom: false,
  });
  widget.serialize = false;
  return widget;
}

/** @param {any} output of a node */
const said = (output) => (output?.text ?? []).filter(Boolean).map(String);

/** What was said no longer holds: what it was said of has changed. @param {any} node */
export function clearNotices(node) {
  show(node, []);
}

/** What a node said goes when it runs again. @param {any} app @param {any} api */
export function forgetOldNotices(app, api) {
  api.addEventListener("executing", (/** @type {any} */ { detail }) => {
    const node = placeOf(app.rootGraph ?? app.graph, detail)?.node;
    if (String(node?.comfyClass).startsWith("GoodDrag_")) clearNotices(node);
  });
}

/** Show what this node says whenever it has run. @param {any} node */
export function attachNotices(node) {
  const executed = node.onExecuted;
  node.onExecuted = function (/** @type {any} */ output, /** @type {unknown[]} */ ...rest) {
    show(node, said(output));
    return executed?.call(this, output, ...rest);
  };
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
    show(node, said(output));
    compareAgain(node, output);
  }
}
