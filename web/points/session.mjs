// @ts-check
/**
 * What the editors of one node share: the state, the pictures around it, and who wants to know of changes.
 * @typedef {import("./state.mjs").State} State
 * @typedef {import("./state.mjs").Action} Action
 * @typedef {import("./draw.mjs").Result} Result
 * @typedef {"arrow" | "pin" | "brush" | "eraser" | "lasso" | "rectangle" | "hand"} Tool
 * @typedef {"original" | "result" | "compare"} Show
 * @typedef {CanvasImageSource & {width: number, height: number}} Picture
 * @typedef {object} Standing how the picture that is shown stands to what a run would deliver
 * @property {"unconnected" | "loading" | "unknown" | "current" | "outdated"} state "unknown": none is shown
 * @property {string} [why] for people: what is not known, or what changed
 * @property {boolean} [fetching] a run for the picture is on its way
 */

import { around, covers, isAnchor } from "./region.mjs";
import { ARRIVES, editable, initial, reduce, toValue } from "./state.mjs";
import { MAX_LENGTH, ValueError, dump, parse } from "./value.mjs";

export class Session {
  /** @param {(text: string) => void} [changed] hears of every new value */
  constructor(changed = () => {}) {
    this.changed = changed;
    /** @type {State} */ this.state = initial();
    this.text = "";
    /** The string that could not be read, and why. @type {{text: string, message: string} | null} */
    this.broken = null;
    /** @type {Picture | null} */ this.picture = null;
    /** What it is of, by what it was asked for or made from; "" for none. */ this.pictured = "";
    /** @type {Standing} */ this.standing = { state: "unconnected" };
    /** Runs what feeds the node, so that its picture comes. @type {(() => void) | null} */ this.getPicture = null;
    /** Why the last run stopped at this node. */ this.stopped = "";
    /** The shade of the mask that is connected, where it is known; see `masked`. @type {Picture | null} */ this.given = null;
    /** How that stands to what a run would deliver. @type {Standing} */ this.maskStanding = { state: "unconnected" };
    /** The preview is not looked at until its run is over: a person chose what is shown. */ this.aside = false;
    /** Of a run that is not at its end. @type {Picture | null} */ this.preview = null;
    /** The last coarse edit of arrows that are followed. @type {Picture | null} */ this.coarse = null;
    /** @type {Picture | null} */ this.after = null;
    /** @type {Result | null} */ this.result = null;
    /** Pairs that would be used while there are none. @type {{handle: [number, number], target: [number, number]}[]} */
    this.suggestion = [];
    /** Something is connected that makes them, known here or not. */ this.suggested = false;
    /** `json` is connected: what is drawn here is not used. */ this.driven = false;
    /** @type {Tool} */ this.tool = "arrow";
    this.brush = { size: 40, hardness: 1 };
    this.opacity = 0.6;
    /** What the stage shows once there is a result. @type {Show} */ this.show = "original";
    /** The original is shown for as long as a key is held. */ this.comparing = false;
    /** The sampler goes on from its last run (`start`), so edits refer to the result. */ this.continues = false;
    /** Why the last run did not succeed. */ this.failure = "";
    /** What a coarse edit waits for, in words, once that takes long. */ this.awaited = "";
    /** The full edit of arrows that are followed is on its way, */ this.fullComes = false;
    /** as this run. */ this.fullRun = "";
    this.maskExplained = false;
    /** Coarse edits are wanted while arrows change, see `live.mjs`. */ this.following = false;
    /** The pointer draws the mask. */ this.painting = false;
    /** A result arrived while a person was busy. */ this.late = false;
    /** The pointer holds an arrow, */ this.held = false;
    /** and this one is not placed yet. @type {{handle: [number, number], target: [number, number]} | null} */ this.drawing = null;
    /** @type {Set<(before: State | null) => void>} */
    this.listeners = new Set();
  }

