import assert from "node:assert/strict";
import test from "node:test";

import * as S from "../../web/points/state.mjs";
import { dump, parse } from "../../web/points/value.mjs";

const run = (actions, state = start()) => actions.reduce(S.reduce, state);
const start = () => S.reduce(S.initial(), { type: "picture", size: { width: 200, height: 100 } });
const pair = (h, t) => ({ handle: h, target: t });

test("click puts the handle, the next click its target", () => {
  let s = run([{ type: "place", at: [10, 20] }]);
  assert.deepEqual(s.pending, [10, 20]);
  assert.equal(s.doc.pairs.length, 0);
  s = run([{ type: "place", at: [30, 40] }], s);
  assert.equal(s.pending, null);
  assert.deepEqual(S.toValue(s).pairs, [pair([10, 20], [30, 40])]);
  assert.equal(s.past.length, 1);
  assert.deepEqual(run([{ type: "undo" }], s).doc.pairs, []);
});

test("escape takes back a waiting handle first, then the selection", () => {
  let s = run([{ type: "add", pairs: [pair([1, 1], [2, 2])] }, { type: "selectAll" }, { type: "place", at: [5, 5] }]);
  s = run([{ type: "selectAll" }, { type: "cancel" }], s);
  assert.equal(s.pending, null);
  assert.equal(s.selection.length, 2);
  assert.deepEqual(run([{ type: "cancel" }], s).selection, []);
});

test("a gesture is one step, whatever it passes on its way", () => {
  let s = run([{ type: "add", pairs: [pair([10, 10], [50, 50])] }, { type: "selectAll" }]);
  const before = s.doc;
  for (let i = 1; i <= 20; i++) s = S.reduce(s, { type: "move", dx: i, dy: -i, gesture: "a" });
  assert.deepEqual(s.doc.pairs[0].target, [70, 40]);
  assert.deepEqual(s.doc.pairs[0].handle, [30, 0]); // stopped at the border, and the other end with it
  assert.deepEqual(S.reduce(s, { type: "takeBack", gesture: "a" }), { ...s, doc: before, past: s.past.slice(0, -1), gesture: null, base: null });
  assert.equal(S.reduce(s, { type: "takeBack", gesture: "other" }), s);
  const undone = S.reduce(s, { type: "undo" });
  const begun = run([{ type: "selectAll" }, { type: "move", dx: 3, dy: 3, gesture: "c" }], undone);
  assert.deepEqual(S.reduce(begun, { type: "takeBack", gesture: "c" }).future, undone.future);
  assert.deepEqual(S.reduce(s, { type: "undo" }).doc, before);
  s = S.reduce(s, { type: "move", dx: 1, dy: 0, gesture: "b" });
  assert.equal(s.past.length, 3);
});

test("what reaches the border keeps its shape, however it is moved", () => {
  let s = run([{ type: "add", pairs: [pair([150, 50], [190, 90]), pair([100, 5], [100, 5])] }, { type: "selectAll" }]);
  s = run(Array(10).fill({ type: "nudge", dx: 10, dy: -10 }), s);
  assert.deepEqual(s.doc.pairs.map((p) => [p.handle, p.target]), [[[159, 45], [199, 85]], [[109, 0], [109, 0]]]);
  s = run([{ type: "select", keys: [S.key(s.doc.pairs[0].id, "handle")] }, { type: "duplicate" }], s);
  const { handle, target } = s.doc.pairs[2];
  assert.deepEqual([target[0] - handle[0], target[1] - handle[1]], [40, 40]);
  assert.notDeepEqual(handle, [159, 45]);
});

test("a mask of more than can be read again is refused", () => {
  const shape = { kind: "brush", size: 4, hardness: 1, points: Array(100_000).fill([1, 1]) };
  const s = run([{ type: "shape", shape }, { type: "shape", shape }]);
  assert.equal(s.refused, "");
  const t = run([{ type: "shape", shape }], s);
  assert.match(t.refused, /clear some/);
  assert.equal(t.doc, s.doc);
});

