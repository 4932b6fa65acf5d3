// @ts-check
/**
 * What the editor knows and how it changes: a pure reducer `(state, action) -> state`.
 *
 * The document (pairs, region, shapes, mode, and the size of the picture that they refer to) has a history; selection and a handle
 * that waits for its target have none. A gesture, such as a drag of the pointer, names itself so that all of its moves are one step
 * of the history. `picture` is the size of what is shown: without one nothing can be placed, and a document that was made for
 * another size is moved along if that is clear, or has to be decided about first.
 * @typedef {import("./value.mjs").Point} Point
 * @typedef {import("./value.mjs").Shape} Shape
 * @typedef {import("./value.mjs").Mode} Mode
 * @typedef {import("./value.mjs").Region} Region
 * @typedef {import("./value.mjs").Value} Value
 * @typedef {import("./sizes.mjs").Size} Size
 * @typedef {"handle" | "target"} End
 * @typedef {{id: number, handle: Point, target: Point, off: boolean}} Pair
 * @typedef {{pairs: Pair[], shapes: Shape[], mode: Mode, region: Region,
 *   width: number | null, height: number | null}} Doc
 * @typedef {{doc: Doc, selection: string[], pending: Point | null, past: Doc[], future: Doc[], gesture: string | null,
 *   base: Pick<State, "doc" | "past" | "future"> | null, nextId: number, refused: string, picture: Size | null, movedFrom: Size | null}} State `refused`: why the last action
 *   did nothing; `movedFrom`: the size from which the document was moved along
 * @typedef {{type: "load", value: Value}
 *   | {type: "picture", size: Size | null}
 *   | {type: "fit"}
 *   | {type: "keep"}
 *   | {type: "place", at: Point}
 *   | {type: "add", pairs: {handle: Point, target: Point, off?: boolean}[]}
 *   | {type: "cancel"}
 *   | {type: "act"}
 *   | {type: "select", keys: string[], how?: "set" | "toggle" | "add"}
 *   | {type: "selectAll"}
 *   | {type: "move", dx: number, dy: number, gesture: string}
 *   | {type: "takeBack", gesture: string}
 *   | {type: "nudge", dx: number, dy: number, gesture?: string}
 *   | {type: "set", id: number, end: End, at: Point, gesture?: string}
 *   | {type: "remove", ids?: number[]}
 *   | {type: "duplicate"}
 *   | {type: "swap"}
 *   | {type: "clearPairs"}
 *   | {type: "reorder", id: number, to: number}
 *   | {type: "switch", ids: number[], off: boolean}
 *   | {type: "shape", shape: Shape, below?: Shape[], mode?: Mode}
 *   | {type: "shapes", shapes: Shape[]}
 *   | {type: "paste", value: Value, below?: Shape[]}
 *   | {type: "region", region: Region}
 *   | {type: "clearMask"}
 *   | {type: "mode", mode: Mode}
 *   | {type: "undo"} | {type: "redo"}} Action
 */

import { isAnchor } from "./region.mjs";
import { rescaled, sameShape } from "./sizes.mjs";
import { MAX_LISTED, MAX_PAIRS, MAX_SHAPES, MAX_SHAPE_POINTS, empty } from "./value.mjs";

export const HISTORY = 200;
const OFFSET = 12;
/** What takes coordinates of the picture that is shown. */
const ON_PICTURE = new Set(["place", "add", "move", "nudge", "set", "duplicate", "shape", "shapes", "paste"]);

/** What comes to the document by itself; everything else a person does. */
export const ARRIVES = new Set(["picture", "load"]);

/** @returns {State} */
export function initial() {
  return {
    doc: toDoc(empty(), 1).doc,
    selection: [],
    pending: null,
    past: [],
    future: [],
    gesture: null,
    base: null,
    nextId: 1,
    refused: "",
    picture: null,
    movedFrom: null,
  };
}

/** The key of one end of a pair. @param {number} id @param {End} end */
export function key(id, end) {
  return `${id}:${end}`;
}

/** @param {string} k @returns {{id: number, end: End}} */
export function unkey(k) {
  const [id, end] = k.split(":");
  return { id: Number(id), end: /** @type {End} */ (end) };
}

/** @param {Value} value @param {number} nextId @returns {{doc: Doc, nextId: number}} */
function toDoc(value, nextId) {
  const { shapes, mode, region, width, height } = value;
  const pairs = value.pairs.map((p, i) => ({ id: nextId + i, handle: p.handle, target: p.target, off: Boolean(p.off) }));
  return { doc: { pairs, shapes, mode, region, width, height }, nextId: nextId + pairs.length };
}