  /** @param {(before: State | null) => void} listener @returns {() => void} how to stop */
  subscribe(listener) {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** There is an arrow that is on. Pins alone drag nothing. */
  hasArrows() {
    return this.state.doc.pairs.some((p) => !p.off && !isAnchor(p));
  }

  /** Arrows of one's own take the place of the suggestion, and of the mask that comes with it. */
  own() {
    return (this.suggested || this.suggestion.length > 0) && this.hasArrows();
  }

  /** Nothing is protected. */
  unmasked() {
    const { region, shapes } = this.state.doc;
    return !this.joined() && (region === "whole" || (region === "own" && !shapes.length));
  }

  /** The pairs that a run would drag, those of a suggestion while there are none of one's own. */
  dragged() {
    const active = this.state.doc.pairs.filter((p) => !p.off);
    return this.hasArrows() ? active : [...this.suggestion, ...active];
  }

  /** A mask is connected; with a suggestion it belongs to that. */
  get masked() {
    return this.maskStanding.state !== "unconnected";
  }

  /** The connected mask is known to be empty, which counts as none. */
  get givenEmpty() {
    return !this.given && ["current", "outdated"].includes(this.maskStanding.state);
  }

  /** The connected mask takes part. */
  joined() {
    return this.masked && !this.givenEmpty && !this.own();
  }

  /** What is painted says what may change. */
  painted() {
    const { region, shapes } = this.state.doc;
    return region === "own" && shapes.length > 0;
  }

  /** The connected mask says what may change, alone or with what is painted. */
  listens() {
    return this.joined() && !(this.painted() && this.state.doc.mode === "replace");
  }

  /** What may change, in words. */
  regionWords() {
    const { region, shapes } = this.state.doc;
    const covered = this.painted() && !this.listens() ? covers(shapes) : "part";
    if (covered === "nothing") return "nothing may change yet: paint what may";
    if (covered === "all") return "all of the picture may change";
    if (this.painted()) return this.listens() ? "what you painted and the connected mask say what may change" : "what you painted may change";
    if (region !== "own" && this.masked && this.givenEmpty && !this.own()) {
      return `the connected mask is empty and counts as none: ${region === "auto" ? "the region around the arrows" : "all of the picture"} may change`;
    }
    const { state } = this.maskStanding;
    const word = state === "outdated" ? ", which is out of date here," : state === "unknown" ? ", not known before a run," : "";
    if (this.joined()) return `the connected mask${word} says what may change`;
    return region === "auto" ? "the region around the arrows may change" : "all of the picture may change";
  }

  /** What the stage shows: the preview of a run or a coarse edit, the picture that arrived, the result, or both. @returns {"preview" | "picture" | "after" | "compare"} */
  shows() {
    if (this.previewed()) return "preview";
    if (!this.after || this.comparing || this.show === "original") return "picture";
    return this.show === "compare" ? "compare" : "after";
  }

  /** The picture of a coarse edit, which is sharper, or of a run that is not at its end. */
  previewed() {
    return this.comparing ? null : this.coarse ?? (this.aside ? null : this.preview);
  }

  /** @param {boolean} on */
  follow(on) {
    this.following = on;
    [this.coarse, this.awaited] = [null, ""];
    this.refresh();
  }

  /** @param {Picture | null} picture */
  setCoarse(picture) {
    this.coarse = picture;
    this.refresh();
  }

  /** @param {string} what is waited for, empty if nothing is */
  waitFor(what) {
    if (what === this.awaited) return;
    this.awaited = what;
    this.refresh();
  }

  /** The pointer took hold of an arrow, or let it go. @param {boolean} held @param {Session["drawing"]} [drawing] one that is not placed yet */
  hold(held, drawing = null) {
    if (held === this.held && drawing === this.drawing) return this.settle();
    [this.held, this.drawing] = [held, drawing];
    this.settle();
    for (const listener of this.listeners) listener(this.state);
  }

  /** The value as a run would have it if what is being drawn were placed, "" for a suggestion alone; null if nothing would be dragged. */
  asked() {
    if (!this.placeable()) return null;
    const state = this.drawing ? reduce(this.state, { type: "add", pairs: [this.drawing] }) : this.state;
    const drags = this.drawing || this.hasArrows() || this.suggestion.length;
    return drags ? dump(toValue(state)) : null;
  }

  /** @param {Picture | null} shade of the connected mask @param {Standing} standing */
  setMask(shade, standing) {
    [this.given, this.maskStanding] = [shade, standing];
    this.refresh();
  }

  /** @param {string} why the last run did not succeed, empty if it may */
  fail(why) {
    if (why === this.failure) return;
    this.failure = why;
    this.refresh();
  }

  /** @param {Show} show */
  choose(show) {
    if (show !== "original" && !this.after) return;
    [this.show, this.coarse, this.aside] = [show, null, Boolean(this.preview)];
    this.refresh();
  }

  /** A person is in the middle of an arrow or a stroke. */
  busy() {
    return this.held || this.painting || this.state.pending !== null;
  }

  /** What a run made of the picture, which takes the stage unless that is in use. @param {Picture} picture */
  setResult(picture) {
    [this.after, this.late] = [picture, this.busy()];
    if (!this.late) {
      [this.coarse, this.show] = [null, "result"];
      this.dispatch({ type: "cancel" });
    }
    this.refresh();
  }

  /** What arrived meanwhile is shown, if the arrows are still its own. */
  settle() {
    if (!this.late || this.busy()) return;
    this.late = false;
    if (this.showsResult()) [this.coarse, this.show] = [null, "result"];
  }

  /** The last result belongs to the pairs that are there now. */
  showsResult() {
    const { after, result } = this;
    if (!after || !result) return false;
    const asked = this.dragged();
    const { handles, targets } = result.points;
    if (!samePoints(asked.map((p) => p.handle), handles)) return false;
    return result.lengthened ? asked.every((p, i) => onArrow(p, targets[i])) : samePoints(asked.map((p) => p.target), targets);
  }

  /** The region around the arrows, where that is what may change. */
  followed() {
    const { region, width, height } = this.state.doc;
    return region === "auto" && !this.joined() && width && height ? around(this.dragged(), { width, height }) : [];
  }

  /** Why a step of drawing the mask would do nothing that is meant; empty if it does. @param {import("./value.mjs").Shape} shape */
  idle(shape) {
    if (!["invert", "grow"].includes(shape.kind) || this.painted() || this.followed().length) return "";
    if (this.joined()) return "Only the connected mask says what may change, which is not changed here: Invert, Grow and Shrink are for what is painted.";
    return shape.kind === "grow" ? "All of the picture may change: there is nothing to grow or shrink." : "";
  }

  /** What was copied. @param {import("./value.mjs").Value} value */
  paste(value) {
    this.dispatch({ type: "paste", value, below: this.followed() });
  }

  /** A step of drawing the mask; what may change until now is where it begins. @param {import("./value.mjs").Shape} shape */
  paint(shape) {
    const { doc } = this.state;
    /** @type {Extract<Action, {type: "shape"}>} */
    const action = { type: "shape", shape };
    const followed = this.followed();
    if (followed.length) {
      action.below = followed;
    } else if (!this.painted() && (shape.erase || shape.kind === "invert")) {
      // taken away from a connected mask, or from everything
      [action.below, action.mode] = [[{ kind: "fill" }], this.joined() ? "intersect" : doc.mode];
    } else if (doc.region === "whole") {
      action.below = doc.shapes;
    }
    // with what is connected added to it, it would not be empty
    if (shape.kind === "clear" && this.masked) action.mode = "replace";
    this.dispatch(action);
  }

  /** Something can be placed on the picture. */
  placeable() {
    return !this.broken && !this.driven && editable(this.state);
  }

  /** Something beside the state changed. */
  refresh() {
    for (const listener of this.listeners) listener(null);
  }

  /** @param {Action} action */
  dispatch(action) {
    const before = this.state;
    const belonged = this.showsResult();
    this.state = reduce(before, action);
    if (this.state === before) return;
    // a picture of another size, or a loaded value, is no doing of a person: the value stays, and a run reads it by the same rule
    const text = this.state.doc !== before.doc && !ARRIVES.has(action.type) ? dump(toValue(this.state)) : this.text;
    if (text.length > MAX_LENGTH) this.state = { ...before, refused: "That would be more than a workflow can hold: clear some of what is painted." };
    // undo, a loaded value or Live's next coarse edit: none says that the result is of other arrows now
    if (belonged && !this.continues && !this.showsResult()) this.show = "original";
    this.settle();
    if (this.state.doc !== before.doc) {
      this.stopped = "";
      // what is drawn or painted is seen on the original
      if (this.preview && action.type !== "load" && action.type !== "picture") this.aside = true;
    }
    if (this.state.doc !== before.doc && !this.broken && text !== this.text) {
      this.text = text;
      this.changed(text);
    }
    for (const listener of this.listeners) listener(before);
  }

  /** The value as it is saved: what was read, if that could not be understood. */
  getValue() {
    return this.broken ? this.broken.text : this.text;
  }

  /** @param {unknown} value from a workflow, a link, ComfyUI's undo, or a person who pasted it */
  setValue(value) {
    const text = typeof value === "string" ? value : value === null || value === undefined ? "" : JSON.stringify(value);
    if (!this.broken && text === this.text) return;
    try {
      const parsed = parse(text);
      this.broken = null;
      this.text = text;
      this.dispatch({ type: "load", value: parsed });
    } catch (error) {
      if (!(error instanceof ValueError)) throw error;
      this.broken = { text, message: error.message };
    }
    this.refresh();
  }

  /** Give up a string that could not be read. */
  startAfresh() {
    if (!this.broken) return;
    this.broken = null;
    this.text = dump(toValue(this.state));
    this.changed(this.text);
    this.refresh();
  }

  /** @param {Picture | null} picture @param {string} [pictured] what it is of */
  setPicture(picture, pictured = "") {
    if (picture !== this.picture || pictured !== this.pictured) this.coarse = null;
    this.pictured = pictured;
    if (picture && !this.picture) this.failure = ""; // it was of a graph without one
    this.picture = picture;
    this.dispatch({ type: "picture", size: picture && { width: picture.width, height: picture.height } });
    this.refresh();
  }
}

/** @param {import("./value.mjs").Point[]} a @param {import("./value.mjs").Point[]} b */
export function samePoints(a, b) {
  return a.length === b.length && a.every((p, i) => Math.abs(p[0] - b[i][0]) < 0.02 && Math.abs(p[1] - b[i][1]) < 0.02);
}

/** Whether a place lies on the line from handle to target, or on its way on. @param {{handle: import("./value.mjs").Point, target: import("./value.mjs").Point}} arrow @param {import("./value.mjs").Point} at */
function onArrow({ handle, target }, at) {
  const [dx, dy, px, py] = [target[0] - handle[0], target[1] - handle[1], at[0] - handle[0], at[1] - handle[1]];
  return Math.abs(dx * py - dy * px) <= 1.5 * Math.hypot(dx, dy) && dx * px + dy * py >= 0;
}
