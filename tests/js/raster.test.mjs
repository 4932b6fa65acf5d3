// The page draws what a person paints within a bounded amount of work, and says so when it is too much.
import assert from "node:assert/strict";
import { test } from "node:test";

import { draw, rasterise } from "../../web/points/raster.mjs";
import { ValueError } from "../../web/points/value.mjs";
import { Work } from "../../web/points/work.mjs";

/** @param {number} seed */
function random(seed) {
  let state = seed;
  return () => (state = (state * 48271) % 2147483647) / 2147483647;
}

/** @param {number} count @param {number} side @param {number} seed @returns {[number, number][]} */
function places(count, side, seed) {
  const next = random(seed);
  return Array.from({ length: count }, () => [next() * side, next() * side]);
}

const SIDE = 1024;

/** The work that is announced while `job` runs. @param {() => void} job */
function counted(job) {
  const spend = Work.prototype.spend;
  const costs = /** @type {number[]} */ ([]);
  Work.prototype.spend = function (cost) {
    costs.push(cost);
    return spend.call(this, cost);
  };
  try {
    job();
  } finally {
    Work.prototype.spend = spend;
  }
  return costs.reduce((a, b) => a + b, 0);
}

test("large values are drawn with little work", () => {
  /** @type {[string, import("../../web/points/value.mjs").Shape[]][]} */
  const values = [
    ["120,000 points of a huge brush", [{ kind: "brush", size: 9999, points: places(120_000, SIDE, 1) }]],
    ["500 brushes", places(500, SIDE, 2).map((p, i) => ({ kind: "brush", size: 200, hardness: (i % 3) / 2, points: [p, [500, i]] }))],
    ["a lasso of 90,000 points", [{ kind: "lasso", points: places(90_000, SIDE, 3) }]],
    ["5000 rectangles", places(5000, SIDE, 4).map((p, i) => ({ kind: "rectangle", erase: i % 2 > 0, points: [p, [512, 512]] }))],
    ["grown by all", [{ kind: "rectangle", points: [[5, 5], [700, 700]] }, { kind: "grow", size: 256 }]],
    ["5000 inversions", Array.from({ length: 5000 }, () => ({ kind: "invert" }))],
  ];
  for (const [name, shapes] of values) {
    assert.ok(counted(() => rasterise(shapes, SIDE, SIDE)) < 1e9, name);
  }
});

test("what is too much ends in words", () => {
  /** @type {import("../../web/points/value.mjs").Shape[]} */
  const shapes = Array.from({ length: 5000 }, (_, i) => (i % 2 ? { kind: "grow", size: 256 } : { kind: "invert" }));
  shapes.unshift({ kind: "rectangle", points: [[5, 5], [9, 9]] });
  assert.throws(() => rasterise(shapes, SIDE, SIDE), (error) => error instanceof ValueError && /too long to draw; clear it, or undo/.test(error.message));
});

test("shapes that are added one by one give the same mask", () => {
  const next = random(7);
  /** @type {import("../../web/points/value.mjs").Shape[]} */
  const shapes = [];
  let mask = new Float32Array(64 * 64);
  for (let i = 0; i < 40; i++) {
    const kind = /** @type {const} */ (["brush", "lasso", "rectangle", "invert", "grow", "clear"])[Math.floor(next() * 6)];
    const count = { brush: 3, lasso: 4, rectangle: 2, invert: 0, grow: 0, clear: 0 }[kind];
    shapes.push({ kind, points: places(count, 64, i + 1), erase: i % 4 === 0, size: kind === "grow" ? 3 - (i % 7) : 9, hardness: 0.5 });
    mask = draw(mask, 64, 64, shapes.slice(-1));
    const whole = rasterise(shapes, 64, 64);
    assert.ok(mask.every((v, j) => Math.abs(v - whole[j]) < 1e-6), `${kind} as shape ${i}`);
  }
});
