// @ts-check
/**
 * The editor's value: one versioned JSON string with the pairs and the mask's shapes.
 *
 * `docs/points.schema.json` publishes the format; `gooddrag/picture/value.py` reads it by the same rules, so that the page and the
 * server accept and refuse the same strings. Coordinates are pixels of the picture, pixel centres at whole numbers.
 *
 * @typedef {[number, number]} Point
 * @typedef {{handle: Point, target: Point, off?: boolean}} Pair
 * @typedef {"brush" | "lasso" | "rectangle" | "fill" | "clear" | "invert" | "grow"} Kind
 * @typedef {{kind: Kind, points?: Point[], erase?: boolean, size?: number, hardness?: number}} Shape
 * @typedef {"replace" | "union" | "intersect"} Mode how shapes and a connected mask are combined
 * @typedef {"auto" | "own" | "whole"} Region what may change: around the arrows, what the shapes say, everything
 * @typedef {{pairs: Pair[], shapes: Shape[], mode: Mode, region: Region, width: number | null, height: number | null}} Value
 */

/** What is written; version 1, which had no `region`, is read too. */
export const VERSION = 2;
export const MAX_LENGTH = 1_000_000;
export const MAX_DEPTH = 32;
/** Pairs that can be dragged at once; more can be listed. */
export const MAX_PAIRS = 64;
export const MAX_LISTED = 1000;
export const MAX_SHAPES = 5000;
export const MAX_SHAPE_POINTS = 200_000;
export const LIMIT = 1e6;
/** @type {readonly Mode[]} */
export const MODES = ["replace", "union", "intersect"];
/** @type {readonly Region[]} */
export const REGIONS = ["auto", "own", "whole"];
/** @type {Mode} */
const DEFAULT_MODE = "union";
/** @type {Region} */
const DEFAULT_REGION = "auto";
/** How many points each kind of shape needs at least. @type {Record<Kind, number>} */
const LEAST_POINTS = { brush: 1, lasso: 3, rectangle: 2, fill: 0, clear: 0, invert: 0, grow: 0 };

/** @returns {Value} */
export function empty() {
  return { pairs: [], shapes: [], mode: DEFAULT_MODE, region: DEFAULT_REGION, width: null, height: null };
}

/** Why a string is no value; `message` is for people. */
export class ValueError extends Error {}

/**
 * Read a value; blank text is the empty one. Lists of pairs, Drag100's `{"points": [..]}` and KJNodes' lists of
 * `{"x": .., "y": ..}` are understood too. Throws `ValueError`.
 * @param {string} text
 * @returns {Value}
 */
export function parse(text) {
  if (/^[ \t\n\r]*$/.test(text)) return empty();
  if (text.length > MAX_LENGTH) throw new ValueError(`longer than ${MAX_LENGTH} characters`);
  if (depth(text) > MAX_DEPTH) throw new ValueError(`nested deeper than ${MAX_DEPTH} levels`);
  let data;
  try {
    data = JSON.parse(text);
  } catch (error) {
    throw new ValueError(`not valid JSON (${String(error instanceof Error ? error.message : error).slice(0, 120)})`);
  }
  if (isObject(data) && own(data, "pairs")) return ownForm(data);
  if (isObject(data) && own(data, "points")) return { ...empty(), pairs: consecutive(data.points, '"points"') };
  if (Array.isArray(data)) {
    if (data.length && isObject(data[0]) && own(data[0], "x")) return { ...empty(), pairs: consecutive(data, "the list") };
    return { ...empty(), pairs: readPairs(data) };
  }
  throw new ValueError("there is no list of pairs");
}

/**
 * The string that `parse` reads, without what is at its default. Coordinates keep two decimals.
 * @param {Value} value
 * @returns {string}
 */
export function dump(value) {
  const masked = value.shapes.length > 0 || value.mode !== DEFAULT_MODE || value.region !== DEFAULT_REGION;
  if (!value.pairs.length && !masked) return "";
  /** @type {Record<string, unknown>} */
  const data = { version: VERSION };
  if (value.width && value.height) {
    data.width = value.width;
    data.height = value.height;
  }
  data.pairs = value.pairs.map((p) => ({
    handle: p.handle.map(round),
    target: p.target.map(round),
    ...(p.off ? { off: true } : {}),
  }));
  if (masked) data.mask = { region: value.region, mode: value.mode, shapes: value.shapes.map(dumpShape) };
  return JSON.stringify(data);
}

