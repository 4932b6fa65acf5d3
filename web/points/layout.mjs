// @ts-check
/**
 * The editor's elements: toolbars, stage, table and status line.
 * @typedef {import("./session.mjs").Session} Session
 * @typedef {import("./session.mjs").Tool} Tool
 * @typedef {import("./value.mjs").Shape} Shape
 * @typedef {{choose: (tool: Tool) => void, zoom: (factor: number) => void, fit: () => void, actualSize: () => void,
 *   chooseRegion: (region: import("./value.mjs").Region) => void, chooseShow: (show: import("./session.mjs").Show) => void,
 *   clearMask: () => void, toggleTable: () => void, toggleLive: () => void, suggest: () => void,
 *   combine: (mode: import("./value.mjs").Mode) => void, travel: (type: "undo" | "redo") => void, paintStep: (shape: Shape) => void,
 *   setBrush: (change: {size?: number, hardness?: number}) => void, stage: HTMLElement} & import("./table.mjs").Commands} Commands
 */

import { button, el, slider } from "./dom.mjs";
import { keyList } from "./keylist.mjs";
import { segments } from "./segments.mjs";
import { StageNotice } from "./stage-notice.mjs";
import { PairTable } from "./table.mjs";

/** @type {[Tool, string, string][]} */
export const TOOLS = [
  ["arrow", "a", "Arrows: press on the handle, release on the target"],
  ["pin", "p", "Pins: click on what must stay"],
  ["brush", "b", "Brush: paint what may change"],
  ["eraser", "e", "Eraser: take away from what may change"],
  ["lasso", "l", "Lasso: outline what may change, with Alt what may not"],
  ["rectangle", "r", "Rectangle of what may change, with Alt of what may not"],
  ["hand", "h", "Hand: move the view"],
];

/**
 * @param {Session} session @param {Commands} commands @param {{enlarge?: () => void, close?: () => void}} options
 */
export function layout(session, commands, options) {
  const tools = new Map(
    TOOLS.map(([tool, k, words]) => [tool, button(`${words} (${k})`, tool, () => commands.choose(tool), { "aria-pressed": "false" })]),
  );
  const undo = button("Undo (Ctrl+Z)", "undo", () => commands.travel("undo"));
  const redo = button("Redo (Ctrl+Shift+Z)", "redo", () => commands.travel("redo"));
  const pairs = button("Show the pairs as a table", null, () => commands.toggleTable(), { text: "0 pairs", "aria-expanded": "false" });
  const view = [
    button("Zoom out (-)", "minus", () => commands.zoom(1 / 1.5)),
    button("Zoom in (+)", "plus", () => commands.zoom(1.5)),
    button("Fit the picture (f)", "fit", () => commands.fit()),
    button("Actual size (1)", null, () => commands.actualSize(), { text: "1:1" }),
    pairs,
    button("List of keys (?)", null, () => keys.toggle(), { text: "?", "aria-label": "List of keys" }),
    options.enlarge ? button("Open in a large window (Enter)", "dialog", options.enlarge) : null,
    options.close ? button("Close (Escape)", "close", options.close) : null,
  ];
  // in a narrow node each of them is a row
  const groups = [[...tools.values()], [undo, redo], view].map((group) => el("div", { class: "gd-group" }, group));
  const bar = el("div", { class: "gd-bar", role: "toolbar", "aria-label": "Tools" }, groups);
  const { maskBar, mode, updateBrush } = maskTools(session, commands);
  const region = segments("May change", [
    ["auto", "Auto", "The region around the arrows, or the connected mask"],
    ["own", "Own", "What you paint"],
    ["whole", "Whole", "The whole picture, or the connected mask"],
  ], (value) => commands.chooseRegion(value));
  const show = segments("Show", [
    ["original", "Original", "The picture before the drag (o, or hold c)"],
    ["result", "Result", "What the last run made of it (o)"],
    ["compare", "Compare", "Original and result side by side; the line follows the pointer"],
  ], (value) => commands.chooseShow(value));
  const live = button("Live: a coarse edit follows an arrow while it is moved, the full edit comes when it is let go", null, () => commands.toggleLive(), { text: "Live", "aria-pressed": "false" });
  const choices = el("div", { class: "gd-bar" }, [region.root, el("span", { class: "gd-gap" }), live, show.root]);
  const table = new PairTable(session, commands);
  const notice = new StageNotice(session, () => commands.stage.focus({ preventScroll: true }));
  const { stage, base, top, ends, hint } = stageParts(notice.root);
  const keys = keyList(stage);
  const status = el("div", { class: "gd-status", role: "status", "aria-live": "polite" });
  const { error, errorText, errorRaw } = errorParts(session);
  const root = el("div", { class: "gd-editor", role: "group", "aria-label": "GoodDrag points", tabindex: -1 }, [bar, choices, maskBar, error, stage, table.root, status, keys.root]);
  return { root, tools, undo, redo, pairs, region, live, show, keys, maskBar, mode, updateBrush, table, stage, base, top, ends, hint, notice, status, error, errorText, errorRaw };
}

