// @ts-check
/**
 * The last results, for nodes that are made anew: by ComfyUI's undo, another tab of its, and a page that was loaded again. To such a page
 * the server does not tell again of what it has done before.
 * @typedef {import("./picture.mjs").Picture} Picture
 * @typedef {import("./picture.mjs").File} File
 * @typedef {import("./upstream.mjs").Upstream} Upstream
 * @typedef {{id: string, workflow: unknown, upstream: Upstream, file: File, result: import("./draw.mjs").Result | null, after?: Picture}} Kept
 *   of the node with an execution id in a workflow, for the picture that `upstream` makes; `after` until the page is loaded again
 */

const MOST = 16;
const KEY = "GoodDrag.results";
/** The id of a workflow that was never saved nor left: it gets its own then. */
const NAMELESS = "00000000-0000-0000-0000-000000000000";

/** The newest first. @type {Kept[]} */
let kept = read();

/** @returns {Kept[]} */
function read() {
  try {
    const found = JSON.parse(globalThis.sessionStorage.getItem(KEY) ?? "[]");
    return Array.isArray(found) ? found.filter((k) => k?.upstream?.nodes && k.file) : [];
  } catch {
    return []; // no storage, or not ours
  }
}

/** @param {Kept} entry */
export function keep(entry) {
  kept = [entry, ...kept].slice(0, MOST);
  try {
    globalThis.sessionStorage.setItem(KEY, JSON.stringify(kept.map(({ after, ...told }) => told)));
  } catch {
    // no room, or no storage: this page knows them all the same
  }
}

/** @param {string} id @param {unknown} workflow @param {(upstream: Upstream) => boolean} fits whether it makes the picture that is there */
export function recalled(id, workflow, fits) {
  return kept.find((k) => k.id === id && [workflow, NAMELESS].includes(k.workflow) && fits(k.upstream)) ?? null;
}
