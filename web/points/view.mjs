// @ts-check
/**
 * The editor's face: a toolbar, the stage with the picture, a table of the pairs. It shows a session and turns gestures
 * into actions; it keeps nothing that is worth saving.
 * @typedef {import("./session.mjs").Session} Session
 * @typedef {import("./session.mjs").Tool} Tool
 * @typedef {import("./geometry.mjs").Point} Point
 * @typedef {import("./geometry.mjs").View} View
 * @typedef {import("./state.mjs").End} End
 */

import { changed } from "./changes.mjs";
import { addStyle, plain } from "./dom.mjs";
import { Ends } from "./ends.mjs";
import { centred, fit, kept, toScreen, zoomAt } from "./geometry.mjs";
import { hintWords } from "./hint.mjs";
import { acceptDrops } from "./intake.mjs";
import { Keys } from "./keys.mjs";
import { words } from "./stage-notice.mjs";
import { TOOLS, layout } from "./layout.mjs";
import { Menu } from "./menu.mjs";
import { Pointer } from "./pointer.mjs";
import { around, isAnchor } from "./region.mjs";
import { StagePainter } from "./stage.mjs";
import { asShown, inside, named, outside, selectedIds, sizeOf, unkey } from "./state.mjs";
import { t } from "./texts.mjs";

/** Pixels of the stage from the hint to a pointer that it gives way to. */
const HINT_ROOM = 36;
const NO_RESULT = "Nothing to show yet: a run brings it, with `trace` connected to GoodDrag Decode";

export class Editor {
  /**
   * @param {Session} session
   * @param {{enlarge?: () => void, close?: () => void, wheel?: (event: WheelEvent) => void, middle?: (event: PointerEvent) => void,
   *   take?: import("./intake.mjs").Take}} [options]
   */
  constructor(session, options = {}) {
    addStyle();
    this.session = session;
    this.options = options;
    /** @type {View | null} */ this.view = null;
    /** The keyboard's cross, in the picture. @type {Point | null} */ this.cursor = null;
    this.scheduled = 0;
    /** The picture has to be painted anew. */ this.dirty = true;
    /** Screen pixels to a CSS pixel of the stage, when the canvases were last sized. */ this.ratio = 0;
    /** The stage's and the picture's size that the view was made for. */ this.box = "";
    this.shape = "";
    /** What the picture below showed at the last update. */ this.shown = "";
    /** The picture that was shown then. @type {import("./session.mjs").Picture | null} */ this.pictured = null;
    /** The result that was last said. @type {import("./session.mjs").Picture | null} */ this.after = session.after;
    /** What was last said of what the stage shows. */ this.toldShown = "";
    /** The failure that was last said. */ this.failure = "";
    /** The view shows all of the picture, so it follows when the stage changes. */ this.fitted = true;
    this.parts = layout(session, this, options);
    this.root = this.parts.root;
    this.stage = this.parts.stage;
    this.base = this.parts.base;
    this.top = this.parts.top;
    this.pointer = new Pointer(this, options);
    this.keys = new Keys(this, options);
    this.painter = new StagePainter(this);
    this.ends = new Ends(this, this.parts.ends);
    this.menu = new Menu(this);
    if (options.take) acceptDrops(this, options.take);
    this.unsubscribe = session.subscribe((before) => this.update(before));
    this.observer = new ResizeObserver(() => this.resized());
    this.observer.observe(this.stage);
    this.update(null);
  }

  destroy() {
    if (this.pointer.gesture) this.pointer.cancel();
    this.unsubscribe();
    this.observer.disconnect();
    cancelAnimationFrame(this.scheduled);
    this.root.remove();
  }

  // ---- showing --------------------------------------------------------------------------------------------------

