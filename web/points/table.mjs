// @ts-check
/**
 * The pairs as a table: numbers to type, order, on and off.
 * @typedef {import("./session.mjs").Session} Session
 * @typedef {import("./state.mjs").Pair} Pair
 * @typedef {import("./state.mjs").End} End
 * @typedef {{remove: (ids: number[]) => void, switch: (ids: number[], off: boolean) => void, say: (words: string) => void,
 *   sayEnd: (k: string, digits: number) => void, sayPlaced: () => void}} Commands
 */

import { button, el } from "./dom.mjs";
import { colour } from "./geometry.mjs";
import { isAnchor } from "./region.mjs";
import { key, named } from "./state.mjs";
import { round } from "./value.mjs";

/** What is typed in one cell while it has the focus is one step. */
let visits = 0;

export class PairTable {
  /** @param {Session} session @param {Commands} commands */
  constructor(session, commands) {
    this.session = session;
    this.commands = commands;
    this.body = el("tbody");
    this.adding = button("Add a pair in the middle of the picture", null, () => this.add(), { text: "Add a pair" });
    this.root = el("div", { class: "gd-table", hidden: true, role: "region", "aria-label": "Pairs", tabindex: 0 }, [
      el("table", {}, [
        el("thead", {}, [el("tr", {}, ["", "handle x", "y", "target x", "y", ""].map((text) => (text ? el("th", { scope: "col", text }) : el("td"))))]),
        this.body,
      ]),
      this.adding,
    ]);
    this.root.addEventListener("pointerdown", (e) => e.stopPropagation());
    /** @type {Pair[] | null} */ this.shown = null;
    /** The rows that are there. */ this.rows = "";
    /** Numbers can be typed. */ this.open = true;
  }

  add() {
    const { picture } = this.session.state;
    if (!picture) return;
    const [x, y] = [Math.round(picture.width / 2), Math.round(picture.height / 2)];
    this.session.dispatch({ type: "add", pairs: [{ handle: [x, y], target: [x + 40, y] }] });
    this.commands.sayPlaced();
  }

  update() {
    const { pairs } = this.session.state.doc;
    const open = this.session.placeable();
    this.adding.disabled = !open;
    if (this.root.hidden || (this.shown === pairs && this.open === open)) return;
    this.open = open;
    this.shown = pairs;
    // rows that stay are kept: the focus, or a press of the button, is on its way to one of their cells
    const rows = JSON.stringify([open, pairs.map((p) => [p.id, isAnchor(p)])]);
    if (rows === this.rows) return pairs.forEach((p) => this.fill(p));
    this.rows = rows;
    const active = /** @type {HTMLElement | null} */ (document.activeElement);
    const focused = this.body.contains(active) ? active?.dataset.cell ?? "" : null;
    this.body.replaceChildren(...pairs.map((p, i) => this.row(p, i)));
    // beside what was removed, a key would be ComfyUI's
    const cell = focused === null ? null : this.cell(focused);
    if (focused !== null) (cell && !cell.disabled ? cell : this.root).focus({ preventScroll: true });
  }

  /** @param {string} name */
  cell(name) {
    return /** @type {HTMLInputElement | null} */ (this.body.querySelector(`[data-cell="${CSS.escape(name)}"]`));
  }

  /** Show what a pair is now. @param {Pair} pair */
  fill(pair) {
    const on = this.cell(`${pair.id}-on`);
    if (on) on.checked = !pair.off;
    for (const end of /** @type {End[]} */ (["handle", "target"])) {
      for (const axis of [0, 1]) {
        const input = this.cell(`${pair.id}-${end}-${axis}`);
        if (input) input.value = input.defaultValue = String(round(pair[end][axis]));
      }
    }
  }

  /** As it is now. @param {Pair} pair */
  current({ id }) {
    return this.session.state.doc.pairs.find((p) => p.id === id);
  }

  /** @param {Pair} pair @param {number} index */
  row(pair, index) {
    const { session } = this;
    const chip = el("span", { class: "gd-chip", text: index + 1 });
    chip.style.background = colour(index);
    const what = named(session.state.doc.pairs, index);
    const pin = isAnchor(pair);
    const on = el("input", { type: "checkbox", "aria-label": pin ? `${what} holds` : `${what} is dragged`, "data-cell": `${pair.id}-on` });
    on.checked = !pair.off;
    on.addEventListener("change", () => {
      this.commands.switch([pair.id], !on.checked);
      on.checked = !this.current(pair)?.off; // it may have been refused
    });
    return el("tr", {}, [
      el("td", {}, [on, chip]),
      ...this.cells(pair, what, "handle"),
      ...(pin ? [el("td", { colspan: 2, text: "pin: stays" })] : this.cells(pair, what, "target")),
      el("td", {}, [
        button(`Move ${what} up`, "up", () => this.reorder(pair, index - 1), { "data-cell": `${pair.id}-up` }),
        button(`Move ${what} down`, "down", () => this.reorder(pair, index + 1), { "data-cell": `${pair.id}-down` }),
        button(`Remove ${what}`, "trash", () => this.commands.remove([pair.id])),
      ]),
    ]);
  }

  /** @param {Pair} pair @param {number} to */
  reorder(pair, to) {
    const { pairs } = this.session.state.doc;
    this.session.dispatch({ type: "reorder", id: pair.id, to });
    if (this.session.state.doc.pairs !== pairs) this.commands.say(`It is ${named(this.session.state.doc.pairs, to)} now.`);
  }

  /** @param {Pair} pair @param {string} what @param {End} end */
  cells(pair, what, end) {
    return [0, 1].map((axis) => {
      const name = `${pair.id}-${end}-${axis}`;
      const input = el("input", { type: "number", step: 1, "aria-label": `${what}, ${end} ${"xy"[axis]}`, "data-cell": name });
      input.value = input.defaultValue = String(round(pair[end][axis]));
      input.disabled = !this.open;
      input.addEventListener("focus", () => visits++);
      input.addEventListener("keydown", (event) => {
        if (event.key === "Enter") visits++; // what is typed after it is another step
        if (event.key !== "Escape" || input.value === input.defaultValue) return;
        input.value = input.defaultValue; // what was typed is taken back, and nothing else
        event.preventDefault();
        event.stopPropagation();
      });
      input.addEventListener("change", () => {
        const value = Number(input.value);
        const now = this.current(pair);
        if (!now) return;
        const at = /** @type {[number, number]} */ ([...now[end]]);
        at[axis] = value;
        const number = input.value.trim() !== "" && Number.isFinite(value);
        if (number) this.session.dispatch({ type: "set", id: pair.id, end, at, gesture: `cell ${name} ${visits}` });
        this.fill(this.current(pair) ?? now); // as far as it is in the picture
        if (number) this.commands.sayEnd(key(pair.id, end), 0);
        else this.commands.say("That is no number; the pair stays where it is.");
      });
      return el("td", {}, [input]);
    });
  }
}