test("points stay in the picture, and loaded ones outside are told of", () => {
  const s = run([{ type: "load", value: parse("[[[10, 10], [500, 20]], [[1, 1], [2, 2]]]") }]);
  assert.deepEqual(S.outside(s.doc), [1]);
  assert.deepEqual(s.doc.pairs[0].target, [500, 20]); // kept as they were
  const t = run([{ type: "set", id: s.doc.pairs[0].id, end: "target", at: [900, -5] }], s);
  assert.deepEqual(t.doc.pairs[0].target, [199, 0]);
  assert.deepEqual(S.outside(run([{ type: "picture", size: { width: 20, height: 20 } }, { type: "keep" }], t).doc), [1]);
});

test("remove, duplicate, reorder and switch act on pairs", () => {
  let s = run([{ type: "add", pairs: [pair([1, 1], [2, 2]), pair([3, 3], [4, 4]), pair([5, 5], [6, 6])] }]);
  const [a, b, c] = s.doc.pairs.map((p) => p.id);
  s = run([{ type: "reorder", id: c, to: 0 }], s);
  assert.deepEqual(s.doc.pairs.map((p) => p.id), [c, a, b]);
  s = run([{ type: "switch", ids: [a], off: true }], s);
  assert.deepEqual(S.toValue(s).pairs.map((p) => Boolean(p.off)), [false, true, false]);
  s = run([{ type: "select", keys: [S.key(b, "handle")] }, { type: "duplicate" }], s);
  assert.deepEqual(s.doc.pairs.at(-1).handle, [15, 15]);
  s = run([{ type: "remove", ids: [c, a] }], s);
  assert.equal(s.doc.pairs.length, 2);
  s = run([{ type: "select", keys: [S.key(b, "target")] }, { type: "remove" }], s);
  assert.equal(s.doc.pairs.length, 1);
});

test("painting makes the region one's own in one step, and choosing another keeps what was painted", () => {
  const brush = (x) => ({ kind: "brush", points: [[x, 1]], size: 5, hardness: 1 });
  let s = run([{ type: "shape", shape: brush(1), below: [brush(0)] }]);
  assert.equal(s.doc.region, "own");
  assert.deepEqual(s.doc.shapes, [brush(0), brush(1)]);
  assert.equal(s.past.length, 1);
  s = run([{ type: "shape", shape: brush(2), below: [brush(9)] }, { type: "region", region: "whole" }], s);
  assert.deepEqual(parse(dump(S.toValue(s))).shapes, [brush(0), brush(1), brush(2)]);
  assert.equal(parse(dump(S.toValue(s))).region, "whole");
  s = run([{ type: "region", region: "own" }], s);
  assert.equal(s.doc.shapes.length, 3);
  s = run([{ type: "clearMask" }], s);
  assert.deepEqual([s.doc.region, s.doc.shapes], ["auto", []]);
});

test("loading the same value again is no step", () => {
  const s = run([{ type: "load", value: parse("[[[1, 2], [3, 4]]]") }]);
  assert.equal(S.reduce(s, { type: "load", value: parse(dump(S.toValue(s))) }), s);
});

test("what exists no more is not selected", () => {
  let s = run([{ type: "add", pairs: [pair([1, 1], [2, 2])] }, { type: "selectAll" }, { type: "undo" }]);
  assert.deepEqual(s.selection, []);
  s = run([{ type: "redo" }], s);
  assert.equal(s.doc.pairs.length, 1);
});