  /** @param {import("./state.mjs").State | null} before */
  update(before) {
    const { session, parts } = this;
    const { doc, past, future, pending } = session.state;
    const active = /** @type {HTMLElement | null} */ (this.root.contains(document.activeElement) ? document.activeElement : null);
    if (this.pictured !== session.picture) {
      this.pictured = session.picture;
      // where the pointer was on another picture
      if (parts.status.getAttribute("aria-live") === "off") this.show("");
    }
    this.stage.dataset.picture = session.picture ? `${session.picture.width}x${session.picture.height}` : "";
    for (const [tool, b] of parts.tools) {
      b.setAttribute("aria-pressed", String(tool === session.tool));
      b.disabled = tool !== "hand" && !session.placeable();
    }
    parts.undo.disabled = !past.length && !pending;
    parts.redo.disabled = !future.length;
    const pins = doc.pairs.filter(isAnchor).length;
    parts.pairs.textContent = t([counted(doc.pairs.length - pins, "pair"), ...(pins ? [counted(pins, "pin")] : [])].join(", "));
    parts.region.update(doc.region);
    const chosen = session.after && !session.comparing ? session.show : "original";
    parts.show.update(session.shows() === "preview" ? null : chosen, session.after ? [] : ["result", "compare"], NO_RESULT);
    parts.live.setAttribute("aria-pressed", String(session.following));
    parts.maskBar.hidden = !["brush", "eraser", "lasso", "rectangle"].includes(session.tool);
    parts.mode.value = doc.mode;
    parts.updateBrush();
    parts.error.hidden = !session.broken;
    if (session.broken) {
      parts.errorText.textContent = t(`These points cannot be read: ${session.broken.message}`);
      parts.errorRaw.value = session.broken.text.slice(0, 20_000);
    }
    // the picture below is painted anew only when the mask or something beside the state changed
    const same = before && ["shapes", "region", "mode", "width", "height"].every((k) => Reflect.get(before.doc, k) === Reflect.get(doc, k));
    if (!same) this.dirty = true;
    const shows = session.shows();
    // drawing the first arrow, or one that was not asked for, changes what lies below
    if (this.shown !== shows + session.own()) this.dirty = true;
    this.shown = shows + session.own();
    this.stage.dataset.shows = shows;
    this.stage.dataset.coarse = session.coarse instanceof HTMLImageElement ? session.coarse.src : "";
    this.ends.update();
    parts.notice.update();
    parts.table.update();
    this.showHint();
    if (before && session.state !== before && session.state.refused) this.say(session.state.refused);
    if (session.after !== this.after) {
      this.after = session.after;
      if (session.after && session.show === "result" && !session.failure) this.sayShown();
    }
    if (this.toldShown && this.toldShown !== this.shownWords() && parts.status.textContent === plain(this.toldShown)) this.sayShown();
    if (session.failure !== this.failure) this.say((this.failure = session.failure));
    // where a button is switched off or a bar is hidden that had the focus, keys would be ComfyUI's
    if (active && (active.matches(":disabled") || active.closest("[hidden]"))) this.stage.focus({ preventScroll: true });
    this.draw();
  }

  showHint() {
    const text = hintWords(this.session, this.painter);
    this.parts.hint.textContent = plain(text);
    this.parts.hint.hidden = !text;
    this.placeHint();
  }

  /** Where the pointer is not. */
  placeHint() {
    const { hint, notice } = this.parts;
    if (hint.hidden) return; // to look at its size would cost every frame a layout
    const low = (this.pointer.hover?.[1] ?? 0) > this.stageSize().height - hint.offsetHeight - HINT_ROOM;
    hint.classList.toggle("gd-above", low && notice.root.hidden);
  }

  /** The size of what the stage shows: of the picture, else of the one that the arrows were drawn on, else its own. */
  size() {
    const { picture, state } = this.session;
    return picture ? { width: picture.width, height: picture.height } : sizeOf(state.doc) ?? this.stageSize();
  }

  stageSize() {
    return { width: this.stage.clientWidth || 1, height: this.stage.clientHeight || 1 };
  }

