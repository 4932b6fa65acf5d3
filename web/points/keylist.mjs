// @ts-check
/** The list of keys, over the stage. */

import { button, el } from "./dom.mjs";

/** @type {[string, string][]} */
const KEYS = [
  ["press and release elsewhere", "an arrow: what is pressed on moves to where it is released"],
  ["click, click", "the same in two clicks; Escape takes the first back"],
  ["Shift+click, p", "a pin: what must stay"],
  ["arrow keys, Enter", "move a cross, set handle and target; Shift moves by 10, Shift+Enter sets a pin"],
  ["Tab", "from one end to the next; arrow keys move it"],
  ["Shift+drag", "straight lines; on empty ground a frame that selects"],
  ["Delete, Ctrl+D", "remove, duplicate"],
  ["s, x", "swap handle and target, switch off or on"],
  ["right click, Shift+F10", "all of this as a menu"],
  ["Ctrl+A, Ctrl+C, Ctrl+V", "select all, copy, paste; an image is pasted as the picture"],
  ["Ctrl+Z, Ctrl+Shift+Z", "undo, redo"],
  ["a, b, e, l, r, h", "arrows, brush, eraser, lasso, rectangle, hand"],
  ["[ and ], Alt", "smaller and larger brush; Alt takes away"],
  ["o, c held", "original or result; the original while it is held"],
  ["wheel, + and -, f, 1", "zoom, fit, actual size; Space and drag moves"],
  ["Enter, Escape", "open and close the large window"],
];

/** @param {HTMLElement} stage */
export function keyList(stage) {
  const close = button("Close the list of keys (Escape)", "close", () => toggle(false));
  const rows = KEYS.map(([keys, words]) => [el("dt", { text: keys }), el("dd", { text: words })]);
  const root = el("div", { class: "gd-keys", role: "dialog", "aria-label": "Keys", tabindex: -1, hidden: true }, [close, el("dl", {}, rows.flat())]);
  for (const name of ["pointerdown", "wheel", "contextmenu"]) root.addEventListener(name, (event) => event.stopPropagation());
  root.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" && event.key !== "?") return;
    event.stopPropagation();
    event.preventDefault();
    toggle(false);
  });

  /** @param {boolean} [open] */
  function toggle(open = root.hidden) {
    root.hidden = !open;
    (open ? root : stage).focus({ preventScroll: true });
  }
  return { root, toggle };
}
