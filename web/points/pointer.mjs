// @ts-check
/**
 * Mouse, pen and touch on the stage, turned into actions.
 *
 * Nothing is prevented on pointerdown: ComfyUI's undo listens for what follows it.
 * @typedef {import("./view.mjs").Editor} Editor
 * @typedef {import("./geometry.mjs").Point} Point
 * @typedef {import("./geometry.mjs").View} View
 * @typedef {import("./state.mjs").End} End
 * @typedef {{kind: "pan", from: Point, view: View}} Pan
 * @typedef {{kind: "move", from: Point, id: string, started: boolean, grabbed: string}} Move
 * @typedef {{kind: "new", from: Point, to: Point}} New
 * @typedef {{kind: "pin", from: Point}} Pin
 * @typedef {{kind: "marquee", from: Point, to: Point, add: boolean}} Marquee
 * @typedef {{kind: "tool", tool: "brush" | "lasso" | "rectangle", erase: boolean, path: Point[]}} ToolGesture
 * @typedef {{kind: "pinch", view: View, centre: Point, spread: number}} Pinch
 * @typedef {Pan | Move | New | Pin | Marquee | ToolGesture | Pinch} Gesture
 */

import { distance, hit, simplified, snapped, toPicture, toScreen, zoomAt } from "./geometry.mjs";
import { key, unkey } from "./state.mjs";

/** Screen pixels around an end that take hold of it. */
const REACH = 13;
/** A press that moves less than this is a click. */
export const CLICK = 4;
/** A held end that moves less than this stays. */
const STILL = 2;

let gestures = 0;

export class Pointer {
  /** @param {Editor} editor @param {{wheel?: (event: WheelEvent) => void, middle?: (event: PointerEvent) => void}} options */
  constructor(editor, options) {
    this.editor = editor;
    this.session = editor.session;
    this.options = options;
    /** @type {Gesture | null} */ this.gesture = null;
    /** @type {Map<number, Point>} */ this.down = new Map();
    /** Where the pointer is, on the stage. @type {Point | null} */ this.hover = null;
    /** Where a button was pressed last; a contextmenu event knows whole pixels only. @type {Point} */ this.last = [0, 0];
    this.panning = false;
    const { stage } = editor;
    stage.addEventListener("pointerdown", (e) => this.press(e));
    stage.addEventListener("pointermove", (e) => this.move(e));
    stage.addEventListener("pointerup", (e) => this.release(e, true));
    stage.addEventListener("pointercancel", (e) => this.release(e, false));
    stage.addEventListener("lostpointercapture", (e) => this.release(e, false));
    stage.addEventListener("pointerleave", () => { this.hover = null; editor.draw(); });
    stage.addEventListener("pointerenter", () => editor.resized());
    stage.addEventListener("wheel", (e) => this.wheel(e), { passive: false });
    stage.addEventListener("dblclick", (e) => e.stopPropagation());
  }

  /** CSS pixels of the stage, whatever the graph's zoom. @param {MouseEvent} event @returns {Point} */
  at(event) {
    const { stage } = this.editor;
    const rect = stage.getBoundingClientRect();
    const zoom = stage.offsetWidth ? rect.width / stage.offsetWidth : 1;
    return [(event.clientX - rect.left) / zoom - stage.clientLeft, (event.clientY - rect.top) / zoom - stage.clientTop];
  }

  /** Pixels of the screen in those of the stage, where the graph is shown smaller. @param {number} pixels */
  reach(pixels) {
    const { stage } = this.editor;
    const { width } = stage.getBoundingClientRect();
    return pixels / Math.min(width && stage.offsetWidth ? width / stage.offsetWidth : 1, 1);
  }