/** @param {Shape} s */
function dumpShape(s) {
  return {
    kind: s.kind,
    ...(s.points?.length ? { points: s.points.map((p) => p.map(round)) } : {}),
    ...(s.erase ? { erase: true } : {}),
    ...(s.kind === "brush" || s.kind === "grow" ? { size: s.size } : {}),
    ...(s.kind === "brush" && (s.hardness ?? 1) !== 1 ? { hardness: s.hardness } : {}),
  };
}

/** @param {number} x */
export function round(x) {
  return Math.round(x * 100) / 100 || 0;
}

/**
 * How deep brackets are nested, outside strings.
 * @param {string} text
 */
function depth(text) {
  let now = 0;
  let deepest = 0;
  let inside = false;
  let escaped = false;
  for (const c of text) {
    if (inside) {
      if (escaped) escaped = false;
      else if (c === "\\") escaped = true;
      else if (c === '"') inside = false;
    } else if (c === '"') inside = true;
    else if (c === "[" || c === "{") deepest = Math.max(deepest, ++now);
    else if (c === "]" || c === "}") now--;
  }
  return deepest;
}

/** @param {unknown} x @returns {x is Record<string, unknown>} */
function isObject(x) {
  return typeof x === "object" && x !== null && !Array.isArray(x);
}

/** @param {object} x @param {string} key */
function own(x, key) {
  return Object.prototype.hasOwnProperty.call(x, key);
}

/**
 * A property of parsed JSON, never one of `Object.prototype`.
 * @param {Record<string, unknown>} data @param {string} key @param {unknown} [fallback]
 */
function get(data, key, fallback = undefined) {
  return own(data, key) ? data[key] : fallback;
}

/** @param {Record<string, unknown>} data @returns {Value} */
function ownForm(data) {
  const version = get(data, "version", VERSION);
  if (version !== 1 && version !== VERSION) {
    throw new ValueError(`version ${short(version)}, but this editor reads versions 1 to ${VERSION}; update the pack`);
  }
  const [w, h] = [get(data, "width") ?? null, get(data, "height") ?? null];
  const sized = w !== null || h !== null;
  const mask = get(data, "mask") ?? null;
  const { shapes, mode, region } = mask === null ? { ...empty(), region: null } : readMask(mask, version);
  return {
    pairs: readPairs(data.pairs),
    shapes,
    mode,
    // without shapes everything could change in version 1, and the arrows' surroundings can since then
    region: region ?? (shapes.length ? "own" : version === 1 ? "whole" : "auto"),
    width: sized ? side(w, "width") : null,
    height: sized ? side(h, "height") : null,
  };
}

/** @param {unknown} items @returns {Pair[]} */
function readPairs(items) {
  if (!Array.isArray(items)) throw new ValueError("there is no list of pairs");
  if (items.length > MAX_LISTED) throw new ValueError(`${items.length} pairs, at most ${MAX_LISTED} can be listed`);
  return items.map((item, i) => readPair(item, i + 1));
}

/** @param {unknown} item @param {number} number @returns {Pair} */
function readPair(item, number) {
  let handle;
  let target;
  let off = /** @type {unknown} */ (false);
  if (isObject(item)) {
    [handle, target, off] = [get(item, "handle"), get(item, "target"), get(item, "off", false)];
    if (typeof off !== "boolean") throw new ValueError(`pair ${number}: off is ${short(off)}; it must be true or false`);
  } else if (Array.isArray(item) && item.length === 2) {
    [handle, target] = item;
  } else {
    throw new ValueError(`pair ${number} is ${short(item)}; give [[handle x, handle y], [target x, target y]]`);
  }
  const pair = { handle: readPoint(handle, `handle ${number}`), target: readPoint(target, `target ${number}`) };
  return off ? { ...pair, off: true } : pair;
}

/** @param {unknown} items @param {string} what @returns {Pair[]} */
function consecutive(items, what) {
  if (!Array.isArray(items) || items.length % 2) {
    throw new ValueError(`${what} must list handle, target, handle, target, .. and so have an even length`);
  }
  const pairs = [];
  for (let i = 0; i < items.length; i += 2) pairs.push([items[i], items[i + 1]]);
  return readPairs(pairs);
}

