// @ts-check
/** A labelled choice of one out of a few, as a row of buttons. */

import { el, plain } from "./dom.mjs";

/**
 * @template {string} T
 * @param {string} label @param {[T, string, string][]} options value, words on the button, and what it means
 * @param {(value: T) => void} choose
 */
export function segments(label, options, choose) {
  const buttons = new Map(options.map(([value, text, title]) => {
    const b = el("button", { type: "button", role: "radio", "aria-checked": "false", title, text });
    b.addEventListener("click", () => choose(value));
    return [value, b];
  }));
  const group = el("div", { class: "gd-segments", role: "radiogroup", "aria-label": label }, [...buttons.values()]);
  group.addEventListener("keydown", (event) => {
    const by = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (!by) return;
    const free = [...buttons].filter(([, b]) => !b.disabled);
    const at = free.findIndex(([, b]) => b === document.activeElement);
    const [value, b] = free[(at + by + free.length) % free.length];
    event.preventDefault();
    event.stopPropagation();
    choose(value);
    b.focus();
  });
  const root = el("div", { class: "gd-choice" }, [el("span", { text: label }), group]);

  /** @param {T | null} chosen null: none of them @param {T[]} [closed] what cannot be chosen now @param {string} [why] */
  function update(chosen, closed = [], why = "") {
    const [first] = options.map(([value]) => value).filter((value) => !closed.includes(value));
    for (const [value, , title] of options) {
      const b = /** @type {HTMLButtonElement} */ (buttons.get(value));
      b.title = plain(closed.includes(value) && why ? why : title);
      b.setAttribute("aria-checked", String(value === chosen));
      b.tabIndex = value === (chosen ?? first) ? 0 : -1;
      b.disabled = closed.includes(value);
    }
  }
  return { root, update, buttons };
}
