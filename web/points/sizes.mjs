// @ts-check
/**
 * Points and pictures of different sizes: what happens to points that were placed on a picture of another size.
 *
 * `gooddrag/picture/sizes.py` is the same for the server; a test compares the two.
 * @typedef {import("./value.mjs").Point} Point
 * @typedef {import("./value.mjs").Shape} Shape
 * @typedef {import("./geometry.mjs").Size} Size
 */

import { isAnchor } from "./region.mjs";

const BRUSH = [0.5, 10_000]; // what a value may hold
const GROWTH = 256;

/** Whether one picture can be the other one resized: the same aspect ratio, up to a pixel of rounding in the longest side. @param {Size} a @param {Size} b */
export function sameShape(a, b) {
  return Math.abs(a.width * b.height - a.height * b.width) <= Math.max(a.width, a.height, b.width, b.height);
}

/** @param {number} x @param {number} low @param {number} high */
const clamp = (x, low, high) => Math.min(Math.max(x, low), high);

/**
 * An arrow's ends in a picture, at least a pixel apart: where both have come to lie on one pixel, which would make it a pin, the
 * target is a pixel further along, or where the picture ends the handle a pixel further back.
 * @param {Point} handle @param {Point} target @param {Point} direction @param {Size} picture @returns {[Point, Point]}
 */
function apart(handle, target, direction, { width, height }) {
  if (!isAnchor({ handle, target })) return [handle, target];
  const longest = Math.max(Math.abs(direction[0]), Math.abs(direction[1]));
  const step = [direction[0] / longest, direction[1] / longest];
  /** @param {number} x @param {number} y @returns {Point} */
  const inside = (x, y) => [clamp(x, 0, width - 1), clamp(y, 0, height - 1)];
  /** @type {Point} */ const ahead = [handle[0] + step[0], handle[1] + step[1]];
  const [x, y] = inside(...handle);
  if (x !== handle[0] || y !== handle[1]) return [handle, ahead];
  const next = inside(...ahead);
  return isAnchor({ handle, target: next }) ? [inside(target[0] - step[0], target[1] - step[1]), target] : [handle, next];
}

/**
 * Pairs and shapes stretched from one size to another: points move with what they lie on, what was in the picture stays in
 * it, arrows and pins stay what they are, brushes and growths scale with the geometric mean of both factors.
 * @template {{handle: Point, target: Point}} P
 * @param {{pairs: P[], shapes: Shape[]}} doc @param {Size} from @param {Size} to
 * @returns {{pairs: P[], shapes: Shape[]}}
 */
export function rescaled({ pairs, shapes }, from, to) {
  const [fx, fy] = [to.width / from.width, to.height / from.height];
  const mean = Math.sqrt(fx * fy);
  /** @param {number} x @param {number} factor @param {number} side @param {number} next */
  const along = (x, factor, side, next) => {
    const moved = (x + 0.5) * factor - 0.5;
    return x >= 0 && x <= side - 1 ? clamp(moved, 0, next - 1) : moved;
  };
  /** @param {Point} p @returns {Point} */
  const point = ([x, y]) => [along(x, fx, from.width, to.width), along(y, fy, from.height, to.height)];
  /** @param {Shape} s @returns {Shape} */
  const shape = (s) => ({
    ...s,
    ...(s.points ? { points: s.points.map(point) } : {}),
    ...(s.kind === "brush" ? { size: clamp((s.size ?? 0) * mean, BRUSH[0], BRUSH[1]) } : {}),
    ...(s.kind === "grow" ? { size: clamp((s.size ?? 0) * mean, -GROWTH, GROWTH) } : {}),
  });
  /** @param {P} p @returns {P} */
  const ends = (p) => {
    const [handle, target] = [point(p.handle), point(p.target)];
    if (isAnchor(p)) return { ...p, handle, target: handle };
    const [from, end] = apart(handle, target, [p.target[0] - p.handle[0], p.target[1] - p.handle[1]], to);
    return { ...p, handle: from, target: end };
  };
  return { pairs: pairs.map(ends), shapes: shapes.map(shape) };
}
