// @ts-check
/** The slider of GoodDrag Compare: two of its pictures over each other, and which two. */

import { el } from "./points/dom.mjs";
import { viewUrl } from "./points/picture.mjs";
import { onceAdded, register, unregister } from "./present.mjs";

const NAME = "gooddrag_compare";
const TYPE = "GoodDrag_Compare";
const HEIGHT = 240;
const STYLE = `
.gd-compare { display: flex; flex-direction: column; gap: 4px; height: 100%; min-height: 0; box-sizing: border-box; font: 12px sans-serif; color: var(--input-text, #ddd); }
.gd-compare .gd-which { display: flex; gap: 6px; }
.gd-compare select { flex: 1 1 0; min-width: 0; font: inherit; color: inherit; background: var(--comfy-input-bg, #222); border: 1px solid var(--border-color, #555); border-radius: 4px; padding: 2px 4px; }
.gd-compare .gd-stage { position: relative; flex: 1 1 auto; min-height: 160px; overflow: hidden; border-radius: 4px; background: #0006; }
.gd-compare .gd-stage > img { position: absolute; inset: 0; width: 100%; height: 100%; object-fit: contain; pointer-events: none; user-select: none; }
.gd-compare .gd-line { position: absolute; top: 0; bottom: 0; width: 2px; margin-left: -1px; background: #fff; box-shadow: 0 0 3px #000; pointer-events: none; }
.gd-compare .gd-line::after { content: ""; position: absolute; top: 50%; left: 50%; width: 14px; height: 14px; margin: -7px; border-radius: 50%; background: #fff; box-shadow: 0 0 3px #000; }
.gd-compare input { position: absolute; inset: 0; width: 100%; height: 100%; margin: 0; opacity: 0; cursor: ew-resize; }
.gd-compare .gd-stage:has(input:focus-visible) { outline: 2px solid var(--p-primary-color, #6af); outline-offset: -2px; }
.gd-compare .gd-name { position: absolute; bottom: 6px; max-width: 46%; padding: 2px 7px; border-radius: 4px; background: #000a; color: #fff; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; pointer-events: none; }
`;

/** @typedef {{image: {filename: string, subfolder?: string, type?: string}, label: string}} Shown */

class Comparison {
  /** @param {any} api */
  constructor(api) {
    this.api = api;
    /** @type {Shown[]} */
    this.pictures = [];
    /** What the slider lies between; -1 counts from the last. */
    this.chosen = [0, 1];
    this.images = [this.#image(), this.#image()];
    this.names = [el("span", { class: "gd-name", style: "left: 6px" }), el("span", { class: "gd-name", style: "right: 6px" })];
    this.line = el("div", { class: "gd-line" });
    this.slider = el("input", { type: "range", min: 0, max: 100, step: 0.5, value: 50, "aria-label": "where the left picture ends", on: { input: () => this.#cut() } });
    this.selects = ["left", "right"].map((side, i) =>
      el("select", { "aria-label": `the picture at the ${side}`, on: { change: (/** @type {any} */ event) => { this.chosen[i] = Number(event.target.value); this.#place(); } } }));
    this.which = el("div", { class: "gd-which" }, this.selects);
    this.stage = el("div", { class: "gd-stage" }, [this.images[1], this.images[0], this.line, ...this.names, this.slider]);
    this.root = el("div", { class: "gd-compare" }, [el("style", { text: STYLE }), this.which, this.stage]);
    this.#place();
    this.#cut();
  }

  /** @param {Shown[]} pictures */
  show(pictures) {
    if (JSON.stringify(pictures) === JSON.stringify(this.pictures)) return;
    this.pictures = pictures;
    this.chosen = this.chosen.map((i, side) => (i < pictures.length ? i : Math.min(side, pictures.length - 1)));
    for (const select of this.selects) select.replaceChildren(...pictures.map(({ label }, i) => el("option", { value: i, text: label })));
    this.#place();
  }

  #image() {
    return el("img", { alt: "", draggable: "false" });
  }

  #place() {
    this.which.hidden = this.pictures.length < 3;
    this.which.style.display = this.which.hidden ? "none" : "";
    this.stage.style.visibility = this.pictures.length ? "visible" : "hidden";
    this.chosen.forEach((chosen, side) => {
      const picture = this.pictures[chosen];
      this.selects[side].value = String(chosen);
      this.names[side].textContent = picture?.label ?? "";
      this.images[side].alt = picture?.label ?? "";
      if (picture) this.images[side].src = viewUrl(this.api, picture.image);
    });
  }

  #cut() {
    const share = Number(this.slider.value);
    this.images[0].style.clipPath = `inset(0 ${100 - share}% 0 0)`;
    this.line.style.left = `${share}%`;
  }
}

/** @type {WeakMap<any, Comparison>} */
const comparisons = new WeakMap();

/** @param {any} output of a node */
const given = (output) => output?.[NAME] ?? [];

/** Give a node its slider. @param {any} app @param {any} api @param {any} node */
export function attachComparison(app, api, node) {
  if (node.comfyClass !== TYPE) return;
  const comparison = new Comparison(api);
  comparisons.set(node, comparison);
  // the classic canvas does not see what happens on an element above it
  comparison.root.addEventListener("wheel", (event) => {
    if (!document.querySelector("[data-node-id]")) app.canvas.processMouseWheel(event);
  });
  const widget = node.addDOMWidget(NAME, NAME, comparison.root, {
    serialize: false,
    getValue: () => "",
    setValue: () => {},
    getMinHeight: () => HEIGHT,
    hideOnZoom: false,
  });
  widget.serialize = false;
  onceAdded(node, () => register(node, comparison.root));
  const removed = widget.onRemove;
  widget.onRemove = () => {
    unregister(node);
    removed?.call(widget);
  };
  node.setSize?.([Math.max(node.size[0], 360), Math.max(node.size[1], 520)]);
}

/** Show what was compared, also again in a node that was made anew. @param {any} node @param {any} output */
export function compareAgain(node, output) {
  comparisons.get(node)?.show(given(output));
}
