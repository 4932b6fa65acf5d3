import assert from "node:assert/strict";
import test from "node:test";

import { changed } from "../../web/points/changes.mjs";
import { around } from "../../web/points/region.mjs";
import * as S from "../../web/points/state.mjs";

const SIZE = { width: 200, height: 100 };
const placed = [
  { type: "picture", size: SIZE },
  { type: "add", pairs: [{ handle: [10, 10], target: [50, 50] }, { handle: [20, 20], target: [60, 60] }] },
];
const run = (actions, state = S.initial()) => actions.reduce(S.reduce, state);
/** What the last of some actions changed. */
const after = (...actions) => {
  const before = run([...placed, ...actions.slice(0, -1)]);
  return changed(before.doc, S.reduce(before, actions.at(-1)).doc);
};
const stroke = (more = {}) => ({ type: "shape", shape: { kind: "brush", points: [[5, 5]], size: 10, ...more } });

test("steps of pairs are named", () => {
  assert.equal(changed(run(placed.slice(0, 1)).doc, run(placed).doc), "2 pairs placed");
  assert.equal(after({ type: "add", pairs: [{ handle: [1, 1], target: [9, 9] }] }), "pair 3 placed");
  assert.equal(after({ type: "selectAll" }, { type: "remove" }), "2 pairs removed");
  assert.equal(after({ type: "selectAll" }, { type: "move", dx: 1, dy: 0, gesture: "a" }), "2 pairs moved");
  assert.equal(after({ type: "selectAll" }, { type: "swap" }), "the ends of 2 pairs swapped");
});

test("steps of the region are named", () => {
  assert.equal(after(stroke()), "a stroke of the brush");
  const { pairs } = run(placed).doc;
  assert.equal(after({ type: "shapes", shapes: around(pairs, SIZE) }), "a region around the arrows");
  assert.equal(after(stroke(), { type: "shapes", shapes: around(pairs, SIZE) }), "a region around the arrows");
  assert.equal(after(stroke({ erase: true })), "a stroke of the brush that takes away");
  assert.equal(after({ type: "shape", shape: { kind: "grow", size: -4 } }), "shrinking");
  assert.equal(after({ type: "region", region: "whole" }), "the choice of Whole");
});
