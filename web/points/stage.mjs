// @ts-check
/**
 * What the stage shows, on two canvases: below the picture, the result or both, with the mask; above what moves with the
 * pointer, and the region that follows the arrows.
 * @typedef {import("./view.mjs").Editor} Editor
 * @typedef {import("./geometry.mjs").Point} Point
 * @typedef {import("./geometry.mjs").View} View
 */

import { MaskLayer, paintArrow, paintCompared, paintLoupe, paintMarquee, paintPicture, paintPin, paintResult, paintSurroundings, paintTool } from "./draw.mjs";
import { colour, distance, toPicture, toScreen } from "./geometry.mjs";
import { CLICK, held } from "./pointer.mjs";
import { around, isAnchor } from "./region.mjs";
import { asShown, inside, key } from "./state.mjs";

/** A mask is a lighter shade where it lies on a result. */
const LIGHTER = 0.5;

/** Pixels of a side of the latent's cells. */
const CELL = 8;

export class StagePainter {
  /** @param {Editor} editor */
  constructor(editor) {
    this.editor = editor;
    this.session = editor.session;
    this.mask = new MaskLayer();
    this.probe = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
    /** What `cutOff` and `stuck` were found in. @type {unknown[]} */ this.probed = [];
    /** Numbers of the pairs whose handle lies where nothing may change, @type {number[]} */ this.stuck = [];
    /** and of those whose target does. @type {number[]} */ this.cutOff = [];
  }

  /** @param {HTMLCanvasElement} canvas */
  cleared(canvas) {
    const c = canvas.getContext("2d");
    if (!c) return null;
    c.setTransform(1, 0, 0, 1, 0, 0);
    c.clearRect(0, 0, canvas.width, canvas.height);
    const { width, height } = this.editor.stageSize();
    c.setTransform(canvas.width / width, 0, 0, canvas.height / height, 0, 0);
    return c;
  }

  opacity() {
    const shows = this.session.shows();
    if (shows === "preview" || this.session.comparing) return 0;
    return this.session.opacity * (shows === "picture" ? 1 : LIGHTER);
  }

  /** What is shaded below: what shapes, a connected mask, or both protect. */
  shade() {
    const { session } = this;
    const { shapes, mode } = session.state.doc;
    const given = session.picture && session.listens() ? session.given : null;
    if (!session.painted()) return given;
    this.mask.update(shapes, this.editor.size());
    if (this.refused()) this.editor.showHint();
    return given ? this.mask.with(given, mode) : this.mask.canvas;
  }

  /** Why the shapes that are there now are not drawn, for people. */
  refused() {
    return this.mask.shapes === this.session.state.doc.shapes ? this.mask.refused : "";
  }

  /** Look which ends lie where nothing may change, as far as a run's mask is known here. Returns whether that is news. */
  look() {
    const { session } = this;
    const { doc } = session.state;
    const unsure = !session.placeable() || (session.listens() && session.maskStanding.state !== "current");
    const from = [doc, session.given, session.picture, session.own(), unsure];
    if (from.every((value, i) => value === this.probed[i])) return false;
    const before = String([this.stuck, "/", this.cutOff]);
    this.probed = from;
    const shade = unsure ? null : this.shade();
    const arrows = doc.pairs.flatMap((p, i) => (p.off || isAnchor(p) ? [] : [{ ...p, number: i + 1 }]));
    const numbers = arrows.map((p) => p.number);
    const dark = shade ? this.shaded(shade, arrows.flatMap((p) => [p.handle, p.target])) : [];
    this.stuck = numbers.filter((_, i) => dark[2 * i]);
    this.cutOff = numbers.filter((_, i) => dark[2 * i + 1] && !dark[2 * i]);
    return before !== String([this.stuck, "/", this.cutOff]);
  }

  /** Which of these places a shade protects, by the cell of the latent, which is what its first pixel is. @param {import("./session.mjs").Picture} shade @param {Point[]} points */
  shaded(shade, points) {
    if (!this.probe || !points.length) return [];
    const { width, height } = this.editor.size();
    [this.probe.canvas.width, this.probe.canvas.height] = [points.length, 1];
    points.forEach(([x, y], i) => {
      const [cx, cy] = [x, y].map((v) => CELL * Math.floor(Math.floor(v + 0.5) / CELL) + 0.5);
      const at = [cx * (shade.width / width), cy * (shade.height / height)];
      this.probe?.drawImage(shade, Math.floor(at[0]), Math.floor(at[1]), 1, 1, i, 0, 1, 1);
    });
    const { data } = this.probe.getImageData(0, 0, points.length, 1);
    return points.map((_, i) => data[4 * i + 3] > 127);
  }