/** A small generator with a seed. */
function random(seed) {
  let a = seed >>> 0;
  return () => {
    a = (a + 0x6d2b79f5) | 0;
    let t = Math.imul(a ^ (a >>> 15), 1 | a);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

function randomAction(r, state) {
  const n = (a, b) => a + r() * (b - a);
  const at = () => [n(-50, 250), n(-50, 150)];
  const ids = state.doc.pairs.map((p) => p.id);
  const id = () => (ids.length && r() < 0.9 ? ids[Math.floor(r() * ids.length)] : 12345);
  const end = () => (r() < 0.5 ? "handle" : "target");
  const choices = [
    () => ({ type: "place", at: at() }),
    () => ({ type: "add", pairs: Array.from({ length: Math.floor(r() * 4) }, () => ({ ...pair(at(), at()), off: r() < 0.2 })) }),
    () => ({ type: "cancel" }),
    () => ({ type: "select", keys: [S.key(id(), end()), S.key(id(), end())], how: ["set", "toggle", "add"][Math.floor(r() * 3)] }),
    () => ({ type: "selectAll" }),
    () => ({ type: "move", dx: n(-80, 80), dy: n(-80, 80), gesture: String(Math.floor(r() * 3)) }),
    () => ({ type: "nudge", dx: Math.round(n(-2, 2)), dy: Math.round(n(-2, 2)) }),
    () => ({ type: "nudge", dx: 1, dy: 0, gesture: `nudge ${Math.floor(r() * 2)}` }),
    () => ({ type: "paste", value: parse(JSON.stringify({ width: 100, height: 50, pairs: [[at(), at()]], mask: { region: "own", mode: "union", shapes: [{ kind: "fill" }] } })) }),
    () => ({ type: "set", id: id(), end: end(), at: r() < 0.1 ? [NaN, 1] : at() }),
    () => ({ type: "remove", ...(r() < 0.5 ? { ids: [id()] } : {}) }),
    () => ({ type: "duplicate" }),
    () => ({ type: "reorder", id: id(), to: Math.floor(n(-3, 9)) }),
    () => ({ type: "switch", ids: [id(), id()], off: r() < 0.5 }),
    () => ({ type: "shape", shape: { kind: "brush", points: [at(), at()], size: n(1, 30), hardness: 1 } }),
    () => ({ type: "shape", shape: { kind: "invert" }, below: [{ kind: "fill" }], mode: "intersect" }),
    () => ({ type: "region", region: ["auto", "own", "whole"][Math.floor(r() * 3)] }),
    () => ({ type: "clearMask" }),
    () => ({ type: "mode", mode: ["replace", "union", "intersect"][Math.floor(r() * 3)] }),
    () => ({ type: "undo" }),
    () => ({ type: "redo" }),
    () => ({ type: "picture", size: r() < 0.2 ? null : { width: Math.ceil(n(20, 300)), height: Math.ceil(n(20, 300)) } }),
    () => ({ type: "load", value: parse(JSON.stringify([[at(), at()]])) }),
  ];
  return choices[Math.floor(r() * choices.length)]();
}

const content = (doc) => JSON.stringify([doc.pairs, doc.shapes, doc.mode, doc.region]);

test("10,000 random sequences: invariants hold, undo returns exactly, writing and reading is the identity", () => {
  for (let seed = 0; seed < 10_000; seed++) {
    const r = random(seed);
    let s = start();
    for (let step = 0; step < 12; step++) {
      const before = s;
      const frozen = JSON.stringify(before);
      const action = randomAction(r, s);
      s = S.reduce(s, action);
      const where = `seed ${seed}, step ${step}, ${action.type}`;
      assert.equal(JSON.stringify(before), frozen, `${where}: the old state was changed`);

      const ids = s.doc.pairs.map((p) => p.id);
      assert.equal(new Set(ids).size, ids.length, `${where}: ids`);
      for (const p of s.doc.pairs) for (const v of [...p.handle, ...p.target]) assert.ok(Number.isFinite(v), where);
      for (const k of s.selection) assert.ok(ids.includes(S.unkey(k).id), `${where}: selection`);
      assert.equal(new Set(s.selection).size, s.selection.length, where);
      assert.ok(s.past.length <= S.HISTORY);
      assert.ok(ids.every((id) => id < s.nextId), where);

      if (s.past.length > before.past.length) {
        const undone = S.reduce({ ...s, pending: null }, { type: "undo" });
        assert.equal(content(undone.doc), content(before.doc), `${where}: undo`);
        assert.equal(content(S.reduce(undone, { type: "redo" }).doc), content(s.doc), `${where}: redo`);
      }
      const text = dump(S.toValue(s));
      assert.equal(dump(parse(text)), text, `${where}: write and read`);
    }
  }
});

const at300 = (...pairs) => ({ type: "load", value: parse(JSON.stringify({ width: 300, height: 300, pairs })) });
const shown = (width, height) => ({ type: "picture", size: { width, height } });

test("without a picture nothing is placed", () => {
  for (const action of [{ type: "place", at: [1, 2] }, { type: "add", pairs: [pair([1, 1], [2, 2])] }, { type: "shape", shape: { kind: "fill" } }])
    assert.deepEqual(S.reduce(S.initial(), action), S.initial());
  assert.equal(S.editable(S.initial()), false);
  const s = run([{ type: "add", pairs: [pair([1, 1], [2, 2])] }, { type: "picture", size: null }, { type: "add", pairs: [pair([1, 1], [2, 2])] }]);
  assert.equal(s.doc.pairs.length, 1);
  assert.deepEqual(S.sizeOf(s.doc), { width: 200, height: 100 });
});

test("the same picture in another size takes the points along as one step, and undo keeps the old pixels", () => {
  let s = run([at300([[75, 75], [140, 75]]), shown(900, 900)], S.initial());
  assert.deepEqual([s.doc.pairs[0].handle, s.doc.pairs[0].target], [[226, 226], [421, 226]]);
  assert.deepEqual([s.movedFrom, S.sizeOf(s.doc)], [{ width: 300, height: 300 }, { width: 900, height: 900 }]);
  s = S.reduce(s, { type: "undo" });
  assert.deepEqual([s.doc.pairs[0].handle, S.sizeOf(s.doc)], [[75, 75], { width: 900, height: 900 }]);
  assert.equal(s.movedFrom, null);
  const moved = run([at300([[75, 75], [140, 75]]), shown(900, 900)], S.initial());
  assert.equal(S.reduce(moved, { type: "act" }).movedFrom, null); // it was read, and nothing changed
  assert.equal(S.reduce(moved, { type: "act" }).doc, moved.doc);
  assert.equal(S.reduce(moved, { type: "add", pairs: [pair([1, 1], [9, 9])] }).movedFrom, null);
  s = S.reduce(s, { type: "redo" });
  assert.deepEqual(s.doc.pairs[0].handle, [226, 226]);
  assert.equal(S.editable(s), true);
});

test("a picture of another shape leaves the points as they are until a person decides", () => {
  const s = run([at300([[75, 75], [140, 290]]), shown(900, 100)], S.initial());
  assert.deepEqual([S.misfit(s), S.editable(s)], [true, false]);
  assert.deepEqual([s.doc.pairs[0].target, S.sizeOf(s.doc)], [[140, 290], { width: 300, height: 300 }]);
  assert.equal(S.reduce(s, { type: "add", pairs: [pair([1, 1], [2, 2])] }), s);

  assert.deepEqual(S.inside(S.asShown(s), [140, 290]), [140, 99], "shown at the border of this picture");
  assert.deepEqual([S.outside(S.asShown(s)), S.outside(s.doc)], [[1], []], "and told of");

  const fitted = S.reduce(s, { type: "fit" });
  assert.deepEqual(fitted.doc.pairs[0].target.map((v) => Math.round(v * 100) / 100), [421, 96.33]);
  assert.equal(S.editable(fitted), true);
  assert.equal(S.misfit(S.reduce(fitted, { type: "undo" })), true, "to decide again");

  const kept = S.reduce(s, { type: "keep" });
  assert.deepEqual([kept.doc.pairs[0].target, S.sizeOf(kept.doc)], [[140, 290], { width: 900, height: 100 }]);
  assert.deepEqual(S.outside(kept.doc), [1]);

  const removed = S.reduce(s, { type: "remove", ids: [s.doc.pairs[0].id] });
  assert.equal(S.editable(removed), true, "nothing is left to decide about");
});

test("a value without size is in pixels of the picture that is there", () => {
  const s = run([{ type: "load", value: parse("[[[75, 75], [140, 75]]]") }, shown(900, 400)], S.initial());
  assert.deepEqual([s.doc.pairs[0].handle, S.sizeOf(s.doc)], [[75, 75], { width: 900, height: 400 }]);
});

test("what is opened is no step that could be taken back", () => {
  const opened = run([{ type: "load", value: parse("[[[1, 2], [3, 4]]]") }]);
  assert.equal(S.reduce(opened, { type: "undo" }), opened);
  const later = run([{ type: "load", value: parse("[[[5, 6], [7, 8]]]") }, { type: "undo" }], opened);
  assert.deepEqual(later.doc.pairs[0].handle, [1, 2]);
});

test("undo takes back a handle that waits, and nothing else", () => {
  const s = run([{ type: "add", pairs: [pair([1, 1], [5, 5])] }, { type: "place", at: [9, 9] }, { type: "undo" }]);
  assert.equal(s.pending, null);
  assert.equal(s.doc.pairs.length, 1);
  assert.equal(S.reduce(s, { type: "undo" }).doc.pairs.length, 0);
});

test("an arrow key that is held is one step, two presses are two", () => {
  const placed = run([{ type: "add", pairs: [pair([1, 1], [5, 5])] }]);
  const held = run(Array.from({ length: 300 }, () => ({ type: "nudge", dx: 0.1, dy: 0, gesture: "nudge 1" })), placed);
  const again = run([{ type: "nudge", dx: 1, dy: 0, gesture: "nudge 2" }], held);
  assert.ok(Math.abs(held.doc.pairs[0].target[0] - 35) < 1e-6);
  assert.equal(content(S.reduce(again, { type: "undo" }).doc), content(held.doc));
  assert.equal(content(run([{ type: "undo" }, { type: "undo" }], again).doc), content(placed.doc));
});

const drawing = (size, more = {}) => parse(JSON.stringify({ ...size, pairs: [{ handle: [10, 10], target: [20, 10] }], mask: { region: "own", mode: "intersect", shapes: [{ kind: "fill" }, { kind: "brush", points: [[10, 10]], size: 8, hardness: 1, erase: true }] }, ...more }));

test("a drawing that is pasted is one step, moves along to another size of its picture, and comes as a whole where nothing is", () => {
  const empty = S.reduce(S.initial(), shown(400, 200));
  const s = S.reduce(empty, { type: "paste", value: drawing({ width: 200, height: 100 }) });
  assert.deepEqual(s.doc.pairs[0].handle, [20.5, 20.5]);
  assert.equal(s.doc.shapes[1].size, 16);
  assert.deepEqual([s.doc.region, s.doc.mode], ["own", "intersect"]);
  assert.equal(s.past.length, empty.past.length + 1);
  assert.equal(content(S.reduce(s, { type: "undo" }).doc), content(empty.doc));
  const another = S.reduce(empty, { type: "paste", value: drawing({ width: 90, height: 100 }) });
  assert.deepEqual(another.doc.pairs[0].handle, [10, 10]);
  const beside = S.reduce(run([{ type: "add", pairs: [pair([1, 1], [5, 5])] }], empty), { type: "paste", value: drawing({}) });
  assert.deepEqual([beside.doc.pairs.length, beside.doc.mode], [2, "union"]);
});

test("a drawing that is too much is not pasted, not even in part", () => {
  const many = Array.from({ length: 70 }, (_, i) => ({ handle: [i, 1], target: [i, 9] }));
  const s = run([{ type: "paste", value: parse(JSON.stringify({ pairs: many, mask: { region: "own", shapes: [{ kind: "fill" }] } })) }]);
  assert.match(s.refused, /At most 64 pairs/);
  assert.equal(s.doc.pairs.length + s.doc.shapes.length, 0);
});

test("without arrows the next picture is met anew, however they went", () => {
  const other = run([{ type: "add", pairs: [pair([1, 1], [5, 5])] }, shown(50, 170)]);
  assert.ok(S.misfit(other));
  assert.ok(!S.misfit(S.reduce(other, { type: "clearPairs" })));
});
