// @ts-check
/** Registers the editor of GoodDrag Points as the widget type GOODDRAG_EDITOR (GOODDRAG_POINTS is the type of the socket). */
import { api } from "/scripts/api.js";
import { app } from "/scripts/app.js";

import { attachNotices, showAgain } from "./notices.mjs";
import { attach, listen, openDialog } from "./points/host.mjs";
import { Session } from "./points/session.mjs";
import { Editor } from "./points/view.mjs";
import { attachPresets } from "./presets.mjs";

const MIN_HEIGHT = 460;
/** The editor's element of every node. @type {Map<any, HTMLElement>} */
const roots = new Map();
/** Where Vue showed the editor of a node that is gone, by the node's id. @type {Map<string, HTMLElement>} */
const places = new Map();
/** What the presets of a node decide, by the node's type. @type {Map<string, import("./presets.mjs").Presets>} */
const presets = new Map();

/** @param {any} node @param {string} name */
function pointsWidget(node, name) {
  const session = new Session(() => {
    widget.callback?.(session.getValue());
    app.canvas?.graph?.change?.();
  });
  const classic = () => !document.querySelector("[data-node-id]");
  const editor = new Editor(session, {
    enlarge: () => openDialog(session, editor.stage),
    // the classic canvas does not see what happens on an element above it
    wheel: (event) => { if (classic()) app.canvas.processMouseWheel(event); },
    middle: (event) => { if (classic()) app.canvas.processMouseDown(event); },
  });
  editor.root.style.minHeight = `${MIN_HEIGHT}px`;
  const widget = node.addDOMWidget(name, "GOODDRAG_EDITOR", editor.root, {
    getValue: () => session.getValue(),
    setValue: (/** @type {unknown} */ value) => session.setValue(value),
    getMinHeight: () => MIN_HEIGHT,
    hideOnZoom: false,
  });
  const detach = attach(app, api, node, session);
  const removed = widget.onRemove;
  roots.set(node, editor.root);
  widget.onRemove = () => {
    if (editor.root.parentElement) places.set(String(node.id), editor.root.parentElement);
    removed?.call(widget);
    roots.delete(node);
    detach();
    editor.destroy();
  };
  node.setSize?.([Math.max(node.size[0], 440), Math.max(node.size[1], 640)]);
  return { widget, minWidth: 360, minHeight: MIN_HEIGHT };
}

/** ComfyUI's undo makes all nodes anew under the same ids; Vue keeps its components, and shows the old element or none. */
function showPresentEditors() {
  for (const [node, root] of roots) {
    if (node.graph !== app.canvas?.graph) continue;
    const shown = document.querySelector(`[data-node-id="${CSS.escape(String(node.id))}"]`);
    const place = shown?.querySelector(".gd-editor")?.parentElement ?? places.get(String(node.id));
    if (place && shown?.contains(place) && !place.contains(root)) place.replaceChildren(root);
  }
  places.clear();
}

app.registerExtension({
  name: "GoodDrag",
  setup() {
    listen(app, api);
  },
  beforeRegisterNodeDef(/** @type {any} */ _type, /** @type {any} */ definition) {
    const decided = definition.input?.required?.preset?.[1]?.gooddrag_presets;
    if (decided) presets.set(definition.name, decided);
  },
  nodeCreated(/** @type {any} */ node) {
    const decided = presets.get(node.comfyClass);
    if (decided) attachPresets(node, decided);
    if (String(node.comfyClass).startsWith("GoodDrag_")) attachNotices(node);
  },
  afterConfigureGraph() {
    setTimeout(showPresentEditors, 100);
    showAgain(app.rootGraph ?? app.graph, app.nodeOutputs);
  },
  onNodeOutputsUpdated(/** @type {any} */ outputs) {
    showAgain(app.rootGraph ?? app.graph, outputs);
  },
  getCustomWidgets() {
    return {
      GOODDRAG_EDITOR: (/** @type {any} */ node, /** @type {string} */ name) => pointsWidget(node, name),
    };
  },
});