/** @param {unknown} item @param {string} what @returns {Point} */
function readPoint(item, what) {
  const xy = isObject(item) ? [get(item, "x"), get(item, "y")] : item;
  if (!Array.isArray(xy) || xy.length !== 2 || !xy.every((v) => typeof v === "number")) {
    throw new ValueError(`${what} is ${short(xy)}; give two numbers [x, y] in pixels of the picture`);
  }
  const [x, y] = xy;
  if (!Number.isFinite(x) || !Number.isFinite(y) || Math.max(Math.abs(x), Math.abs(y)) > LIMIT) {
    throw new ValueError(`${what} is (${x}, ${y}), which is not a finite number of pixels`);
  }
  return [x, y];
}

/** @param {unknown} item @param {string} what */
function side(item, what) {
  if (typeof item !== "number" || !Number.isInteger(item) || item < 1 || item > 65536) {
    throw new ValueError(`${what} is ${short(item)}; it must be a whole number of pixels from 1 to 65536`);
  }
  return item;
}

/** @param {unknown} item @param {string} what @param {number} low @param {number} high */
function number(item, what, low, high) {
  if (typeof item !== "number" || !(low <= item && item <= high)) {
    throw new ValueError(`${what} is ${short(item)}; it must be a number from ${low} to ${high}`);
  }
  return item;
}

/** @param {unknown} data @param {number} version @returns {{shapes: Shape[], mode: Mode, region: Region | null}} */
function readMask(data, version) {
  if (!isObject(data)) throw new ValueError(`mask is ${short(data)}; it must hold region, mode and shapes`);
  // to version 1 a word like any other
  const region = version > 1 && own(data, "region") ? /** @type {Region} */ (data.region) : null;
  if (version > 1 && own(data, "region") && !REGIONS.includes(/** @type {Region} */ (data.region))) {
    throw new ValueError(`the mask's region is ${short(data.region)}; it must be one of ${REGIONS.join(", ")}`);
  }
  const mode = /** @type {Mode} */ (get(data, "mode", DEFAULT_MODE));
  if (!MODES.includes(mode)) {
    throw new ValueError(`the mask's mode is ${short(mode)}; it must be one of ${MODES.join(", ")}`);
  }
  const shapes = get(data, "shapes", []);
  if (!Array.isArray(shapes) || shapes.length > MAX_SHAPES) {
    throw new ValueError(`the mask's shapes must be a list of at most ${MAX_SHAPES}`);
  }
  const budget = { left: MAX_SHAPE_POINTS };
  return { mode, region, shapes: shapes.map((shape, i) => readShape(shape, i + 1, budget)) };
}

/** @param {unknown} data @param {number} index @param {{left: number}} budget @returns {Shape} */
function readShape(data, index, budget) {
  const what = `shape ${index}`;
  const kind = isObject(data) ? get(data, "kind") : undefined;
  if (!isObject(data) || typeof kind !== "string" || !own(LEAST_POINTS, kind)) {
    throw new ValueError(`${what} is ${short(data)}; its kind must be one of ${Object.keys(LEAST_POINTS).join(", ")}`);
  }
  /** @type {Shape} */
  const shape = { kind: /** @type {Kind} */ (kind) };
  const least = LEAST_POINTS[shape.kind];
  if (least) {
    const items = get(data, "points");
    if (!Array.isArray(items) || items.length < least || (kind === "rectangle" && items.length !== 2)) {
      throw new ValueError(`${what}, a ${kind}, needs ${kind === "rectangle" ? "exactly 2" : `at least ${least}`} points`);
    }
    budget.left -= items.length;
    if (budget.left < 0) throw new ValueError(`the mask's shapes have more than ${MAX_SHAPE_POINTS} points`);
    shape.points = items.map((p, i) => readPoint(p, `${what}, point ${i + 1}`));
  }
  const erase = get(data, "erase", false);
  if (typeof erase !== "boolean") throw new ValueError(`${what}: erase is ${short(erase)}; it must be true or false`);
  if (erase) shape.erase = true;
  if (kind === "brush") {
    shape.size = number(get(data, "size"), `${what}: size`, 0.5, 10_000);
    shape.hardness = number(get(data, "hardness", 1), `${what}: hardness`, 0, 1);
  } else if (kind === "grow") {
    shape.size = number(get(data, "size"), `${what}: size`, -256, 256);
  }
  return shape;
}

/** A value in a message, never more than a few words. @param {unknown} item */
function short(item) {
  const text = JSON.stringify(item) ?? "missing";
  return text.length <= 60 ? text : `${text.slice(0, 57)}...`;
}