  /** CSS pixels of the stage to pixels of the screen: the graph's zoom and the device's ratio. */
  deviceRatio() {
    const rect = this.stage.getBoundingClientRect();
    const zoom = this.stage.offsetWidth ? rect.width / this.stage.offsetWidth : 1;
    return Math.min(Math.max(zoom * (window.devicePixelRatio || 1), 0.1), 4);
  }

  resized() {
    const { width, height } = this.stageSize();
    const ratio = this.deviceRatio();
    const [w, h] = [Math.max(1, Math.round(width * ratio)), Math.max(1, Math.round(height * ratio))];
    if (this.base.width === w && this.base.height === h && this.ratio === ratio) return;
    const box = `${width}x${height}`;
    if (this.box !== box && this.fitted) this.view = null;
    [this.ratio, this.box] = [ratio, box];
    for (const canvas of [this.base, this.top]) [canvas.width, canvas.height] = [w, h];
    this.dirty = true;
    this.draw();
  }

  /** @returns {View} */
  currentView() {
    const size = this.size();
    const shape = `${size.width}x${size.height}`;
    if (!this.view || this.shape !== shape) {
      this.view = fit(size, this.stageSize());
      [this.shape, this.fitted] = [shape, true];
      this.ends.placeAll();
    }
    return this.view;
  }

  /** @param {View} view */
  setView(view) {
    const whole = fit(this.size(), this.stageSize());
    this.fitted = Math.abs(view.scale - whole.scale) < 1e-9;
    this.view = this.fitted ? whole : kept(view, this.size(), this.stageSize());
    this.dirty = true;
    this.ends.placeAll();
    this.draw();
  }

  draw() {
    if (!this.scheduled) this.scheduled = requestAnimationFrame(() => this.paint());
  }

  paint() {
    this.scheduled = 0;
    if (!this.stage.isConnected) return;
    if (!this.ratio) this.resized();
    const view = this.currentView();
    if (this.dirty) this.painter.below(view);
    this.dirty = false;
    this.painter.above(view);
    if (this.painter.look()) this.showHint();
    else this.placeHint();
  }

  /** Where original and result meet when they are compared: at the pointer. */
  divider() {
    const { x, scale } = this.currentView();
    const right = x + this.size().width * scale;
    return Math.min(Math.max(this.pointer.hover?.[0] ?? (x + right) / 2, x), right);
  }

  /** Pairs as they are shown: those outside at the picture's border. */
  shownPairs() {
    const shown = asShown(this.session.state);
    return shown.pairs.map((p) => ({ ...p, handle: inside(shown, p.handle), target: inside(shown, p.target) }));
  }

  /** @param {import("./state.mjs").Pair} p */
  isOutside(p) {
    return outside({ ...asShown(this.session.state), pairs: [p] }).length > 0;
  }

  /** @param {Point} at in the picture @returns {Point} on the stage */
  onScreen(at) {
    return toScreen(this.currentView(), at);
  }

  /** @param {string} text read out and shown */
  say(text) {
    const { status } = this.parts;
    // what is said after a failure takes its place, in windows that open later too
    if (text && text !== this.session.failure) this.failure = this.session.failure = "";
    status.setAttribute("aria-live", "polite");
    status.textContent = plain(text);
    status.classList.toggle("gd-failed", Boolean(text) && text === this.session.failure);
  }

  /** @param {string} text shown only: it changes with every move of the pointer */
  show(text) {
    if (this.parts.status.classList.contains("gd-failed")) return;
    this.parts.status.setAttribute("aria-live", "off");
    this.parts.status.textContent = text;
  }

  /** Nothing can be placed now. */
  sayWhyNot() {
    const { picture, arrows } = words(this.session);
    this.say(this.session.broken ? "These points cannot be read: start afresh, or undo." : arrows || picture);
  }

  /** Nothing can be placed now, and why is said. */
  closed() {
    if (this.session.placeable()) return false;
    this.sayWhyNot();
    return true;
  }

  /** A pair was drawn. */
  sayPlaced() {
    const { refused, doc } = this.session.state;
    if (!refused) this.say(`${named(doc.pairs, doc.pairs.length - 1)} placed; ${this.session.regionWords()}`);
  }

