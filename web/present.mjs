// @ts-check
/**
 * ComfyUI's undo makes all nodes anew under the same ids; Vue keeps its components, and shows the old element of a widget or none.
 * What is registered here is put where the old one was.
 */

/** The element of every node that has one. @type {Map<any, HTMLElement>} */
const roots = new Map();
/** Where Vue showed the element of a node that is gone, by the node's id. @type {Map<string, HTMLElement>} */
const places = new Map();

/** Begin what has to be ended with a node. ComfyUI also makes nodes that it never adds, to copy them, and never removes. @param {any} node @param {() => void} begin */
export function onceAdded(node, begin) {
  const added = node.onAdded;
  let begun = false;
  node.onAdded = function (/** @type {any[]} */ ...given) {
    if (!begun) begin();
    begun = true;
    return added?.apply(this, given);
  };
}

/** `root` is the element of a widget of `node`, of a class that no other widget has. @param {any} node @param {HTMLElement} root */
export function register(node, root) {
  roots.set(node, root);
}

/** The node goes. @param {any} node */
export function unregister(node) {
  const place = roots.get(node)?.parentElement;
  if (place) places.set(String(node.id), place);
  roots.delete(node);
}

/** @param {any} app */
export function showPresent(app) {
  for (const [node, root] of roots) {
    if (node.graph !== app.canvas?.graph) continue;
    const shown = document.querySelector(`[data-node-id="${CSS.escape(String(node.id))}"]`);
    const place = shown?.querySelector(`.${root.classList[0]}`)?.parentElement ?? places.get(String(node.id));
    if (place && shown?.contains(place) && !place.contains(root)) place.replaceChildren(root);
  }
  places.clear();
}
