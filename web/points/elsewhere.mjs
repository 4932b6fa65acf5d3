// @ts-check
/**
 * What runs told. The result of one whose workflow is not open, or whose picture is not the one that is shown any more, is kept: it is
 * seen again when a person comes back to them.
 * @typedef {import("./upstream.mjs").Upstream} Upstream
 * @typedef {import("./draw.mjs").Result} Result
 */

import { keep } from "./results.mjs";

const RUNS = 8;
/** Between an editor and the sampler. */
const PASSED_ON = 8;
/** What was told of the last runs, by their ids. @type {Map<unknown, {pictures: Map<string, Upstream | null>, results: Map<string, Result>}>} */
const heard = new Map();

/** Take note of what a run tells. @param {any} event of a node that was executed @param {import("./runs.mjs").Owner} owner of the run */
export function hear({ prompt_id: run, node: id, output }, { nodes = {} }) {
  const told = heard.get(run) ?? { pictures: new Map(), results: new Map() };
  heard.set(run, told);
  if (heard.size > RUNS) heard.delete(heard.keys().next().value);
  const [arrived] = output?.gooddrag_points ?? [];
  if (arrived) told.pictures.set(String(id), arrived.upstream);
  const [result] = output?.gooddrag_result ?? [];
  if (result) told.results.set(String(id), { ...result, lengthened: from(nodes, id, "points")?.class_type === "GoodDrag_Variants" });
}

/** What made the picture of a points node in a run; undefined if that was not told. @param {unknown} run @param {string} points its id @returns {Upstream | null | undefined} */
export const pictureOf = (run, points) => heard.get(run)?.pictures.get(points);

/** Keep the result that a run's node tells of, for the picture that it was made from. @param {any} event of a node that was executed @param {import("./runs.mjs").Owner} owner of the run */
export function keepResult({ prompt_id: run, node: id, output }, { workflow, nodes = {} }) {
  const told = heard.get(run);
  const [after] = output?.gooddrag_after ?? [];
  const sampler = after && String(nodes[id]?.inputs.trace?.[0]);
  const drawn = after && told?.results.get(sampler);
  const points = drawn && pointsOf(nodes, sampler);
  const upstream = points && told?.pictures.get(points);
  if (upstream && JSON.stringify(drawn.points) === JSON.stringify(after.points)) {
    keep({ id: points, workflow, upstream, file: after.image, result: drawn });
  }
}

/** @param {NonNullable<import("./runs.mjs").Owner["nodes"]>} nodes @param {string} id @param {string} input */
const from = (nodes, id, input) => nodes[nodes[id]?.inputs[input]?.[0]];

/** The node whose arrows a sampler drags. @param {NonNullable<import("./runs.mjs").Owner["nodes"]>} nodes @param {string} sampler @returns {string | null} */
function pointsOf(nodes, sampler) {
  let id = nodes[sampler]?.inputs.points?.[0];
  for (let i = 0; id !== undefined && nodes[id]?.class_type !== "GoodDrag_Points" && i < PASSED_ON; i++) id = nodes[id]?.inputs.points?.[0];
  return nodes[id]?.class_type === "GoodDrag_Points" ? String(id) : null;
}