/** What is saved. @param {State} state @returns {Value} */
export function toValue({ doc }) {
  const { shapes, mode, region, width, height } = doc;
  const pairs = doc.pairs.map(({ handle, target, off }) => (off ? { handle, target, off } : { handle, target }));
  return { pairs, shapes, mode, region, width, height };
}

/** The size that the document's coordinates refer to. @param {{width: number | null, height: number | null}} doc @returns {Size | null} */
export function sizeOf({ width, height }) {
  return width === null || height === null ? null : { width, height };
}

/** @param {Size} a @param {Size} b */
const same = (a, b) => a.width === b.width && a.height === b.height;

/** @param {Doc} doc */
const blank = (doc) => !doc.pairs.length && !doc.shapes.length;

/** The document was made for a picture of another shape than the one that is shown. @param {State} state */
export function misfit({ doc, picture }) {
  const size = sizeOf(doc);
  return Boolean(picture && size && !same(size, picture));
}

/** Something can be placed: there is a picture, and it is the document's. @param {State} state */
export function editable(state) {
  return state.picture !== null && !misfit(state);
}

/**
 * The document meets the picture that is shown. What names no size, or holds nothing, is this picture's; what was made for the same
 * picture in another size moves along, as one step; the rest stays as it is.
 * @param {State} state @returns {State}
 */
function met(state) {
  const { doc, picture } = state;
  const size = sizeOf(doc);
  if (!picture || (size && same(size, picture))) return state;
  if (!size || blank(doc)) return { ...state, doc: { ...doc, ...picture } };
  if (!sameShape(size, picture)) return state;
  return { ...commit(state, { ...doc, ...rescaled(doc, size, picture), ...picture }), movedFrom: size };
}

/** As `met`, but in an undone or redone document of another size pixels are what was meant. @param {State} state @returns {State} */
function returned(state) {
  const { doc, picture } = state;
  const size = sizeOf(doc);
  return picture && (!size || blank(doc) || sameShape(size, picture)) ? { ...state, doc: { ...doc, ...picture } } : state;
}

/** The document as it is shown: on the picture that is there, whatever size it was made for. @param {State} state @returns {Doc} */
export function asShown({ doc, picture }) {
  return picture ? { ...doc, ...sizeOf(picture) } : doc;
}

/** Pairs with a point that is not in the picture. @param {Doc} doc @returns {number[]} their numbers, from 1 */
export function outside({ pairs, width, height }) {
  if (width === null || height === null) return [];
  /** @param {Point} p */
  const out = ([x, y]) => x < 0 || y < 0 || x > width - 1 || y > height - 1;
  return pairs.flatMap((p, i) => (out(p.handle) || out(p.target) ? [i + 1] : []));
}

/** @param {State} state @returns {number[]} ids of pairs of which an end is selected, in their order */
export function selectedIds(state) {
  const ids = new Set(state.selection.map((k) => unkey(k).id));
  return state.doc.pairs.map((p) => p.id).filter((id) => ids.has(id));
}

/** How many more pairs can be on. @param {Doc} doc */
export function room({ pairs }) {
  return MAX_PAIRS - pairs.filter((p) => !p.off).length;
}

/** @param {Pair[]} pairs @param {number} index @returns {string} what a pair is called */
export function named(pairs, index) {
  return `${pairs[index] && isAnchor(pairs[index]) ? "pin" : "pair"} ${index + 1}`;
}

/** The nearest place in the picture: points outside are shown there, and moved from there. @param {Doc} doc @param {Point} p @returns {Point} */
export function inside(doc, [x, y]) {
  const [w, h] = [doc.width ?? Infinity, doc.height ?? Infinity];
  return [Math.min(Math.max(x, 0), w - 1), Math.min(Math.max(y, 0), h - 1)];
}

/** The document becomes `doc`, one step later. @param {State} state @param {Doc} doc @returns {State} */
function commit(state, doc) {
  if (doc === state.doc) return state;
  const past = [...state.past, state.doc].slice(-HISTORY);
  return keepSelection({ ...state, doc, past, future: [], gesture: null, base: null, movedFrom: null });
}