  /** @param {PointerEvent} event */
  press(event) {
    if (event.button === 1 && this.options.middle) return this.options.middle(event);
    this.last = this.at(event);
    if (event.button > 1) return;
    event.stopPropagation();
    const { editor, session } = this;
    editor.resized();
    editor.stage.focus({ preventScroll: true });
    if (editor.keys.reads()) document.getSelection()?.removeAllRanges();
    editor.stage.setPointerCapture(event.pointerId);
    const at = this.at(event);
    this.down.set(event.pointerId, at);
    if (this.down.size === 2) this.startPinch();
    if (this.down.size > 1 || session.broken) return;
    editor.cursor = null;
    const view = editor.currentView();
    if (event.button === 1 || this.panning || session.tool === "hand") {
      this.gesture = { kind: "pan", from: at, view };
      return editor.draw();
    }
    if (editor.closed()) return;
    editor.edits();
    if (session.tool === "arrow" || session.tool === "pin") {
      this.pressArrow(event, at, view);
    } else {
      const tool = session.tool === "eraser" ? "brush" : session.tool;
      this.gesture = { kind: "tool", tool, erase: session.tool === "eraser" || event.altKey, path: [toPicture(view, at)] };
      session.painting = true;
    }
    editor.draw();
  }

  /** @param {PointerEvent} event @param {Point} at @param {View} view */
  pressArrow(event, at, view) {
    const { session } = this;
    const { pending, selection } = session.state;
    const found = pending ? null : hit(this.editor.shownPairs(), view, at, this.reach(event.pointerType === "touch" ? 2 * REACH : REACH));
    if (found) {
      const keys = found.part === "shaft" ? [key(found.id, "handle"), key(found.id, "target")] : [key(found.id, found.part)];
      if (event.shiftKey || event.ctrlKey || event.metaKey) return session.dispatch({ type: "select", keys, how: "toggle" });
      if (!keys.every((k) => selection.includes(k))) session.dispatch({ type: "select", keys });
      this.gesture = { kind: "move", from: at, id: `move-${++gestures}`, started: false, grabbed: keys[0] };
      this.editor.stage.dataset.cursor = "move";
      session.hold(true);
    } else if (event.shiftKey && !pending) {
      this.gesture = { kind: "marquee", from: at, to: at, add: event.ctrlKey };
    } else if (this.beside(at, view)) {
      this.editor.say("Press on the picture.");
    } else if (session.tool === "pin") {
      this.gesture = { kind: "pin", from: at };
    } else {
      this.gesture = { kind: "new", from: at, to: at };
    }
  }

  /** Further from the picture than a press on its border can be. @param {Point} at @param {View} view */
  beside(at, view) {
    const { width, height } = this.editor.size();
    const [x, y] = toPicture(view, at);
    const [dx, dy] = [Math.max(-x, x - width + 1, 0), Math.max(-y, y - height + 1, 0)];
    return Math.max(dx, dy) * view.scale > this.reach(REACH);
  }

  /** Two fingers: what one finger had begun is dropped. */
  startPinch() {
    const [a, b] = [...this.down.values()];
    this.takeBack();
    this.session.hold(false);
    this.gesture = { kind: "pinch", view: this.editor.currentView(), spread: Math.max(distance(a, b), 1), centre: middle(a, b) };
  }

  /** @param {PointerEvent} event */
  move(event) {
    const at = this.at(event);
    if (this.down.has(event.pointerId)) this.down.set(event.pointerId, at);
    this.hover = at;
    const { editor, gesture } = this;
    const view = editor.currentView();
    switch (gesture?.kind) {
      case "pinch":
        return this.movePinch(gesture);
      case "pan":
        return editor.setView({ ...gesture.view, x: gesture.view.x + at[0] - gesture.from[0], y: gesture.view.y + at[1] - gesture.from[1] });
      case "move":
        return this.moveEnds(event, at, view, gesture);
      case "new":
        this.moveArrow(event, at, view, gesture);
        break;
      case "marquee":
        gesture.to = at;
        break;
      case "tool":
        this.moveTool(event, view, gesture);
        break;
      default:
        if (!this.down.size) this.describe(at, view);
        if (this.session.shows() === "compare") editor.dirty = true; // the divider follows
    }
    editor.draw();
  }