/** @param {Session} session @param {Commands} commands */
function maskTools(session, commands) {
  const choices = [["union", "mask: add"], ["intersect", "mask: overlap"], ["replace", "mask: replace"]];
  const mode = el("select", { "aria-label": "How a connected mask is combined with this one", title: "A connected mask and the one drawn here" },
    choices.map(([value, text]) => el("option", { value, text })));
  mode.addEventListener("change", () => commands.combine(/** @type {any} */ (mode.value)));
  /** @param {string} text @param {Shape} shape @param {string} words */
  const step = (text, shape, words) => button(words, null, () => commands.paintStep(shape), { text });
  const size = slider("Size", 2, 300, session.brush.size, (v) => commands.setBrush({ size: v }));
  const hardness = slider("Hardness", 0, 1, session.brush.hardness, (v) => commands.setBrush({ hardness: v }), 0.05);
  const shade = slider("Shade", 0, 1, session.opacity, (v) => { session.opacity = v; session.refresh(); }, 0.05);
  const maskBar = el("div", { class: "gd-bar", role: "toolbar", "aria-label": "Mask" }, [
    size.root,
    hardness.root,
    shade.root,
    step("Fill", { kind: "fill" }, "Everything may change"),
    step("Invert", { kind: "invert" }, "Swap what may change and what may not"),
    step("Grow", { kind: "grow", size: 8 }, "Grow the region by 8 pixels"),
    step("Shrink", { kind: "grow", size: -8 }, "Shrink the region by 8 pixels"),
    step("Empty", { kind: "clear" }, "Nothing may change: begin with nothing, then paint what may"),
    button("Forget what was painted: the region follows the arrows again", null, () => commands.clearMask(), { text: "Clear" }),
    button("Draw a region around the arrows", null, () => commands.suggest(), { text: "Suggest" }),
    mode,
  ]);
  /** Another window, or a key, may have changed them. */
  const updateBrush = () => {
    [size.input.value, hardness.input.value, shade.input.value] = [session.brush.size, session.brush.hardness, session.opacity].map(String);
  };
  return { maskBar, mode, updateBrush };
}

/** @param {HTMLElement} notice */
function stageParts(notice) {
  const [base, top] = [0, 1].map(() => el("canvas", { "aria-hidden": "true" }));
  const ends = el("div", { class: "gd-ends", role: "group", "aria-label": "Handles and targets" });
  const hint = el("div", { class: "gd-hint" });
  const words = "Picture. Press on a handle and release on its target; or move a cross with the arrow keys and set handle and target with Enter.";
  const stage = el("div", { class: "gd-stage", tabindex: 0, role: "group", "aria-label": words }, [base, top, ends, hint, notice]);
  return { stage, base, top, ends, hint };
}

/** A page that came without https has no clipboard of its own. @param {string} text @param {HTMLTextAreaElement} field */
async function copy(text, field) {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  field.value = text;
  field.select();
  document.execCommand("copy");
}

/** @param {Session} session */
function errorParts(session) {
  const errorText = el("div");
  const errorRaw = el("textarea", { readonly: true, "aria-label": "The value that could not be read" });
  const error = el("div", { class: "gd-error", role: "alert" }, [
    errorText,
    errorRaw,
    el("div", { class: "gd-bar" }, [
      button("Copy the text", null, () => void copy(session.broken?.text ?? "", errorRaw)),
      button("Start afresh", null, () => session.startAfresh()),
    ]),
  ]);
  return { error, errorText, errorRaw };
}
