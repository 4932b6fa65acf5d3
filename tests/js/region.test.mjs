import assert from "node:assert/strict";
import test from "node:test";

import { around, isAnchor } from "../../web/points/region.mjs";
import { Session } from "../../web/points/session.mjs";

const arrow = (handle, target, off = false) => ({ handle, target, off });
const stroke = { kind: "brush", points: [[5, 5]], size: 8, hardness: 1 };

function session() {
  const s = new Session();
  s.dispatch({ type: "picture", size: { width: 256, height: 256 } });
  s.dispatch({ type: "add", pairs: [arrow([10, 10], [110, 10])] });
  return s;
}

test("the region around the arrows covers the paths of the arrows that are on; anchors widen nothing", () => {
  const pairs = [arrow([10, 10], [110, 10]), arrow([1, 1], [20, 2], true), arrow([30, 30], [30.4, 29.6])];
  const shapes = around(pairs, { width: 256, height: 300 });
  assert.equal(shapes.length, 1);
  assert.equal(shapes[0].size, 164);
});

test("an anchor lies on one pixel", () => {
  assert.ok(isAnchor(arrow([3, 4], [3, 4])));
  assert.ok(isAnchor(arrow([2.6, 4], [3.4, 4])));
  assert.ok(!isAnchor(arrow([3, 4], [4, 4])));
});

test("painting begins with the region around the arrows, in one step", () => {
  const s = session();
  const before = s.state.past.length;
  s.paint(stroke);
  assert.equal(s.state.doc.region, "own");
  assert.deepEqual(s.state.doc.shapes.map((x) => x.size), [164, 8]);
  assert.equal(s.state.past.length, before + 1);
  s.paint(stroke);
  assert.equal(s.state.doc.shapes.length, 3);
});

test("the eraser takes away from everything, or from a connected mask", () => {
  const s = session();
  s.dispatch({ type: "region", region: "whole" });
  s.paint({ ...stroke, erase: true });
  assert.deepEqual([s.state.doc.shapes[0].kind, s.state.doc.mode], ["fill", "union"]);
  const masked = session();
  masked.setMask(null, { state: "loading" });
  masked.paint({ ...stroke, erase: true });
  assert.deepEqual([masked.state.doc.shapes[0].kind, masked.state.doc.mode], ["fill", "intersect"]);
});

test("whole keeps what was painted for later", () => {
  const s = session();
  s.dispatch({ type: "region", region: "own" });
  s.paint(stroke);
  s.dispatch({ type: "region", region: "whole" });
  assert.ok(s.unmasked());
  s.paint(stroke);
  assert.equal(s.state.doc.shapes.length, 2);
});