  /** Say where an end is. @param {string} k @param {number} digits */
  sayEnd(k, digits) {
    const { id, end } = unkey(k);
    const { pairs } = this.session.state.doc;
    const index = pairs.findIndex((p) => p.id === id);
    if (index < 0) return;
    const [x, y] = pairs[index][end];
    const what = isAnchor(pairs[index]) ? named(pairs, index) : `${named(pairs, index)}, ${end}`;
    this.say(`${what}, x ${x.toFixed(digits)}, y ${y.toFixed(digits)}`);
  }

  // ---- commands -------------------------------------------------------------------------------------------------

  /** Take the last step back, or make it again. @param {"undo" | "redo"} type */
  travel(type) {
    const { doc, pending } = this.session.state;
    this.session.dispatch({ type });
    if (pending && type === "undo") return this.say("Handle taken back.");
    const { doc: next } = this.session.state;
    if (next === doc) return this.say(`There is nothing to ${type}.`);
    this.say(type === "undo" ? `Undone: ${changed(next, doc)}.` : `Redone: ${changed(doc, next)}.`);
  }

  /** @param {number[]} ids of pairs */
  remove(ids) {
    this.session.dispatch({ type: "remove", ids });
    this.say(`${ids.length} removed. Ctrl+Z brings ${ids.length === 1 ? "it" : "them"} back.`);
  }

  /** The selected ones. */
  duplicate() {
    const count = selectedIds(this.session.state).length;
    if (!count || this.closed()) return;
    this.session.dispatch({ type: "duplicate" });
    if (!this.session.state.refused) this.say(`${count} duplicated.`);
  }

  /** Handles and targets of the selected ones. */
  swap() {
    const ids = selectedIds(this.session.state);
    const count = this.session.state.doc.pairs.filter((p) => ids.includes(p.id) && !isAnchor(p)).length;
    if (!count) return;
    this.session.dispatch({ type: "swap" });
    this.say(`${count} swapped.`);
  }

  /** @param {number[]} ids of pairs @param {boolean} off */
  switch(ids, off) {
    const count = this.session.state.doc.pairs.filter((p) => ids.includes(p.id) && Boolean(p.off) !== off).length;
    this.session.dispatch({ type: "switch", ids, off });
    if (this.session.state.refused) return;
    this.say(off ? `${count} switched off: not dragged.` : `${count} switched on.`);
  }

  /** A step of drawing the mask that is no gesture. @param {import("./value.mjs").Shape} shape */
  paintStep(shape) {
    if (this.closed()) return;
    const why = this.session.idle(shape);
    if (why) return this.say(why);
    this.session.paint(shape);
    if (!this.session.state.refused) this.sayRegion();
  }

  /** How a connected mask and what is painted are combined. @param {import("./value.mjs").Mode} mode */
  combine(mode) {
    this.session.dispatch({ type: "mode", mode });
    this.sayRegion();
  }

  /** @param {Tool} tool */
  choose(tool) {
    this.session.dispatch({ type: "act" });
    this.session.tool = tool;
    this.stage.dataset.cursor = tool === "hand" ? "grab" : tool === "brush" || tool === "eraser" ? "none" : "";
    this.session.refresh();
    this.say(TOOLS.find(([t]) => t === tool)?.[2] ?? "");
  }

  /** @param {Partial<{size: number, hardness: number}>} change */
  setBrush(change) {
    Object.assign(this.session.brush, change);
    this.session.refresh();
  }

  /** @param {import("./value.mjs").Region} region */
  chooseRegion(region) {
    const { doc } = this.session.state;
    const shapes = region === "own" && !doc.shapes.length && !this.session.joined() ? around(this.session.dragged(), this.size()) : [];
    const last = shapes.pop();
    if ((last || this.session.broken) && this.closed()) return;
    // one's own begins with what was there
    this.session.dispatch(last ? { type: "shape", shape: last, below: shapes } : { type: "region", region });
    if (last) return this.say("Your own region now; it begins with the one around the arrows.");
    this.sayRegion();
  }

