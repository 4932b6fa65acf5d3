// @ts-check
/** Elements, icons and the style sheet. Nothing here is made from strings of HTML. What is read is put in the person's language. */

import { t } from "./texts.mjs";

const SVG = "http://www.w3.org/2000/svg";

/** Outlines on a 24 x 24 grid. */
const ICONS = {
  arrow: "M5 19 L18 6 M11 5 H19 V13",
  pin: "M12 21 L7.5 11 A5.5 5.5 0 1 1 16.5 11 Z",
  brush: "M4 20 C8 20 9 17 9 15 M9 15 L19 5 M7 13 L11 17 M19 5 L20 6",
  eraser: "M4 15 L13 6 L19 12 L12 19 H8 Z M9 10 L15 16",
  lasso: "M12 4 C5 4 3 8 4 11 C5 15 12 16 16 14 C21 12 21 4 12 4 M8 15 C8 18 6 19 5 21",
  rectangle: "M4 6 H20 V18 H4 Z",
  hand: "M7 11 V6 M7 11 L5 10 C4 13 8 20 12 20 C17 20 18 16 18 12 V8 M10.5 11 V4 M14 11 V5 M18 12 V8",
  undo: "M8 5 L4 9 L8 13 M4 9 H14 C18 9 20 12 20 15 C20 18 18 19 15 19",
  redo: "M16 5 L20 9 L16 13 M20 9 H10 C6 9 4 12 4 15 C4 18 6 19 9 19",
  plus: "M12 5 V19 M5 12 H19",
  minus: "M5 12 H19",
  fit: "M4 9 V4 H9 M15 4 H20 V9 M20 15 V20 H15 M9 20 H4 V15",
  dialog: "M4 5 H20 V19 H4 Z M4 9 H20",
  close: "M6 6 L18 18 M18 6 L6 18",
  up: "M12 19 V5 M6 11 L12 5 L18 11",
  down: "M12 5 V19 M6 13 L12 19 L18 13",
  trash: "M5 7 H19 M9 7 V4 H15 V7 M7 7 L8 20 H16 L17 7",
  eye: "M3 12 C7 6 17 6 21 12 C17 18 7 18 3 12 M12 10 A2 2 0 1 0 12 14 A2 2 0 1 0 12 10",
};
/** @typedef {keyof typeof ICONS} Icon */

/** Attributes that are read. */
const READ = ["title", "aria-label"];

/**
 * An element with properties, attributes and children.
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} tag @param {Record<string, unknown>} [options] class, text, on (listeners), style, and attributes
 * @param {(Node | null)[]} [children]
 * @returns {HTMLElementTagNameMap[K]}
 */
export function el(tag, options = {}, children = []) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(options)) {
    if (value === null || value === undefined || value === false) continue;
    if (name === "class") node.className = String(value);
    else if (name === "text") node.textContent = t(String(value));
    else if (name === "on") for (const [event, f] of Object.entries(/** @type {Record<string, EventListener>} */ (value))) node.addEventListener(event, f);
    else if (name === "value") /** @type {any} */ (node).value = value;
    else node.setAttribute(name, value === true ? "" : READ.includes(name) ? t(String(value)) : String(value));
  }
  for (const child of children) if (child) node.append(child);
  return node;
}

/** @param {Icon} name */
export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", ICONS[name]);
  svg.append(path);
  return svg;
}

/** A sentence as it is shown: in the person's language, without the marks around an input's name. @param {string} sentence */
export const plain = (sentence) => t(sentence).replaceAll("`", "");

/**
 * A button with an icon, or with words.
 * @param {string} label what it does, with its key in brackets
 * @param {Icon | null} name @param {() => void} action @param {Record<string, unknown>} [options]
 */
export function button(label, name, action, options = {}) {
  const face = name ? icon(name) : document.createTextNode(t(String(options.text ?? label)));
  const { text: _text, ...rest } = options;
  const bare = label.replace(/ \(.*\)$/, "");
  return el("button", { type: "button", title: label, "aria-label": name ? bare : null, on: { click: () => action() }, ...rest }, [face]);
}

