// @ts-check
/**
 * What a step changed, in words.
 * @typedef {import("./state.mjs").Doc} Doc
 * @typedef {import("./state.mjs").Pair} Pair
 * @typedef {import("./value.mjs").Shape} Shape
 */

import { around } from "./region.mjs";
import { named } from "./state.mjs";

/** @type {Record<Shape["kind"], string>} */
const STEPS = { brush: "a stroke of the brush", lasso: "a lasso", rectangle: "a rectangle", fill: "filling", clear: "emptying", invert: "inverting", grow: "growing" };
/** @type {Record<import("./value.mjs").Region, string>} */
const REGIONS = { auto: "the choice of Auto", own: "the choice of Own", whole: "the choice of Whole" };

/** @param {Doc} from @param {Doc} to @returns {string} */
export function changed(from, to) {
  return ofPairs(from.pairs, to.pairs) || ofRegion(from, to) || "the picture's size";
}

/** @param {Pair[]} from @param {Pair[]} to */
function ofPairs(from, to) {
  const added = without(to, from);
  const removed = without(from, to);
  if (added.length && removed.length) return "other points";
  if (added.length) return `${what(added, to)} placed`;
  if (removed.length) return `${what(removed, from)} removed`;
  const before = new Map(from.map((p) => [p.id, p]));
  /** @param {(a: Pair, b: Pair) => boolean} differs */
  const those = (differs) => to.filter((p) => differs(/** @type {Pair} */ (before.get(p.id)), p));
  const switched = those((a, b) => a.off !== b.off);
  if (switched.length) return `${what(switched, to)} switched ${switched[0].off ? "off" : "on"}`;
  const swapped = those((a, b) => !same(a, b) && same(a, { handle: b.target, target: b.handle }));
  if (swapped.length) return `the ends of ${what(swapped, to)} swapped`;
  const moved = those((a, b) => !same(a, b));
  if (moved.length) return `${what(moved, to)} moved`;
  return from.some((p, i) => p.id !== to[i].id) ? "another order" : "";
}

/** @param {Pair[]} pairs @param {Pair[]} others */
function without(pairs, others) {
  const ids = new Set(others.map((p) => p.id));
  return pairs.filter((p) => !ids.has(p.id));
}

/** @param {{handle: number[], target: number[]}} a @param {{handle: number[], target: number[]}} b */
const same = (a, b) => String([a.handle, a.target]) === String([b.handle, b.target]);

/** @param {Pair[]} those @param {Pair[]} among */
const what = (those, among) => (those.length === 1 ? named(among, among.indexOf(those[0])) : `${those.length} pairs`);

/** @param {Doc} from @param {Doc} to */
function ofRegion(from, to) {
  if (to.shapes.length > from.shapes.length && suggested(to)) return "a region around the arrows";
  if (to.shapes.length > from.shapes.length) return step(/** @type {Shape} */ (to.shapes.at(-1)));
  if (to.shapes.length < from.shapes.length) return "what was painted, forgotten";
  if (to.region !== from.region) return REGIONS[to.region];
  return to.mode === from.mode ? "" : "how the masks are combined";
}

/** What was drawn last lies around the arrows, as Suggest draws it. @param {Doc} doc */
function suggested({ pairs, shapes, width, height }) {
  if (width === null || height === null) return false;
  const own = around(pairs, { width, height });
  return own.length > 0 && JSON.stringify(shapes.slice(-own.length)) === JSON.stringify(own);
}

/** @param {Shape} shape */
function step(shape) {
  if (shape.kind === "grow") return (shape.size ?? 0) < 0 ? "shrinking" : STEPS.grow;
  return shape.erase ? `${STEPS[shape.kind]} that takes away` : STEPS[shape.kind];
}