  sayRegion() {
    const words = this.session.regionWords();
    this.say(`${words[0].toUpperCase()}${words.slice(1)}.`);
  }

  /** Forget what was painted. */
  clearMask() {
    this.session.dispatch({ type: "clearMask" });
    this.sayRegion();
  }

  /** @param {import("./session.mjs").Show} show */
  chooseShow(show) {
    const { session } = this;
    session.choose(show);
    if (session.show !== show) return;
    this.sayShown();
  }

  /** Say what the stage shows, and again when that has become something else. */
  sayShown() {
    this.say((this.toldShown = this.shownWords()));
  }

  shownWords() {
    const { session } = this;
    const stale = session.result && !session.showsResult();
    if (!session.after) return "";
    if (session.show === "original") return "The original.";
    if (session.show === "compare") {
      return stale ? "On the right the result of other arrows than those here now." : "The original on the left, the result on the right.";
    }
    if (stale) return "The result of other arrows than those here now.";
    return session.continues ? "The result. Edits go on from it." : "The result. Arrows and painting refer to the original.";
  }

  /** @param {boolean} on @returns {boolean} */
  compare(on) {
    const { session } = this;
    if (on && !session.after) return false;
    if (session.comparing !== on) {
      session.comparing = on;
      session.refresh();
      if (on) this.say("The original");
    }
    return true;
  }

  /** What is drawn refers to the original, unless the sampler goes on from its result. */
  edits() {
    const { session } = this;
    if (session.continues || session.shows() === "picture" || session.shows() === "preview") return;
    session.choose("original");
    this.say("Back on the original: arrows and painting refer to it.");
  }

  /** @param {Point} at in the picture */
  pin(at) {
    if (this.closed()) return;
    this.session.dispatch({ type: "add", pairs: [{ handle: at, target: at }] });
    const { refused, doc } = this.session.state;
    if (!refused) this.say(`pin ${doc.pairs.length} placed: this stays`);
  }

  /** @param {number} factor @returns {true} */
  resizeBrush(factor) {
    this.setBrush({ size: Math.min(Math.max(Math.round(this.session.brush.size * factor), 2), 300) });
    return true;
  }

  toggleTable() {
    const { parts } = this;
    const open = parts.table.root.hidden;
    parts.table.root.hidden = !open;
    parts.pairs.setAttribute("aria-expanded", String(open));
    parts.table.update();
  }

  toggleLive() {
    const { session } = this;
    session.follow(!session.following);
    this.say(session.following ? "Live: move an arrow, and a coarse edit follows it." : "Live is off.");
  }

  suggest() {
    if (this.closed()) return;
    const shapes = around(this.session.dragged(), this.size());
    if (!shapes.length) return this.say("Draw an arrow first.");
    this.session.dispatch({ type: "shapes", shapes });
    if (!this.session.state.refused) this.say("A region around the arrows may change now.");
  }

  leastScale() {
    return Math.min(fit(this.size(), this.stageSize()).scale, 1);
  }

  /** @param {number} factor @param {Point} [at] @returns {true} */
  zoom(factor, at) {
    const { width, height } = this.stageSize();
    this.setView(zoomAt(this.currentView(), at ?? [width / 2, height / 2], factor, this.leastScale()));
    return true;
  }

  /** @returns {true} */
  fit() {
    this.setView(fit(this.size(), this.stageSize()));
    return true;
  }

  /** One pixel of the picture on one pixel of the screen. @returns {true} */
  actualSize() {
    this.setView(centred(this.size(), this.stageSize(), 1 / this.deviceRatio()));
    return true;
  }

  /** @param {string} k */
  focusEnd(k) {
    if (!this.session.state.selection.includes(k)) this.session.dispatch({ type: "select", keys: [k] });
  }
}

/** @param {number} n @param {string} what */
function counted(n, what) {
  return `${n} ${what}${n === 1 ? "" : "s"}`;
}
