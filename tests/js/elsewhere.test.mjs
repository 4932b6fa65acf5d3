import assert from "node:assert/strict";
import test from "node:test";

import { hear, keepResult, pictureOf } from "../../web/points/elsewhere.mjs";
import { recalled } from "../../web/points/results.mjs";

const NODES = {
  1: { class_type: "GoodDrag_Points", inputs: {} },
  2: { class_type: "GoodDrag_Variants", inputs: { points: ["1", 0] } },
  3: { class_type: "GoodDrag_Sampler", inputs: { points: ["2", 0] } },
  4: { class_type: "GoodDrag_Decode", inputs: { latent: ["3", 0], trace: ["3", 1] } },
  5: { class_type: "GoodDrag_Decode", inputs: { latent: ["3", 0] } },
};
const POINTS = { handles: [[1, 2]], targets: [[3, 4]] };
const upstream = { link: ["9", 0], nodes: {} };
const owner = { workflow: "w", nodes: NODES };
/** @param {boolean} [taken] by an editor that shows the run's picture */
function told(run, node, output, taken = false) {
  hear({ prompt_id: run, node, output }, owner);
  if (!taken) keepResult({ prompt_id: run, node, output }, owner);
}
const found = (id, workflow = "w") => recalled(id, workflow, (was) => was === upstream);

test("a result of a workflow that is not open is kept for its editor", () => {
  told("a", "1", { gooddrag_points: [{ upstream }] }, true); // it was left after that
  told("a", "3", { gooddrag_result: [{ points: POINTS, paths: [] }] });
  told("a", "5", {});
  assert.equal(found("1"), null);
  told("a", "4", { gooddrag_after: [{ image: { filename: "x.png" }, points: POINTS }] });
  assert.equal(pictureOf("a", "1"), upstream);
  assert.equal(pictureOf("a", "2"), undefined);
  assert.equal(found("1").file.filename, "x.png");
  assert.equal(found("1").result.lengthened, true);
  assert.equal(found("2"), null);
  assert.equal(found("1", "another"), null);
});

test("of a run whose picture or drag is not known nothing is kept", () => {
  told("b", "4", { gooddrag_after: [{ image: { filename: "y.png" }, points: POINTS }] });
  told("c", "1", { gooddrag_points: [{ upstream }] });
  told("c", "3", { gooddrag_result: [{ points: { ...POINTS, targets: [[9, 9]] }, paths: [] }] });
  told("c", "4", { gooddrag_after: [{ image: { filename: "z.png" }, points: POINTS }] });
  assert.equal(found("1").file.filename, "x.png");
});