  /** @param {View} view */
  below(view) {
    const c = this.cleared(this.editor.base);
    if (!c) return;
    const { session, editor } = this;
    const shows = session.shows();
    const image = session.previewed() ?? (shows === "after" ? session.after : session.picture);
    const size = editor.size();
    paintPicture(c, view, size, image, null, 0);
    if (shows === "compare" && session.after) paintCompared(c, view, size, session.after, editor.divider());
    const shade = this.opacity() ? this.shade() : null;
    if (shade) paintPicture(c, view, size, null, shade, this.opacity());
  }

  /** @param {View} view */
  above(view) {
    const c = this.cleared(this.editor.top);
    if (!c) return;
    const { session, editor } = this;
    if (session.comparing) return;
    const { gesture, hover } = editor.pointer;
    const { doc, pending } = session.state;
    if (doc.region === "auto" && !session.joined() && this.opacity()) {
      paintSurroundings(c, view, editor.size(), around(this.future(view), editor.size()), this.opacity());
    }
    const selected = new Set(session.state.selection);
    const shown = asShown(session.state);
    doc.pairs.forEach((p, i) => {
      const [from, to] = [p.handle, p.target].map((end) => toScreen(view, inside(shown, end)));
      const ends = { handle: selected.has(key(p.id, "handle")), target: selected.has(key(p.id, "target")) };
      if (isAnchor(p)) paintPin(c, from, i, { off: p.off, selected: ends.handle || ends.target });
      else paintArrow(c, from, to, i, { off: p.off, selected: ends, outside: editor.isOutside(p) });
    });
    if (!session.hasArrows()) {
      session.suggestion.forEach((p, i) => paintArrow(c, toScreen(view, p.handle), toScreen(view, p.target), doc.pairs.length + i, { ghost: true }));
    }
    if (session.result && !session.coarse && session.showsResult()) paintResult(c, view, session.result);
    const next = doc.pairs.length;
    if (pending) paintArrow(c, toScreen(view, pending), hover ?? toScreen(view, pending), next, { ghost: true });
    if (gesture?.kind === "new" && distance(gesture.from, gesture.to) > this.editor.pointer.reach(CLICK) && !pending) paintArrow(c, gesture.from, gesture.to, next);
    if (gesture?.kind === "marquee") paintMarquee(c, gesture.from, gesture.to);
    if (gesture?.kind === "tool") {
      const path = gesture.path.map((p) => toScreen(view, p));
      paintTool(c, path, gesture.tool, session.brush.size * view.scale, gesture.erase);
    }
    if (editor.cursor) this.cursor(c, view, editor.cursor);
    if (!gesture && hover && ["brush", "eraser"].includes(session.tool)) this.brush(c, view, hover);
    const place = this.loupePlace(view);
    if (place) paintLoupe(c, view, editor.size(), editor.stageSize(), session.picture, place.at, colour(place.index));
  }

  /** The arrows as they will be once the one that is being drawn is there. @param {View} view @returns {import("./region.mjs").Arrow[]} */
  future(view) {
    const { gesture, hover } = this.editor.pointer;
    const { pending, doc } = this.session.state;
    const from = pending ?? (gesture?.kind === "new" ? toPicture(view, gesture.from) : null);
    const to = gesture?.kind === "new" ? gesture.to : pending ? hover : null;
    const drawn = from && to && (pending || distance(toScreen(view, from), to) > this.editor.pointer.reach(CLICK)) ? [{ handle: from, target: toPicture(view, to) }] : [];
    return drawn.length ? [...doc.pairs, ...drawn] : this.session.dragged();
  }

  /** @param {CanvasRenderingContext2D} c @param {View} view @param {Point} hover */
  brush(c, view, hover) {
    c.beginPath();
    c.arc(hover[0], hover[1], Math.max(1, (this.session.brush.size * view.scale) / 2), 0, 2 * Math.PI);
    c.lineWidth = 1.5;
    c.strokeStyle = "#fff";
    c.stroke();
  }

  /** @param {CanvasRenderingContext2D} c @param {View} view @param {Point} at */
  cursor(c, view, at) {
    const [x, y] = toScreen(view, at);
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
    const { gesture } = this.editor.pointer;
    const { pairs } = this.session.state.doc;
    const grabbed = held(gesture);
    const index = grabbed ? pairs.findIndex((p) => p.id === grabbed.id) : -1;
    if (grabbed && index >= 0) return { at: pairs[index][grabbed.end], index };
    if (gesture?.kind === "new" && distance(gesture.from, gesture.to) > this.editor.pointer.reach(CLICK)) return { at: toPicture(view, gesture.to), index: pairs.length };
    return null;
  }
}