/** A labelled slider. @param {string} label @param {number} min @param {number} max @param {number} value @param {(v: number) => void} change @param {number} [step] */
export function slider(label, min, max, value, change, step = 1) {
  const input = el("input", { type: "range", min, max, step, value, "aria-label": label });
  input.addEventListener("input", () => change(Number(input.value)));
  return { root: el("label", { class: "gd-slider", title: label }, [el("span", { text: label }), input]), input };
}

const CSS = `
.gd-editor { --gd-bg: var(--comfy-input-bg, #222); --gd-panel: var(--comfy-menu-bg, #353535); --gd-fg: var(--input-text, #ddd);
  --gd-line: var(--border-color, #4e4e4e); --gd-accent: #4aa3ff; box-sizing: border-box; display: flex; flex-direction: column; gap: 4px;
  position: relative; width: 100%; height: 100%; min-height: 340px; color: var(--gd-fg); font: 12px/1.4 system-ui, sans-serif; touch-action: none; }
.gd-editor:focus { outline: none; }
.gd-editor *, .gd-dialog * { box-sizing: border-box; }
.gd-bar { display: flex; flex-wrap: wrap; gap: 2px; align-items: center; }
.gd-bar[hidden] { display: none; }
.gd-bar:has(> .gd-group) { gap: 2px 12px; }
.gd-group { display: flex; gap: 2px; }
.gd-gap { flex: 1; }
.gd-editor button, .gd-dialog button { font: inherit; color: var(--gd-fg); background: var(--gd-panel); border: 1px solid var(--gd-line);
  border-radius: 5px; min-width: 36px; height: 36px; padding: 0 7px; cursor: pointer; display: inline-flex; align-items: center; justify-content: center; }
.gd-editor button svg { width: 19px; height: 19px; fill: none; stroke: currentColor; stroke-width: 2; stroke-linecap: round; stroke-linejoin: round; }
.gd-editor button:hover:not(:disabled) { border-color: var(--gd-fg); }
.gd-editor button:disabled { opacity: .45; cursor: default; }
.gd-editor button[aria-pressed="true"] { background: #1d5fa8; border-color: #1d5fa8; color: #fff; }
.gd-editor :focus-visible { outline: 2px solid var(--gd-accent); outline-offset: 1px; }
.gd-choice { display: inline-flex; align-items: center; gap: 5px; }
.gd-segments { display: inline-flex; }
.gd-editor .gd-segments button { border-radius: 0; margin-left: -1px; }
.gd-editor .gd-segments button:first-child { border-radius: 5px 0 0 5px; margin-left: 0; }
.gd-editor .gd-segments button:last-child { border-radius: 0 5px 5px 0; }
.gd-editor button[aria-checked="true"] { background: #1d5fa8; border-color: #1d5fa8; color: #fff; }
.gd-menu, .gd-keys { position: absolute; z-index: 2; background: var(--gd-panel); color: var(--gd-fg); border: 1px solid var(--gd-line);
  border-radius: 6px; box-shadow: 0 4px 14px rgba(0, 0, 0, .5); cursor: default; }
.gd-menu { padding: 3px; min-width: 210px; }
.gd-menu[hidden], .gd-keys[hidden] { display: none; }
.gd-editor .gd-menu button { display: flex; height: 30px; width: 100%; justify-content: space-between; gap: 18px; border: 0; }
.gd-menu button:hover, .gd-menu button:focus { background: #1d5fa8; color: #fff; }
.gd-menu kbd { font: inherit; opacity: .8; }
.gd-keys { inset: 0; padding: 8px 12px; overflow: auto; user-select: text; container-type: inline-size; }
.gd-keys dl { display: grid; grid-template-columns: minmax(110px, max-content) 1fr; gap: 3px 14px; margin: 0; }
.gd-keys dt { font-weight: 600; }
.gd-keys dd { margin: 0; }
@container (max-width: 460px) { .gd-keys dl { grid-template-columns: 1fr; gap: 0; } .gd-keys dd { margin-bottom: 6px; } }
.gd-keys > button { position: sticky; top: 0; float: right; }
.gd-slider { display: inline-flex; align-items: center; gap: 4px; }
.gd-slider input { width: 64px; accent-color: var(--gd-accent); }
.gd-editor select, .gd-editor input[type=number] { font: inherit; color: var(--gd-fg); background: var(--gd-bg); border: 1px solid var(--gd-line);
  border-radius: 4px; height: 28px; padding: 0 4px; }
.gd-stage { position: relative; flex: 1; min-height: 180px; overflow: hidden; background: #14161a; border: 1px solid var(--gd-line);
  border-radius: 6px; touch-action: none; cursor: crosshair; user-select: none; }
.gd-stage canvas { position: absolute; inset: 0; width: 100%; height: 100%; pointer-events: none; }
.gd-stage[data-cursor="grab"] { cursor: grab; }
.gd-stage[data-cursor="move"] { cursor: move; }
.gd-stage[data-cursor="none"] { cursor: none; }
.gd-editor .gd-end { position: absolute; left: 0; top: 0; width: 22px; height: 22px; min-width: 0; margin: -11px 0 0 -11px; padding: 0; border-radius: 50%;
  border: 0; background: transparent; pointer-events: none; }
.gd-editor .gd-end:focus-visible { outline: 3px solid #fff; outline-offset: 0; box-shadow: 0 0 0 6px #000; }
.gd-hint { position: absolute; left: 8px; right: 8px; bottom: 8px; padding: 5px 9px; border-radius: 5px; background: rgba(0, 0, 0, .78); color: #fff;
  pointer-events: none; text-align: center; }
.gd-hint.gd-above { top: 8px; bottom: auto; }
.gd-hint[hidden] { display: none; }
.gd-notice { position: absolute; left: 8px; right: 8px; top: 8px; display: flex; flex-direction: column; gap: 4px; align-items: center;
  pointer-events: none; }
.gd-notice.gd-empty { top: 0; bottom: 0; justify-content: center; }
.gd-notice[hidden], .gd-notice [hidden] { display: none; }
.gd-notice-row { display: flex; flex-wrap: wrap; gap: 6px; align-items: center; justify-content: center; padding: 5px 9px; border-radius: 5px;
  background: rgba(74, 46, 0, .92); color: #fff; text-align: center; }
.gd-empty .gd-notice-row { flex-direction: column; background: rgba(0, 0, 0, .6); gap: 10px; padding: 12px; }
.gd-notice button { pointer-events: auto; }
.gd-error { user-select: text; padding: 6px 9px; border-radius: 5px; background: #7a1d1d; color: #fff; }
.gd-error[hidden] { display: none; }
.gd-error textarea { width: 100%; height: 70px; margin-top: 4px; font: 11px monospace; }
.gd-status { min-height: 17px; color: var(--descrip-text, #a8a8a8); white-space: nowrap; overflow: hidden; text-overflow: ellipsis; }
.gd-status.gd-failed { white-space: normal; max-height: 68px; overflow: auto; color: #ff8080; user-select: text; }
.gd-table { max-height: 132px; overflow: auto; border: 1px solid var(--gd-line); border-radius: 5px; }
.gd-table[hidden] { display: none; }
.gd-table table { border-collapse: collapse; width: 100%; }
.gd-table td, .gd-table th { padding: 1px 3px; text-align: left; font-weight: normal; }
.gd-table input[type=number] { width: 72px; }
.gd-table button { min-width: 28px; height: 28px; padding: 0 3px; }
.gd-chip { display: inline-block; width: 18px; text-align: center; border-radius: 9px; color: #000; font-weight: 600; border: 1px solid #000; }
.gd-dialog { width: min(96vw, 1600px); height: 94vh; max-width: none; max-height: none; padding: 10px; border: 1px solid var(--border-color, #4e4e4e);
  border-radius: 10px; background: var(--comfy-menu-bg, #353535); color: var(--input-text, #ddd); }
.gd-dialog::backdrop { background: rgba(0, 0, 0, .6); }
.gd-dialog .gd-editor { height: 100%; }
.gd-dialog .gd-table { max-height: 200px; }
@media (prefers-reduced-motion: no-preference) { .gd-editor button { transition: border-color .1s, background-color .1s; } }
`;

/** Put the style sheet into the page, once. */
export function addStyle() {
  if (document.getElementById("gooddrag-style")) return;
  document.head.append(el("style", { id: "gooddrag-style", text: CSS }));
}