/** Selected ends that exist no more are forgotten. @param {State} state @returns {State} */
function keepSelection(state) {
  const ids = new Set(state.doc.pairs.map((p) => p.id));
  const selection = state.selection.filter((k) => ids.has(unkey(k).id));
  return selection.length === state.selection.length ? state : { ...state, selection };
}

/** As `commit`; what names the same gesture as the step before is part of that step. @param {State} state @param {Doc} doc @param {string} [gesture] @returns {State} */
function goOn(state, doc, gesture) {
  if (!gesture) return commit(state, doc);
  if (state.gesture === gesture && state.base) return { ...state, doc };
  return { ...commit(state, doc), gesture, base: { doc: state.doc, past: state.past, future: state.future } };
}

/** @param {State} state @param {string} why @returns {State} */
function refuse(state, why) {
  return { ...state, pending: null, refused: why };
}

const TOO_MANY = "So much was painted that no more is taken: clear some of it.";

/** More than is read again. @param {Shape[]} shapes */
function tooMany(shapes) {
  return shapes.length > MAX_SHAPES || shapes.reduce((sum, s) => sum + (s.points?.length ?? 0), 0) > MAX_SHAPE_POINTS;
}

/** @param {State} state @param {{handle: Point, target: Point, off?: boolean}[]} pairs @returns {State} */
function add(state, pairs) {
  const on = pairs.filter((p) => !p.off).length;
  if (on > Math.max(room(state.doc), 0)) {
    return refuse(state, `At most ${MAX_PAIRS} pairs can be dragged at once: remove some, or switch them off in the table.`);
  }
  if (pairs.length > MAX_LISTED - state.doc.pairs.length) return refuse(state, `At most ${MAX_LISTED} pairs can be listed: remove some.`);
  const fresh = pairs.map((p, i) => ({
    id: state.nextId + i,
    handle: inside(state.doc, p.handle),
    target: inside(state.doc, p.target),
    off: Boolean(p.off),
  }));
  if (!fresh.length) return { ...state, pending: null };
  const next = commit(state, { ...state.doc, pairs: [...state.doc.pairs, ...fresh] });
  const selection = fresh.length === 1 ? [key(fresh[0].id, "target")] : fresh.flatMap((p) => [key(p.id, "handle"), key(p.id, "target")]);
  return { ...next, nextId: state.nextId + fresh.length, selection, pending: null };
}

/** What was copied, of this picture in another size too: one step. A drawing that comes to an empty editor comes as a whole. @param {State} state @param {Value} value @param {Shape[]} below what may change until now, where nothing is painted @returns {State} */
function paste(state, value, below) {
  const { doc, picture } = state;
  const size = sizeOf(value);
  const { pairs, shapes } = picture && size && !same(size, picture) && sameShape(size, picture) ? rescaled(value, size, picture) : value;
  const next = pairs.length ? add(state, pairs) : state;
  if (next.refused || !shapes.length) return next;
  const painted = { ...next.doc, shapes: [...(blank(doc) ? [] : doc.region === "own" ? doc.shapes : below), ...shapes], region: /** @type {Region} */ ("own") };
  if (tooMany(painted.shapes)) return refuse(state, TOO_MANY);
  if (blank(doc)) Object.assign(painted, { region: value.region, mode: value.mode });
  return pairs.length ? { ...next, doc: painted } : commit(state, painted);
}

/** Selected ends of `base`, moved together as far as all of them stay in the picture. @param {State} state @param {Doc} base @param {number} dx @param {number} dy @returns {Doc} */
function moved(state, base, dx, dy) {
  const selected = new Set(state.selection);
  /** @param {Pair} p @returns {End[]} */
  const held = (p) => {
    const ends = /** @type {End[]} */ (["handle", "target"]).filter((end) => selected.has(key(p.id, end)));
    return ends.length && isAnchor(p) ? ["handle", "target"] : ends; // a pin is moved, never pulled apart
  };
  const [sx, sy] = within(base, base.pairs.flatMap((p) => held(p).map((end) => p[end])), dx, dy);
  /** @param {Point} end @returns {Point} */
  const along = (end) => {
    const [x, y] = inside(base, end);
    return [x + sx, y + sy];
  };
  const pairs = base.pairs.map((p) => {
    const ends = held(p);
    return ends.length ? { ...p, ...Object.fromEntries(ends.map((end) => [end, along(p[end])])) } : p;
  });
  return { ...base, pairs };
}