  /** @param {Pinch} gesture */
  movePinch(gesture) {
    const [a, b] = [...this.down.values()];
    if (!b) return;
    const centre = middle(a, b);
    const { view } = gesture;
    const moved = { ...view, x: view.x + centre[0] - gesture.centre[0], y: view.y + centre[1] - gesture.centre[1] };
    this.editor.setView(zoomAt(moved, centre, distance(a, b) / gesture.spread, this.editor.leastScale()));
  }

  /** @param {PointerEvent} event @param {Point} at @param {View} view @param {New} gesture */
  moveArrow(event, at, view, gesture) {
    const [dx, dy] = [at[0] - gesture.from[0], at[1] - gesture.from[1]];
    const [sx, sy] = event.shiftKey ? snapped(dx, dy) : [dx, dy];
    gesture.to = [gesture.from[0] + sx, gesture.from[1] + sy];
    const [x, y] = toPicture(view, gesture.to);
    const far = distance(gesture.from, gesture.to) > this.reach(CLICK) && !this.session.state.pending;
    this.session.hold(true, far ? { handle: toPicture(view, gesture.from), target: [x, y] } : null);
    this.editor.say(`target x ${Math.round(x)}, y ${Math.round(y)}; ${Math.round(distance(gesture.from, gesture.to) / view.scale)} pixels`);
  }

  /** @param {PointerEvent} event @param {View} view @param {ToolGesture} gesture */
  moveTool(event, view, gesture) {
    const events = event.getCoalescedEvents?.() ?? [];
    for (const e of events.length ? events : [event]) gesture.path.push(toPicture(view, this.at(e)));
    if (gesture.path.length > 5000) gesture.path = simplified(gesture.path, 0.5 / view.scale);
  }

  /** @param {PointerEvent} event @param {Point} at @param {View} view @param {Move} gesture */
  moveEnds(event, at, view, gesture) {
    let [dx, dy] = [(at[0] - gesture.from[0]) / view.scale, (at[1] - gesture.from[1]) / view.scale];
    if (event.shiftKey) [dx, dy] = snapped(dx, dy);
    if (!gesture.started && Math.hypot(dx, dy) * view.scale < this.reach(STILL)) return;
    gesture.started = true;
    this.session.dispatch({ type: "move", dx, dy, gesture: gesture.id });
    this.editor.sayEnd(gesture.grabbed, 1);
  }

  /** Say what is under the pointer. @param {Point} at @param {View} view */
  describe(at, view) {
    const { editor, session } = this;
    if (!session.picture) return;
    const [x, y] = toPicture(view, at);
    const { width, height } = editor.size();
    const inside = x >= -0.5 && y >= -0.5 && x <= width - 0.5 && y <= height - 0.5;
    editor.show(inside ? `x ${Math.round(x)}, y ${Math.round(y)} of ${width} x ${height}` : `${width} x ${height}`);
    if (session.tool === "arrow" || session.tool === "pin") editor.stage.dataset.cursor = hit(editor.shownPairs(), view, at, this.reach(REACH)) ? "move" : "";
  }

  /** What is held goes back to where it was. */
  takeBack() {
    const { gesture, session } = this;
    if (gesture?.kind === "move") session.dispatch({ type: "takeBack", gesture: gesture.id });
    session.painting = false;
  }

  /** Drop what is under way. */
  cancel() {
    this.takeBack();
    this.gesture = null;
    this.session.hold(false);
    this.editor.draw();
  }

  /** @param {PointerEvent} event @param {boolean} done false when the gesture was taken away */
  release(event, done) {
    if (!this.down.delete(event.pointerId)) return;
    const { editor, gesture } = this;
    if (gesture?.kind === "pinch" && this.down.size) return;
    if (!done) this.takeBack();
    this.gesture = null;
    this.session.painting = false;
    this.session.drawing = null; // it is placed now, or dropped
    if (editor.stage.hasPointerCapture(event.pointerId)) editor.stage.releasePointerCapture(event.pointerId);
    if (!gesture || !done) {
      this.session.hold(false);
      return editor.draw();
    }
    const view = editor.currentView();
    if (gesture.kind === "new") this.finishArrow(gesture, view);
    else if (gesture.kind === "pin") editor.pin(toPicture(view, gesture.from));
    else if (gesture.kind === "marquee") this.finishMarquee(gesture, view);
    else if (gesture.kind === "tool") this.finishTool(gesture, view);
    else if (gesture.kind === "move") editor.stage.dataset.cursor = "";
    this.session.hold(false);
    this.session.refresh();
  }

