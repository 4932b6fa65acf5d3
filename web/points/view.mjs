// @ts-check
/**
 * The editor's face: a toolbar, the stage with the picture, a table of the pairs. It shows a session and turns gestures
 * into actions; it keeps nothing that is worth saving.
 * @typedef {import("./session.mjs").Session} Session
 * @typedef {import("./session.mjs").Tool} Tool
 * @typedef {import("./geometry.mjs").Point} Point
 * @typedef {import("./geometry.mjs").View} View
 * @typedef {import("./value.mjs").Shape} Shape
 * @typedef {import("./state.mjs").End} End
 */

import { addStyle, el } from "./dom.mjs";
import { MaskLayer, paintArrow, paintLoupe, paintMarquee, paintPicture, paintResult, paintTool } from "./draw.mjs";
import { centred, colour, distance, fit, kept, toPicture, toScreen, zoomAt } from "./geometry.mjs";
import { Keys } from "./keys.mjs";
import { TOOLS, layout } from "./layout.mjs";
import { CLICK, Pointer, held } from "./pointer.mjs";
import { around } from "./region.mjs";
import { key, outside, unkey } from "./state.mjs";

export class Editor {
  /**
   * @param {Session} session
   * @param {{enlarge?: () => void, close?: () => void, wheel?: (event: WheelEvent) => void, middle?: (event: PointerEvent) => void}} [options]
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
    /** The view shows all of the picture, so it follows when the stage changes. */ this.fitted = true;
    this.mask = new MaskLayer();
    /** Buttons of handles and targets by key. @type {Map<string, HTMLButtonElement>} */ this.ends = new Map();
    this.parts = layout(session, this, options);
    this.root = this.parts.root;
    this.stage = this.parts.stage;
    this.base = this.parts.base;
    this.top = this.parts.top;
    this.pointer = new Pointer(this, options);
    this.keys = new Keys(this, options);
    this.unsubscribe = session.subscribe((before) => this.update(before));
    this.observer = new ResizeObserver(() => this.resized());
    this.observer.observe(this.stage);
    this.update(null);
  }

  destroy() {
    this.unsubscribe();
    this.observer.disconnect();
    cancelAnimationFrame(this.scheduled);
    this.root.remove();
  }

  // ---- showing --------------------------------------------------------------------------------------------------

  /** @param {import("./state.mjs").State | null} before */
  update(before) {
    const { session, parts } = this;
    const { doc, past, future } = session.state;
    this.stage.dataset.picture = session.picture ? `${session.picture.width}x${session.picture.height}` : "";
    for (const [tool, b] of parts.tools) b.setAttribute("aria-pressed", String(tool === session.tool));
    parts.undo.disabled = !past.length;
    parts.redo.disabled = !future.length;
    parts.compare.disabled = !session.after;
    parts.pairs.textContent = `${doc.pairs.length} ${doc.pairs.length === 1 ? "pair" : "pairs"}`;
    parts.maskBar.hidden = !["brush", "eraser", "lasso", "rectangle"].includes(session.tool);
    parts.mode.value = doc.mode;
    parts.error.hidden = !session.broken;
    if (session.broken) {
      parts.errorText.textContent = `These points cannot be read: ${session.broken.message}`;
      parts.errorRaw.value = session.broken.text.slice(0, 20_000);
    }
    // the picture below is painted anew only when the mask or something beside the state changed
    if (!before || before.doc.shapes !== doc.shapes || before.doc.width !== doc.width || before.doc.height !== doc.height) this.dirty = true;
    const shows = session.preview ? "preview" : session.after && !session.comparing && this.showsResult() ? "after" : "picture";
    // drawing the first arrow, or one that was not asked for, changes what lies below
    if (this.shown !== shows + session.own()) this.dirty = true;
    this.shown = shows + session.own();
    this.stage.dataset.shows = shows;
    this.syncEnds();
    parts.table.update();
    this.showHint();
    this.draw();
  }

  showHint() {
    const { session } = this;
    const { pairs } = session.state.doc;
    const out = outside(session.state.doc);
    const stuck = pairs.flatMap((p, i) => (!p.off && session.protected.some((h) => samePoints([h], [p.handle])) ? [i + 1] : []));
    let text = "";
    if (!session.picture) text = "No picture yet: connect one to `image`, or queue once.";
    else if (out.length) text = `Outside this picture: pair ${out.join(", ")}. Move or remove it.`;
    else if (stuck.length) text = `Protected, so it cannot move: what lies under the handle of pair ${stuck.join(", ")}. Paint there, or press Suggest.`;
    else if (session.state.pending) text = "Click the target. Escape takes the handle back.";
    else if (["brush", "lasso", "rectangle"].includes(session.tool) && !session.maskExplained && !session.state.doc.shapes.length)
      text = "Paint what may change: editable here, protected everywhere else.";
    else if (!pairs.length && session.suggestion.length) text = "The dashed arrows are a suggestion. Drag one arrow of your own to replace them.";
    else if (!pairs.length) text = "Press on what you want to move, and release where it shall go.";
    this.parts.hint.textContent = text;
    this.parts.hint.hidden = !text;
  }

  /** The size that coordinates refer to. */
  size() {
    const { picture, state } = this.session;
    const { width, height } = state.doc;
    if (picture) return { width: picture.width, height: picture.height };
    return { width: width ?? 512, height: height ?? 512 };
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
      this.placeEnds();
    }
    return this.view;
  }

  /** @param {View} view */
  setView(view) {
    const whole = fit(this.size(), this.stageSize());
    this.fitted = Math.abs(view.scale - whole.scale) < 1e-9;
    this.view = this.fitted ? whole : kept(view, this.size(), this.stageSize());
    this.dirty = true;
    this.placeEnds();
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
    if (this.dirty) this.paintBase(view);
    this.paintTop(view);
  }

  /** @param {HTMLCanvasElement} canvas */
  cleared(canvas) {
    const c = canvas.getContext("2d");
    if (!c) return null;
    c.setTransform(1, 0, 0, 1, 0, 0);
    c.clearRect(0, 0, canvas.width, canvas.height);
    const { width, height } = this.stageSize();
    c.setTransform(canvas.width / width, 0, 0, canvas.height / height, 0, 0);
    return c;
  }

  /** @param {View} view */
  paintBase(view) {
    this.dirty = false;
    const c = this.cleared(this.base);
    if (!c) return;
    const { session } = this;
    const { shapes } = session.state.doc;
    const size = this.size();
    const image = session.preview ?? (session.after && !session.comparing && this.showsResult() ? session.after : session.picture);
    let shade = null;
    if (shapes.length) {
      this.mask.update(shapes, size);
      shade = this.mask.canvas;
    }
    const plain = session.preview || session.comparing || this.showsResult();
    paintPicture(c, view, size, image, plain ? null : shade ?? (session.own() ? null : session.given), session.opacity);
  }

  /** The last result belongs to the pairs that are there now. */
  showsResult() {
    const { after, result, state } = this.session;
    if (!after || !result) return false;
    const pairs = state.doc.pairs.filter((p) => !p.off);
    const asked = pairs.length ? pairs : this.session.suggestion;
    return samePoints(asked.map((p) => p.handle), result.points.handles) && samePoints(asked.map((p) => p.target), result.points.targets);
  }

  /** @param {View} view */
  paintTop(view) {
    const c = this.cleared(this.top);
    if (!c) return;
    const { session } = this;
    const { gesture, hover } = this.pointer;
    if (session.comparing) return;
    const { doc, pending } = session.state;
    const selected = new Set(session.state.selection);
    doc.pairs.forEach((p, i) => {
      paintArrow(c, toScreen(view, p.handle), toScreen(view, p.target), i, {
        off: p.off,
        selected: { handle: selected.has(key(p.id, "handle")), target: selected.has(key(p.id, "target")) },
      });
    });
    if (!doc.pairs.length) session.suggestion.forEach((p, i) => paintArrow(c, toScreen(view, p.handle), toScreen(view, p.target), i, { ghost: true }));
    if (session.result && this.showsResult()) paintResult(c, view, session.result);
    const next = doc.pairs.length;
    if (pending) paintArrow(c, toScreen(view, pending), hover ?? toScreen(view, pending), next, { ghost: true });
    if (gesture?.kind === "new" && distance(gesture.from, gesture.to) > CLICK && !pending) paintArrow(c, gesture.from, gesture.to, next);
    if (gesture?.kind === "marquee") paintMarquee(c, gesture.from, gesture.to);
    if (gesture?.kind === "tool") {
      const path = gesture.path.map((p) => toScreen(view, p));
      paintTool(c, path, gesture.tool, session.brush.size * view.scale, gesture.erase);
    }
    if (this.cursor) this.paintCursor(c, view);
    if (!gesture && hover && ["brush", "eraser"].includes(session.tool)) {
      c.beginPath();
      c.arc(hover[0], hover[1], Math.max(1, (session.brush.size * view.scale) / 2), 0, 2 * Math.PI);
      c.lineWidth = 1.5;
      c.strokeStyle = "#fff";
      c.stroke();
    }
    const place = this.loupePlace(view);
    if (place) paintLoupe(c, view, this.size(), this.stageSize(), session.picture, place.at, colour(place.index));
  }

  /** @param {CanvasRenderingContext2D} c @param {View} view */
  paintCursor(c, view) {
    const [x, y] = toScreen(view, /** @type {Point} */ (this.cursor));
    c.lineWidth = 1.5;
    c.strokeStyle = "#fff";
    c.beginPath();
    c.moveTo(x - 10, y);
    c.lineTo(x + 10, y);
    c.moveTo(x, y - 10);
    c.lineTo(x, y + 10);
    c.stroke();
  }

  /** What the magnifier shows: the end that is being moved. @param {View} view @returns {{at: Point, index: number} | null} */
  loupePlace(view) {
    const { gesture } = this.pointer;
    const { pairs } = this.session.state.doc;
    const grabbed = held(gesture);
    const index = grabbed ? pairs.findIndex((p) => p.id === grabbed.id) : -1;
    if (grabbed && index >= 0) return { at: pairs[index][grabbed.end], index };
    if (gesture?.kind === "new" && distance(gesture.from, gesture.to) > CLICK) return { at: toPicture(view, gesture.to), index: pairs.length };
    return null;
  }

  /** Buttons under the handles and targets, for the keyboard and for screen readers. */
  syncEnds() {
    const { doc } = this.session.state;
    const wanted = new Set();
    doc.pairs.forEach((p, i) => {
      for (const end of /** @type {End[]} */ (["handle", "target"])) {
        const k = key(p.id, end);
        wanted.add(k);
        let b = this.ends.get(k);
        if (!b) {
          b = el("button", { type: "button", class: "gd-end", "data-key": k });
          b.addEventListener("focus", () => this.focusEnd(k));
          this.ends.set(k, b);
          this.parts.ends.append(b);
        }
        const [x, y] = p[end];
        const words = `pair ${i + 1}, ${end}, x ${Math.round(x)}, y ${Math.round(y)}${p.off ? ", off" : ""}`;
        const seen = `${words}|${x}|${y}`;
        if (b.dataset.seen !== seen) {
          b.dataset.seen = seen;
          b.setAttribute("aria-label", words);
          if (this.view) this.placeEnd(b, p[end]);
        }
      }
    });
    for (const [k, b] of this.ends) {
      if (wanted.has(k)) continue;
      if (b === document.activeElement) this.stage.focus({ preventScroll: true });
      b.remove();
      this.ends.delete(k);
    }
  }

  /** @param {HTMLElement} b @param {Point} at */
  placeEnd(b, at) {
    const [x, y] = toScreen(/** @type {View} */ (this.view), at);
    b.style.transform = `translate(${x}px, ${y}px)`;
  }

  placeEnds() {
    for (const p of this.session.state.doc.pairs) {
      for (const end of /** @type {End[]} */ (["handle", "target"])) {
        const b = this.ends.get(key(p.id, end));
        if (b) this.placeEnd(b, p[end]);
      }
    }
  }

  /** @param {string} text read out and shown */
  say(text) {
    this.parts.status.setAttribute("aria-live", "polite");
    this.parts.status.textContent = text;
  }

  /** @param {string} text shown only: it changes with every move of the pointer */
  show(text) {
    this.parts.status.setAttribute("aria-live", "off");
    this.parts.status.textContent = text;
  }

  /** A pair was drawn. */
  sayPlaced() {
    const count = this.session.state.doc.pairs.length;
    this.say(`pair ${count} placed${this.session.unmasked() ? "; without a mask all of the picture may change" : ""}`);
  }

  /** Say where an end is. @param {string} k @param {number} digits */
  sayEnd(k, digits) {
    const { id, end } = unkey(k);
    const { pairs } = this.session.state.doc;
    const index = pairs.findIndex((p) => p.id === id);
    if (index < 0) return;
    const [x, y] = pairs[index][end];
    this.say(`pair ${index + 1}, ${end}, x ${x.toFixed(digits)}, y ${y.toFixed(digits)}`);
  }

  // ---- commands -------------------------------------------------------------------------------------------------

  /** @param {Tool} tool */
  choose(tool) {
    this.session.tool = tool;
    this.stage.dataset.cursor = tool === "hand" ? "grab" : tool === "brush" || tool === "eraser" ? "none" : "";
    this.session.refresh();
    this.say(TOOLS.find(([t]) => t === tool)?.[2] ?? "");
  }

  /** @param {Partial<{size: number, hardness: number}>} change */
  setBrush(change) {
    Object.assign(this.session.brush, change);
    this.draw();
  }

  /** @param {boolean} on @returns {boolean} */
  compare(on) {
    if (on && !this.session.after) return false;
    if (this.session.comparing !== on) {
      this.session.comparing = on;
      this.session.refresh();
      if (on) this.say("The original");
    }
    return true;
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

  suggest() {
    const { doc } = this.session.state;
    const shapes = around(doc.pairs.length ? doc.pairs : this.session.suggestion, this.size());
    if (!shapes.length) return this.say("Draw an arrow first.");
    for (const shape of shapes) this.session.dispatch({ type: "shape", shape });
    this.say("A region around the arrows may change now.");
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

/** @param {Point[]} a @param {Point[]} b */
function samePoints(a, b) {
  return a.length === b.length && a.every((p, i) => Math.abs(p[0] - b[i][0]) < 0.02 && Math.abs(p[1] - b[i][1]) < 0.02);
}
