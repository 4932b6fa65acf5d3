// @ts-check
/**
 * Buttons under the handles and targets, for the keyboard and for screen readers; a pin has one.
 * @typedef {import("./view.mjs").Editor} Editor
 * @typedef {import("./state.mjs").End} End
 * @typedef {import("./state.mjs").Pair} Pair
 */

import { el } from "./dom.mjs";
import { toScreen } from "./geometry.mjs";
import { isAnchor } from "./region.mjs";
import { asShown, inside, key, named } from "./state.mjs";

export class Ends {
  /** @param {Editor} editor @param {HTMLElement} root */
  constructor(editor, root) {
    this.editor = editor;
    this.root = root;
    /** @type {Map<string, HTMLButtonElement>} */ this.buttons = new Map();
  }

  /** @param {Pair} p @returns {End[]} */
  static of(p) {
    return isAnchor(p) ? ["handle"] : ["handle", "target"];
  }

  update() {
    const { pairs } = this.editor.session.state.doc;
    const wanted = new Set();
    pairs.forEach((p, i) => {
      for (const end of Ends.of(p)) {
        const k = key(p.id, end);
        wanted.add(k);
        const b = this.buttons.get(k) ?? this.add(k);
        const [x, y] = p[end];
        const what = isAnchor(p) ? named(pairs, i) : `${named(pairs, i)}, ${end}`;
        const words = `${what}, x ${Math.round(x)}, y ${Math.round(y)}${p.off ? ", off" : ""}`;
        const seen = `${words}|${x}|${y}`;
        if (b.dataset.seen === seen) continue;
        b.dataset.seen = seen;
        b.setAttribute("aria-label", words);
        this.place(b, p, end);
      }
    });
    for (const [k, b] of this.buttons) {
      if (wanted.has(k)) continue;
      if (b === document.activeElement) this.editor.stage.focus({ preventScroll: true });
      b.remove();
      this.buttons.delete(k);
    }
  }

  /** @param {string} k */
  add(k) {
    const b = el("button", { type: "button", class: "gd-end", "data-key": k });
    b.addEventListener("focus", () => this.editor.focusEnd(k));
    this.buttons.set(k, b);
    this.root.append(b);
    return b;
  }

  /** @param {HTMLElement} b @param {Pair} p @param {End} end */
  place(b, p, end) {
    if (!this.editor.view) return;
    const [x, y] = toScreen(this.editor.view, inside(asShown(this.editor.session.state), p[end]));
    b.style.transform = `translate(${x}px, ${y}px)`;
  }

  placeAll() {
    for (const p of this.editor.session.state.doc.pairs) {
      for (const end of Ends.of(p)) {
        const b = this.buttons.get(key(p.id, end));
        if (b) this.place(b, p, end);
      }
    }
  }
}