/** A step that takes none of `points` out of the picture. @param {Doc} doc @param {Point[]} points @param {number} dx @param {number} dy @returns {Point} */
function within(doc, points, dx, dy) {
  const [xs, ys] = [0, 1].map((i) => points.map((p) => inside(doc, p)[i]));
  /** @param {number} d @param {number[]} places @param {number | null} size */
  const bounded = (d, places, size) => Math.min(Math.max(d, -Math.min(...places)), (size ?? Infinity) - 1 - Math.max(...places));
  return points.length ? [bounded(dx, xs, doc.width), bounded(dy, ys, doc.height)] : [0, 0];
}

/** @param {Doc} a @param {Doc} b */
function sameDoc(a, b) {
  /** @param {Doc} d */
  const content = (d) => JSON.stringify([d.pairs.map(({ handle, target, off }) => [handle, target, off]), d.shapes, d.mode, d.region, sizeOf(d)]);
  return content(a) === content(b);
}

/**
 * @param {State} state @param {Action} action
 * @returns {State} the same object when nothing changed
 */
export function reduce(state, action) {
  if (ON_PICTURE.has(action.type) && !editable(state)) return state;
  const seen = state.movedFrom !== null && !ARRIVES.has(action.type); // what was said of the move has been read
  const before = state.refused || seen ? { ...state, refused: "", movedFrom: seen ? null : state.movedFrom } : state;
  const after = step(before, action);
  return after === before && !seen ? state : after;
}

