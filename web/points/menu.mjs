// @ts-check
/**
 * The menu of the right mouse button, of a long press and of the keyboard's menu key.
 * @typedef {import("./view.mjs").Editor} Editor
 * @typedef {import("./geometry.mjs").Point} Point
 */

import { el } from "./dom.mjs";
import { hit, toPicture } from "./geometry.mjs";
import { isAnchor } from "./region.mjs";
import { asShown, inside, key, named, selectedIds, unkey } from "./state.mjs";

const REACH = 13;

export class Menu {
  /** @param {Editor} editor */
  constructor(editor) {
    this.editor = editor;
    this.session = editor.session;
    this.root = el("div", { class: "gd-menu", role: "menu", "aria-label": "Arrows and pins", hidden: true });
    editor.stage.append(this.root);
    editor.stage.addEventListener("contextmenu", (event) => this.asked(event));
    this.root.addEventListener("keydown", (event) => this.key(event));
    this.root.addEventListener("focusout", (event) => {
      if (!this.root.contains(/** @type {Node | null} */ (event.relatedTarget))) this.close(false);
    });
    for (const name of ["pointerdown", "pointerup", "click"]) this.root.addEventListener(name, (event) => event.stopPropagation());
  }

  /** @param {MouseEvent} event */
  asked(event) {
    event.preventDefault();
    event.stopPropagation();
    if (this.session.broken) return;
    this.editor.resized();
    const end = /** @type {HTMLElement | null} */ (document.activeElement?.closest(".gd-end") ?? null);
    // the keyboard's menu key gives no place: the focused end's, the cross, or the middle
    if (event.button !== 2 && end?.dataset.key) return this.openFor(end.dataset.key);
    this.open(event.button === 2 ? this.editor.pointer.last : this.editor.pointer.at(event));
  }

  /** @param {string} k key of an end */
  openFor(k) {
    const { id, end } = unkey(k);
    const pair = this.session.state.doc.pairs.find((p) => p.id === id);
    if (pair) this.open(this.editor.onScreen(inside(asShown(this.session.state), pair[end])));
  }

  /** @param {Point} at on the stage */
  open(at) {
    const { editor, session } = this;
    const { doc, selection } = session.state;
    editor.pointer.cancel();
    const found = hit(editor.shownPairs(), editor.currentView(), at, editor.pointer.reach(REACH));
    if (found) {
      const keys = [key(found.id, "handle"), key(found.id, "target")];
      if (!selection.some((k) => keys.includes(k))) session.dispatch({ type: "select", keys });
    }
    const place = toPicture(editor.currentView(), at);
    const ids = found ? selectedIds(session.state) : [];
    const chosen = doc.pairs.filter((p) => ids.includes(p.id));
    const what = chosen.length === 1 ? named(doc.pairs, doc.pairs.indexOf(chosen[0])) : `${chosen.length} selected`;
    const off = chosen.every((p) => p.off);
    /** @type {[string, string, () => void][]} */
    const about = [
      [`Delete ${what}`, "Delete", () => editor.remove(ids)],
      [`Duplicate ${what}`, "Ctrl+D", () => editor.duplicate()],
      ["Swap handle and target", "S", () => editor.swap()],
      [off ? `Switch ${what} on` : `Switch ${what} off`, "X", () => editor.switch(ids, !off)],
    ];
    const { width, height } = editor.size();
    const onIt = place[0] >= -0.5 && place[1] >= -0.5 && place[0] < width - 0.5 && place[1] < height - 0.5;
    /** @type {[string, string, () => void][]} */
    const everywhere = onIt ? [["Pin here: this must stay", "", () => editor.pin(place)]] : [];
    if (doc.pairs.length) everywhere.push(["Clear all arrows and pins", "", () => session.dispatch({ type: "clearPairs" })]);
    const items = found ? about.filter(([words]) => !(words.startsWith("Swap") && chosen.every(isAnchor))) : [];
    if (!items.length && !everywhere.length) return this.close(false);
    this.root.replaceChildren(...[...items, ...everywhere].map(([words, keys, act]) => this.item(words, keys, act)));
    this.root.hidden = false;
    const stage = editor.stageSize();
    this.root.style.left = `${Math.max(2, Math.min(at[0], stage.width - this.root.offsetWidth - 2))}px`;
    this.root.style.top = `${Math.max(2, Math.min(at[1], stage.height - this.root.offsetHeight - 2))}px`;
    /** @type {HTMLElement} */ (this.root.firstElementChild).focus({ preventScroll: true });
  }

  /** @param {string} words @param {string} keys @param {() => void} act */
  item(words, keys, act) {
    const b = el("button", { type: "button", role: "menuitem", tabindex: -1 }, [el("span", { text: words }), el("kbd", { text: keys, "aria-hidden": "true" })]);
    b.addEventListener("click", () => {
      this.close(true);
      act();
    });
    return b;
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    event.stopPropagation();
    const items = [.../** @type {NodeListOf<HTMLElement>} */ (this.root.querySelectorAll("[role=menuitem]"))];
    const at = items.indexOf(/** @type {HTMLElement} */ (document.activeElement));
    const to = { ArrowDown: at + 1, ArrowUp: at - 1 + items.length, Home: 0, End: items.length - 1 }[event.key];
    if (to !== undefined) items[to % items.length].focus({ preventScroll: true });
    else if (event.key === "Escape" || event.key === "Tab") this.close(true);
    else return;
    event.preventDefault();
  }

  /** @param {boolean} back give the focus back to the stage */
  close(back) {
    if (this.root.hidden) return;
    this.root.hidden = true;
    if (back) this.editor.stage.focus({ preventScroll: true });
  }
}
