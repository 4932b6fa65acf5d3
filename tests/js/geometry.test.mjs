import assert from "node:assert/strict";
import test from "node:test";

import * as G from "../../web/points/geometry.mjs";

const near = (a, b, tolerance = 1e-9) => a.forEach((v, i) => assert.ok(Math.abs(v - b[i]) <= tolerance, `${a} is not ${b}`));

test("a picture is letterboxed, never stretched, and the way back is exact", () => {
  for (const picture of [{ width: 512, height: 512 }, { width: 900, height: 33 }, { width: 33, height: 900 }]) {
    const stage = { width: 400, height: 300 };
    const view = G.fit(picture, stage);
    assert.ok(picture.width * view.scale <= 400 + 1e-9);
    assert.ok(picture.height * view.scale <= 300 + 1e-9);
    near(G.toScreen(view, [-0.5, -0.5]), [view.x, view.y]);
    near(G.toPicture(view, G.toScreen(view, [12.25, 3.5])), [12.25, 3.5]);
    near(G.toScreen(view, [(picture.width - 1) / 2, (picture.height - 1) / 2]), [200, 150]);
  }
});

test("zooming keeps what is under the cursor, and stops", () => {
  const view = G.fit({ width: 100, height: 100 }, { width: 200, height: 200 });
  const at = [37, 151];
  const closer = G.zoomAt(view, at, 3, 0.1);
  near(G.toPicture(closer, at), G.toPicture(view, at));
  assert.equal(G.zoomAt(view, at, 1e9, 0.1).scale, G.MAX_SCALE);
  assert.equal(G.zoomAt(view, at, 1e-9, 0.1).scale, 0.1);
});

test("the picture always reaches the middle of the stage", () => {
  const picture = { width: 100, height: 10 };
  const stage = { width: 200, height: 200 };
  assert.deepEqual(G.kept({ scale: 1, x: 999, y: -999 }, picture, stage), { scale: 1, x: 100, y: 90 });
  assert.deepEqual(G.kept({ scale: 4, x: 999, y: 0 }, picture, stage), { scale: 4, x: 100, y: 60 });
  assert.deepEqual(G.kept({ scale: 4, x: -999, y: 0 }, picture, stage), { scale: 4, x: -300, y: 60 });
});

test("the nearest end is hit, else the shaft, else nothing", () => {
  const pairs = [
    { id: 1, handle: [10, 10], target: [50, 10] },
    { id: 2, handle: [12, 10], target: [50, 50] },
  ];
  const view = { scale: 2, x: 0, y: 0 };
  assert.deepEqual(G.hit(pairs, view, [21, 21], 12), { id: 1, part: "handle" });
  assert.deepEqual(G.hit(pairs, view, [25, 21], 12), { id: 2, part: "handle" });
  assert.deepEqual(G.hit(pairs, view, [70, 22], 12), { id: 1, part: "shaft" });
  assert.equal(G.hit(pairs, view, [70, 40], 6), null);
});

test("moves snap to axes and diagonals", () => {
  near(G.snapped(10, 1), [10, 0]);
  near(G.snapped(-1, 10), [0, 10]);
  near(G.snapped(10, 9), [9.5, 9.5], 1e-6);
  near(G.snapped(0, 0), [0, 0]);
});

test("strokes are simplified within the tolerance", () => {
  const line = Array.from({ length: 100 }, (_, i) => [i, 0.2 * Math.sin(i)]);
  assert.deepEqual(G.simplified(line, 0.5), [line[0], line[99]]);
  const bend = [[0, 0], [5, 0], [10, 0], [10, 5], [10, 10]];
  assert.deepEqual(G.simplified(bend, 0.5), [[0, 0], [10, 0], [10, 10]]);
  for (const p of line) assert.ok(G.distanceToSegment(p, line[0], line[99]) <= 0.5);
});