/** @param {State} state @param {Action} action @returns {State} */
function step(state, action) {
  const { doc } = state;
  switch (action.type) {
    case "load": {
      const { doc: loaded, nextId } = toDoc(action.value, state.nextId);
      // nothing was there before: a workflow is opened, or ComfyUI's undo made the node anew
      const opened = !state.past.length && !state.future.length && blank(doc);
      const next = met({ ...(opened ? { ...state, doc: loaded } : commit(state, loaded)), nextId, selection: [], pending: null });
      return sameDoc(next.doc, doc) ? state : next;
    }
    case "picture": {
      const { size } = action;
      if (size === state.picture || (size && state.picture && same(size, state.picture))) return state;
      return met({ ...state, picture: size, pending: null, gesture: null, base: null, movedFrom: null });
    }
    case "fit": {
      const size = sizeOf(doc);
      const { picture } = state;
      return size && picture && misfit(state) ? commit(state, { ...doc, ...rescaled(doc, size, picture), ...picture }) : state;
    }
    case "keep":
      return state.picture && misfit(state) ? commit(state, { ...doc, ...state.picture }) : state;
    case "place":
      if (!state.pending) return { ...state, pending: inside(doc, action.at), selection: [] };
      return add(state, [{ handle: state.pending, target: action.at }]);
    case "add":
      return add(state, action.pairs);
    case "act": // such as choosing a tool, which is no step
      return state;
    case "cancel":
      if (state.pending) return { ...state, pending: null };
      return state.selection.length ? { ...state, selection: [] } : state;
    case "select": {
      const known = new Set(doc.pairs.flatMap((p) => [key(p.id, "handle"), key(p.id, "target")]));
      const keys = [...new Set(action.keys)].filter((k) => known.has(k));
      const before = new Set(state.selection);
      if (action.how === "toggle") {
        const kept = state.selection.filter((k) => !keys.includes(k));
        return { ...state, selection: [...kept, ...keys.filter((k) => !before.has(k))] };
      }
      if (action.how === "add") return { ...state, selection: [...state.selection, ...keys.filter((k) => !before.has(k))] };
      return { ...state, selection: keys };
    }
    case "selectAll":
      return { ...state, selection: doc.pairs.flatMap((p) => [key(p.id, "handle"), key(p.id, "target")]) };
    case "move": {
      if (!state.selection.length) return state;
      if (state.gesture === action.gesture && state.base) {
        return { ...state, doc: moved(state, state.base.doc, action.dx, action.dy) };
      }
      if (!action.dx && !action.dy) return state;
      return { ...commit(state, moved(state, doc, action.dx, action.dy)), gesture: action.gesture, base: { doc, past: state.past, future: state.future } };
    }
    case "takeBack": // as if the gesture had not been
      return state.gesture === action.gesture && state.base ? { ...state, ...state.base, gesture: null, base: null } : state;
    case "nudge":
      if (!state.selection.length || (!action.dx && !action.dy)) return state;
      return goOn(state, moved(state, doc, action.dx, action.dy), action.gesture);
    case "set": {
      const at = inside(doc, action.at);
      if (!at.every(Number.isFinite) || !doc.pairs.some((p) => p.id === action.id)) return state;
      /** @param {Pair} p */
      const changed = (p) => (isAnchor(p) ? { ...p, handle: at, target: at } : { ...p, [action.end]: at });
      return goOn(state, { ...doc, pairs: doc.pairs.map((p) => (p.id === action.id ? changed(p) : p)) }, action.gesture);
    }
    case "remove": {
      const ids = new Set(action.ids ?? selectedIds(state));
      const pairs = doc.pairs.filter((p) => !ids.has(p.id));
      return pairs.length === doc.pairs.length ? state : met(commit(state, { ...doc, pairs }));
    }
    case "duplicate": {
      const ids = new Set(selectedIds(state));
      const copies = doc.pairs.filter((p) => ids.has(p.id));
      const ends = copies.flatMap((p) => [p.handle, p.target]);
      const [[dx, dy], back] = [within(doc, ends, OFFSET, OFFSET), within(doc, ends, -OFFSET, -OFFSET)];
      /** @param {Point} p @returns {Point} */
      const shift = ([x, y]) => [x + (dx || back[0]), y + (dy || back[1])];
      return copies.length ? add(state, copies.map((p) => ({ ...p, handle: shift(p.handle), target: shift(p.target) }))) : state;
    }
    case "swap": {
      const ids = new Set(selectedIds(state));
      if (!ids.size) return state;
      return commit(state, { ...doc, pairs: doc.pairs.map((p) => (ids.has(p.id) ? { ...p, handle: p.target, target: p.handle } : p)) });
    }
    case "clearPairs":
      return doc.pairs.length ? met(commit(state, { ...doc, pairs: [] })) : state;
    case "reorder": {
      const from = doc.pairs.findIndex((p) => p.id === action.id);
      const to = Math.min(Math.max(action.to, 0), doc.pairs.length - 1);
      if (from < 0 || from === to) return state;
      const pairs = doc.pairs.slice();
      pairs.splice(to, 0, ...pairs.splice(from, 1));
      return commit(state, { ...doc, pairs });
    }
    case "switch": {
      const ids = new Set(action.ids);
      const switched = doc.pairs.filter((p) => ids.has(p.id) && p.off !== action.off).length;
      if (!switched) return state;
      if (!action.off && switched > room(doc)) return refuse(state, `At most ${MAX_PAIRS} pairs can be dragged at once: switch another off first.`);
      return commit(state, { ...doc, pairs: doc.pairs.map((p) => (ids.has(p.id) ? { ...p, off: action.off } : p)) });
    }
    case "shape": {
      // painting makes the region one's own, beginning with what it was until now
      const shapes = [...(doc.region === "own" && doc.shapes.length ? doc.shapes : action.below ?? []), action.shape];
      if (tooMany(shapes)) return refuse(state, TOO_MANY);
      return commit(state, { ...doc, shapes, mode: action.mode ?? doc.mode, region: "own" });
    }
    case "shapes": {
      const shapes = [...(doc.region === "own" ? doc.shapes : []), ...action.shapes];
      return tooMany(shapes) ? refuse(state, TOO_MANY) : commit(state, { ...doc, shapes, region: "own" });
    }
    case "paste":
      return paste(state, action.value, action.below ?? []);
    case "region":
      return doc.region === action.region ? state : commit(state, { ...doc, region: action.region });
    case "clearMask":
      return doc.shapes.length || doc.region !== "auto" ? met(commit(state, { ...doc, shapes: [], region: "auto", mode: "union" })) : state;
    case "mode":
      return doc.mode === action.mode ? state : commit(state, { ...doc, mode: action.mode });
    case "undo": {
      if (state.pending) return { ...state, pending: null };
      const before = state.past.at(-1);
      if (!before) return state;
      const future = [...state.future, doc];
      return returned(keepSelection({ ...state, doc: before, past: state.past.slice(0, -1), future, gesture: null, base: null, pending: null, movedFrom: null }));
    }
    case "redo": {
      const after = state.future.at(-1);
      if (!after) return state;
      const past = [...state.past, doc];
      return returned(keepSelection({ ...state, doc: after, past, future: state.future.slice(0, -1), gesture: null, base: null, pending: null, movedFrom: null }));
    }
    default:
      return state;
  }
}
