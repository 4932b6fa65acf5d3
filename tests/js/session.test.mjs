import assert from "node:assert/strict";
import test from "node:test";

import { Session } from "../../web/points/session.mjs";
import { words } from "../../web/points/stage-notice.mjs";
import { parse } from "../../web/points/value.mjs";

const picture = (width, height) => /** @type {any} */ ({ width, height });
const VALUE = '{"version":2,"width":300,"height":300,"pairs":[{"handle":[75,75],"target":[140,75]}]}';

test("a picture of another size changes no value; a run reads it by the same rule", () => {
  const heard = [];
  const s = new Session((text) => heard.push(text));
  s.setValue(VALUE);
  s.setPicture(picture(300, 300));
  s.setPicture(picture(900, 900));
  assert.deepEqual(s.state.doc.pairs[0].handle, [226, 226]);
  assert.deepEqual([s.getValue(), heard], [VALUE, []]);
  s.dispatch({ type: "nudge", dx: 1, dy: 0 });
  s.dispatch({ type: "selectAll" });
  s.dispatch({ type: "nudge", dx: 1, dy: 0 });
  assert.equal(heard.length, 1);
  assert.match(s.getValue(), /"width":900,"height":900,"pairs":\[\{"handle":\[227,226\]/);
});

test("the old value comes back with the old picture, so ComfyUI's undo ends where it began", () => {
  const s = new Session();
  s.setPicture(picture(900, 900));
  s.setValue(VALUE);
  assert.deepEqual(s.state.doc.pairs[0].handle, [226, 226]);
  assert.equal(s.getValue(), VALUE);
});

test("what is not known, out of date or of another shape is said, and nothing else is", () => {
  const s = new Session();
  assert.match(words(s).picture, /connect one to `image`/);
  s.standing = { state: "unknown", why: "Other nodes make this picture; it comes with a run." };
  assert.equal(s.placeable(), false);
  assert.equal(words(s).picture, s.standing.why);
  s.standing = { state: "outdated", why: "“Scale” changed" };
  s.setPicture(picture(300, 300));
  assert.equal(words(s).picture, "Out of date: “Scale” changed since this picture arrived.");
  assert.equal(s.placeable(), true);
  s.standing = { state: "current" };
  assert.deepEqual(words(s), { picture: "", mask: "", arrows: "" });
  s.setValue(VALUE);
  s.setPicture(picture(900, 400));
  assert.equal(words(s).arrows, "Drawn on a picture of 300x300; this one is 900x400.");
  s.setPicture(picture(130, 400));
  assert.equal(words(s).arrows, "Drawn on a picture of 300x300; this one is 130x400. Outside this one: pair 1.");
  assert.equal(s.placeable(), false);
});

test("a connected mask that is not known or out of date is said while it takes part", () => {
  const s = new Session();
  const shade = picture(300, 300);
  s.standing = { state: "current" };
  s.setPicture(picture(300, 300));
  s.setMask(null, { state: "unknown", why: "Other nodes make it." });
  assert.equal(words(s).mask, "Other nodes make it.");
  assert.match(s.regionWords(), /the connected mask, not known before a run, says/);
  s.setMask(shade, { state: "outdated", why: "“Grow” changed" });
  assert.equal(words(s).mask, "The connected mask is out of date: “Grow” changed since it arrived.");
  assert.match(s.regionWords(), /out of date here/);
  s.dispatch({ type: "shape", shape: { kind: "fill" } });
  assert.match(words(s).mask, /out of date/);
  s.dispatch({ type: "mode", mode: "replace" });
  assert.equal(words(s).mask, "", "what is painted replaces it");
  assert.equal(s.regionWords(), "all of the picture may change");
  s.dispatch({ type: "clearMask" });
  s.dispatch({ type: "mode", mode: "union" });
  s.setMask(shade, { state: "current" });
  assert.equal(words(s).mask, "");
  s.setMask(null, { state: "current" });
  assert.match(s.regionWords(), /empty and counts as none/);
  s.setMask(null, { state: "unknown", why: "Other nodes make it." });
  s.suggestion = [{ handle: [1, 1], target: [9, 9] }];
  s.dispatch({ type: "add", pairs: [{ handle: [10, 10], target: [50, 50] }] });
  assert.equal(words(s).mask, "", "it belongs to the suggestion");
});

test("a result that arrives in the middle of an arrow or a stroke does not take the stage", () => {
  const s = new Session();
  s.setPicture(picture(300, 300));
  s.setValue(VALUE);
  const ends = s.state.doc.pairs.map((p) => `${p.id}:target`);
  s.dispatch({ type: "select", keys: ends });
  s.hold(true);
  s.setResult(picture(300, 300));
  assert.deepEqual([s.show, s.state.selection], ["original", ends]);
  s.hold(false);
  s.dispatch({ type: "place", at: [9, 9] });
  s.setResult(picture(300, 300));
  assert.deepEqual([s.show, s.state.pending], ["original", [9, 9]]);
  s.dispatch({ type: "cancel" });
  s.painting = true;
  s.setResult(picture(300, 300));
  assert.equal(s.show, "original");
  s.result = /** @type {any} */ ({ points: { handles: [[75, 75]], targets: [[140, 75]] }, paths: [] });
  s.painting = false;
  s.hold(false);
  assert.equal(s.show, "result", "of the arrows that are there, once the hand is off");
  s.choose("original");
  s.setResult(picture(300, 300));
  assert.equal(s.show, "result");
});

test("with json connected nothing is placed or followed", () => {
  const s = new Session();
  s.setPicture(picture(300, 300));
  s.setValue(VALUE);
  s.driven = true;
  assert.deepEqual([s.placeable(), s.asked()], [false, null]);
  assert.match(words(s).arrows, /^`json` is connected/);
});

test("a value that could not be read again is refused", () => {
  const s = new Session();
  s.setPicture(picture(300, 300));
  const points = Array.from({ length: 40_000 }, (_, i) => [100.5 + (i % 100), 200.5 + (i % 50)]);
  const shape = /** @type {any} */ ({ kind: "lasso", points });
  s.dispatch({ type: "shape", shape });
  s.dispatch({ type: "shape", shape });
  assert.match(s.state.refused, /more than a workflow can hold/);
  assert.equal(s.state.doc.shapes.length, 1);
  assert.ok(s.getValue().length <= 1_000_000);
});

test("a result does not stay on the stage under arrows that it does not belong to", () => {
  const s = new Session();
  s.setPicture(picture(300, 300));
  s.setValue(VALUE);
  const result = /** @type {any} */ ({ points: { handles: [[75, 75]], targets: [[140, 75]] }, paths: [] });
  const arrives = () => {
    s.result = result;
    s.setResult(picture(300, 300));
  };
  arrives();
  assert.deepEqual([s.show, s.showsResult()], ["result", true]);
  s.dispatch({ type: "add", pairs: [{ handle: [20, 20], target: [40, 20] }] });
  assert.equal(s.show, "original");
  s.dispatch({ type: "undo" });
  s.choose("result");
  s.follow(true);
  s.setCoarse(picture(300, 300));
  s.dispatch({ type: "add", pairs: [{ handle: [20, 20], target: [40, 20] }] });
  s.follow(false);
  assert.deepEqual([s.show, s.shows()], ["original", "picture"]);
  s.choose("result"); // a person who wants to see it
  s.dispatch({ type: "selectAll" });
  assert.equal(s.show, "result");
  s.dispatch({ type: "undo" });
  s.continues = true;
  s.choose("result");
  s.dispatch({ type: "add", pairs: [{ handle: [20, 20], target: [40, 20] }] });
  assert.equal(s.show, "result");
});

test("a preview is put aside by who looks at something else, until its run is over", () => {
  const s = new Session();
  s.setPicture(picture(300, 300));
  s.preview = picture(9, 9);
  assert.equal(s.shows(), "preview");
  s.comparing = true;
  assert.equal(s.shows(), "picture");
  s.comparing = false;
  s.choose("original");
  s.preview = picture(9, 9);
  assert.equal(s.shows(), "picture");
  s.preview = null;
  s.choose("original");
  s.preview = picture(9, 9);
  assert.equal(s.shows(), "preview");
});

test("emptying leaves nothing of a connected mask, whatever the region was", () => {
  for (const region of /** @type {const} */ (["auto", "own", "whole"])) {
    const s = new Session();
    s.setPicture(picture(300, 300));
    s.setMask(picture(300, 300), { state: "current" });
    s.setValue(VALUE);
    s.dispatch({ type: "region", region });
    s.paint(/** @type {any} */ ({ kind: "clear" }));
    assert.equal(s.state.doc.mode, "replace");
    assert.equal(s.regionWords(), "nothing may change yet: paint what may");
    s.dispatch({ type: "undo" });
    assert.equal(s.state.doc.mode, "union");
  }
});

test("a region that was emptied is not said to be painted", () => {
  const s = new Session();
  s.setPicture(picture(300, 300));
  s.setValue(VALUE);
  s.paint(/** @type {any} */ ({ kind: "clear" }));
  assert.equal(s.regionWords(), "nothing may change yet: paint what may");
  s.paint(/** @type {any} */ ({ kind: "rectangle", points: [[10, 10], [40, 40]] }));
  assert.equal(s.regionWords(), "what you painted may change");
});

test("a suggestion that is connected but not known leaves its mask to it all the same", () => {
  const s = new Session();
  s.setPicture(picture(300, 300));
  s.setMask(picture(300, 300), { state: "current" });
  s.setValue(VALUE);
  assert.equal(s.joined(), true);
  s.suggested = true;
  assert.equal(s.joined(), false);
  assert.equal(s.regionWords(), "the region around the arrows may change");
});

test("what is drawn or painted while a run shows its preview is seen on the original", () => {
  const s = new Session();
  s.setPicture(picture(300, 300));
  s.setValue(VALUE);
  s.preview = picture(9, 9);
  s.paint(/** @type {any} */ ({ kind: "clear" }));
  assert.equal(s.shows(), "picture");
  s.preview = null; // between two nodes that show previews
  s.preview = picture(9, 9);
  assert.equal(s.shows(), "picture");
});

test("the result of the longest variant belongs to the arrows that were drawn", () => {
  const s = new Session();
  s.setPicture(picture(300, 300));
  s.setValue(VALUE);
  const points = { handles: [[75, 75]], targets: [[156.25, 75]] };
  s.result = /** @type {any} */ ({ points, paths: [] });
  s.setResult(picture(300, 300));
  assert.equal(s.showsResult(), false);
  s.result = /** @type {any} */ ({ points, paths: [], lengthened: true });
  assert.equal(s.showsResult(), true);
  s.dispatch({ type: "selectAll" });
  s.dispatch({ type: "nudge", dx: 0, dy: 9 });
  assert.equal(s.showsResult(), false);
});

test("the eraser and Invert begin with what is seen, where nothing is painted", () => {
  for (const region of /** @type {const} */ (["auto", "own", "whole"])) {
    for (const shape of [{ kind: "brush", points: [[9, 9]], size: 8, hardness: 1, erase: true }, { kind: "invert" }]) {
      const s = new Session();
      s.setPicture(picture(300, 300));
      s.dispatch({ type: "region", region });
      s.paint(/** @type {any} */ (shape));
      assert.deepEqual(s.state.doc.shapes, [{ kind: "fill" }, shape], region);
    }
  }
});

test("the eraser takes away from a connected mask, whatever the region was", () => {
  for (const region of /** @type {const} */ (["auto", "own", "whole"])) {
    const s = new Session();
    s.setPicture(picture(300, 300));
    s.setMask(picture(300, 300), { state: "current" });
    s.dispatch({ type: "region", region });
    s.paint(/** @type {any} */ ({ kind: "rectangle", points: [[10, 10], [40, 40]], erase: true }));
    assert.deepEqual([s.state.doc.shapes[0].kind, s.state.doc.shapes.length, s.state.doc.mode], ["fill", 2, "intersect"], region);
  }
});

test("Invert, Grow and Shrink say why they have nothing to work on", () => {
  const s = new Session();
  s.setPicture(picture(300, 300));
  const [invert, grow] = /** @type {any[]} */ ([{ kind: "invert" }, { kind: "grow", size: 8 }]);
  assert.equal(s.idle(invert), "");
  assert.match(s.idle(grow), /nothing to grow/);
  s.setMask(picture(300, 300), { state: "current" });
  for (const shape of [invert, grow]) assert.match(s.idle(shape), /connected mask/);
  s.paint(/** @type {any} */ ({ kind: "rectangle", points: [[10, 10], [40, 40]] }));
  for (const shape of [invert, grow]) assert.equal(s.idle(shape), "");
  const arrow = new Session();
  arrow.setPicture(picture(300, 300));
  arrow.setValue(VALUE);
  for (const shape of [invert, grow]) assert.equal(arrow.idle(shape), "");
});

test("what shapes cover is said as it is", () => {
  const s = new Session();
  s.setPicture(picture(300, 300));
  s.paint(/** @type {any} */ ({ kind: "invert" }));
  assert.equal(s.regionWords(), "nothing may change yet: paint what may");
  s.paint(/** @type {any} */ ({ kind: "invert" }));
  assert.equal(s.regionWords(), "all of the picture may change");
  s.paint(/** @type {any} */ ({ kind: "rectangle", points: [[10, 10], [40, 40]], erase: true }));
  assert.equal(s.regionWords(), "what you painted may change");
});

test("a drawing that is pasted beside arrows leaves them the region around them", () => {
  const s = new Session();
  s.setPicture(picture(300, 300));
  s.setValue(VALUE);
  const [around] = s.followed();
  s.paste(parse(JSON.stringify({ pairs: [[[9, 9], [50, 9]]], mask: { region: "own", shapes: [{ kind: "fill" }] } })));
  assert.deepEqual(s.state.doc.shapes, [around, { kind: "fill" }]);
  s.dispatch({ type: "undo" });
  assert.equal(s.text, VALUE);
});