  /** @param {New} gesture @param {View} view */
  finishArrow(gesture, view) {
    const { session, editor } = this;
    const [from, to] = [toPicture(view, gesture.from), toPicture(view, gesture.to)];
    if (session.state.pending) session.dispatch({ type: "place", at: to });
    else if (distance(gesture.from, gesture.to) <= this.reach(CLICK)) session.dispatch({ type: "place", at: from });
    else session.dispatch({ type: "add", pairs: [{ handle: from, target: to }] });
    if (session.state.pending) editor.say("Handle set. Click its target.");
    else editor.sayPlaced();
  }

  /** @param {Marquee} gesture @param {View} view */
  finishMarquee(gesture, view) {
    if (distance(gesture.from, gesture.to) <= this.reach(CLICK)) return this.editor.pin(toPicture(view, gesture.from));
    const [x0, x1] = [gesture.from[0], gesture.to[0]].sort((a, b) => a - b);
    const [y0, y1] = [gesture.from[1], gesture.to[1]].sort((a, b) => a - b);
    /** @param {Point} p */
    const within = (p) => {
      const [x, y] = toScreen(view, p);
      return x >= x0 && x <= x1 && y >= y0 && y <= y1;
    };
    const keys = this.session.state.doc.pairs.flatMap((p) =>
      /** @type {End[]} */ (["handle", "target"]).filter((end) => within(p[end])).map((end) => key(p.id, end)));
    this.session.dispatch({ type: "select", keys, how: gesture.add ? "add" : "set" });
    this.editor.say(`${keys.length} selected`);
  }

  /** @param {ToolGesture} gesture @param {View} view */
  finishTool(gesture, view) {
    const { session } = this;
    const erase = gesture.erase ? { erase: true } : {};
    /** @param {Point} p @returns {Point} */
    const rounded = ([x, y]) => [Math.round(x * 10) / 10, Math.round(y * 10) / 10];
    const points = simplified(gesture.path, Math.max(0.4, 0.7 / view.scale)).map(rounded);
    const { doc } = session.state;
    session.maskExplained = true;
    if (gesture.tool === "brush") {
      const { size, hardness } = session.brush;
      session.paint({ kind: "brush", points, size, hardness, ...erase });
    } else if (gesture.tool === "lasso" && points.length >= 3) {
      session.paint({ kind: "lasso", points, ...erase });
    } else if (gesture.tool === "rectangle" && gesture.path.length > 1) {
      const corners = [gesture.path[0], gesture.path[gesture.path.length - 1]].map(rounded);
      session.paint({ kind: "rectangle", points: corners, ...erase });
    }
    if (session.state.doc !== doc) this.editor.say(gesture.erase ? "Protected now." : "Editable here; the region is your own now.");
  }

  /** The wheel zooms the picture once the editor has been clicked; before, it belongs to the graph. @param {WheelEvent} event */
  wheel(event) {
    const { editor } = this;
    if (this.options.wheel && !editor.root.contains(document.activeElement)) return this.options.wheel(event);
    event.preventDefault();
    event.stopPropagation();
    editor.zoom(Math.exp(-Math.max(-200, Math.min(200, event.deltaY)) * 0.0025), this.at(event));
  }
}

/** @param {Point} a @param {Point} b @returns {Point} */
function middle(a, b) {
  return [(a[0] + b[0]) / 2, (a[1] + b[1]) / 2];
}

/** The end that a gesture holds. @param {Gesture | null} gesture @returns {{id: number, end: End} | null} */
export function held(gesture) {
  return gesture?.kind === "move" ? unkey(gesture.grabbed) : null;
}
