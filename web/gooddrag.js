// @ts-check
/** Registers the editor of GoodDrag Points as the widget type GOODDRAG_EDITOR (GOODDRAG_POINTS is the type of the socket). */
import { api } from "/scripts/api.js";
import { app } from "/scripts/app.js";

import { colourSockets, paintSockets } from "./colours.mjs";
import { attachComparison } from "./compare.mjs";
import { clearNotices, listenToNodes, showAgain } from "./notices.mjs";
import { openDialog } from "./points/dialog.mjs";
import { tellFailures } from "./points/failures.mjs";
import { attach, sessions, listen, placeShown } from "./points/host.mjs";
import { taker } from "./points/intake.mjs";
import { Live } from "./points/live.mjs";
import { Runs } from "./points/runs.mjs";
import { Session } from "./points/session.mjs";
import { fetchWords } from "./points/texts.mjs";
import { Editor } from "./points/view.mjs";
import { onceAdded, register, showPresent, unregister } from "./present.mjs";
import { attachPresets } from "./presets.mjs";

const MIN_HEIGHT = 480;
const MIN_WIDTH = 420;
/** After the last change of a value ComfyUI is asked to take it into its undo and its draft. */
const REMEMBERED_MS = 600;
/** What the sockets above the editor take. */
const SLOTS = 110;
/** What the presets of a node decide, by the node's type. @type {Map<string, import("./presets.mjs").Presets>} */
const presets = new Map();

/** @param {any} node @param {string} name */
function pointsWidget(node, name) {
  const session = new Session(() => {
    clearNotices(node); // said of other arrows
    widget.callback?.(session.getValue());
    app.canvas?.graph?.change?.();
    remember();
  });
  /** ComfyUI looks for changes at its own events, of which it does not see all that happen in the large window. */
  const remember = () => {
    clearTimeout(due);
    due = setTimeout(() => {
      if (session.held) return remember();
      const tracker = app.extensionManager?.workflow?.activeWorkflow?.changeTracker;
      if (tracker?.captureCanvasState) tracker.captureCanvasState();
      else tracker?.checkState?.();
    }, REMEMBERED_MS);
  };
  /** @type {ReturnType<typeof setTimeout> | undefined} */ let due;
  const classic = () => !document.querySelector("[data-node-id]");
  let closeDialog = () => {};
  const take = taker(app, api, node, () => placeShown(node));
  const editor = new Editor(session, {
    enlarge: () => { closeDialog = openDialog(session, editor.stage, { take }); },
    take,
    // the classic canvas does not see what happens on an element above it
    wheel: (event) => { if (classic()) app.canvas.processMouseWheel(event); },
    middle: (event) => { if (classic()) app.canvas.processMouseDown(event); },
  });
  editor.root.style.minHeight = `${MIN_HEIGHT}px`;
  editor.root.style.minWidth = `${MIN_WIDTH - 24}px`;
  const widget = node.addDOMWidget(name, "GOODDRAG_EDITOR", editor.root, {
    getValue: () => session.getValue(),
    setValue: (/** @type {unknown} */ value) => session.setValue(value),
    getMinHeight: () => MIN_HEIGHT,
    hideOnZoom: false,
  });
  let detach = () => {};
  onceAdded(node, () => {
    const ends = attach(app, api, node, session);
    const live = new Live(app, api, session, () => placeShown(node));
    register(node, editor.root);
    detach = () => { ends(); live.destroy(); };
  });
  const removed = widget.onRemove;
  widget.onRemove = () => {
    clearTimeout(due);
    unregister(node);
    removed?.call(widget);
    detach();
    closeDialog();
    editor.destroy();
  };
  keepLarge(node);
  node.setSize?.([Math.max(node.size[0], 520), Math.max(node.size[1], 720)]);
  return { widget, minWidth: MIN_WIDTH - 20, minHeight: MIN_HEIGHT };
}

/** The editor cannot be used in less. @param {any} node */
function keepLarge(node) {
  const resized = node.onResize;
  node.onResize = function (/** @type {number[]} */ size) {
    if (!this.flags?.collapsed) [size[0], size[1]] = [Math.max(size[0], MIN_WIDTH), Math.max(size[1], MIN_HEIGHT + SLOTS)];
    return resized?.call(this, size);
  };
}

app.registerExtension({
  name: "GoodDrag",
  init: () => fetchWords(app, api),
  setup() {
    const runs = new Runs(app, api);
    listen(app, api, runs);
    listenToNodes(app, api, runs);
    tellFailures(app, api, runs, sessions);
    colourSockets(app);
  },
  beforeRegisterNodeDef(/** @type {any} */ _type, /** @type {any} */ definition) {
    const decided = definition.input?.required?.preset?.[1]?.gooddrag_presets;
    if (decided) presets.set(definition.name, decided);
  },
  nodeCreated(/** @type {any} */ node) {
    const decided = presets.get(node.comfyClass);
    if (decided) attachPresets(node, decided);
    if (String(node.comfyClass).startsWith("GoodDrag_")) {
      attachComparison(app, api, node);
      paintSockets(app);
    }
  },
  afterConfigureGraph() {
    setTimeout(() => showPresent(app), 100);
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
