// @ts-check
/**
 * ComfyUI around the editor: what a run reports to which node, and the dialog.
 *
 * Only documented hooks are used: events of `api` and of the canvas, and what nodes and links show of themselves.
 * @typedef {import("./session.mjs").Session} Session
 * @typedef {import("./picture.mjs").Frame} Frame
 */

import { clearNotices } from "../notices.mjs";
import { plain } from "./dom.mjs";
import { Watched, loadPicture, opened, viewUrl } from "./picture.mjs";
import { hear, keepResult, pictureOf } from "./elsewhere.mjs";
import { queued } from "./runs.mjs";
import { executionId, origin, placeOf } from "./upstream.mjs";

const WATCH_MS = 400;
/** After the queue became empty; what is asked for at that moment is in it by then. */
const FORGOTTEN_MS = 1500;
/** Files are looked at when the page is come back to, after runs, and this often while it is seen. */
const FILES_MS = 4000;

/** What is watched, by node. @type {Map<any, Watched>} */
const watched = new Map();
/** Nodes between an editor and the sampler that are looked through. */
const PASSED_ON = 8;

/** @param {unknown} [id] of a node @returns {Session[]} of its editor, else of all */
export function sessions(id) {
  return [...watched.values()].filter((watch) => id === undefined || watch.has(id)).map(({ session }) => session);
}

/** A points node in the copy of a subgraph that is shown. @param {any} node @returns {import("./upstream.mjs").Place | null} */
export const placeShown = (node) => watched.get(node)?.place() ?? null;

/** Keep a session up to date for as long as its node exists. @param {any} app @param {any} api @param {any} node @param {Session} session */
export function attach(app, api, node, session) {
  const watch = new Watched(app, api, node, session);
  watched.set(node, watch);
  // a look every now and then costs no frames, and no widget of another node has to be patched
  const timers = [
    setInterval(() => watch.look(), WATCH_MS),
    setInterval(() => void (document.visibilityState === "visible" && watch.lookAtFiles()), FILES_MS),
  ];
  watch.look();
  // what the last run said was said of this picture and this mask
  let seen = [session.masked, Boolean(session.picture)];
  const unsubscribe = session.subscribe(() => {
    const now = [session.masked, Boolean(session.picture)];
    if (now[0] !== seen[0] || (seen[1] && !now[1])) clearNotices(node);
    seen = now;
  });
  return () => {
    unsubscribe();
    timers.forEach(clearInterval);
    watched.delete(node);
  };
}

/** The copies of points nodes with something that a run reports of the node `id`. @param {any} app @param {unknown} id @param {string[]} inputs to follow from there @returns {[Watched, string][]} */
function behind(app, id, ...inputs) {
  /** @type {import("./upstream.mjs").Place | null} */
  let place = placeOf(app.graph?.rootGraph ?? app.graph, id);
  for (const input of inputs) place = place && origin(place, input);
  // what makes variants of points, or hands them on
  for (let i = 0; place && !watched.has(place.node) && i < PASSED_ON; i++) place = origin(place, "points");
  const watch = place && watched.get(place.node);
  return watch && place ? [[watch, executionId(place)]] : [];
}

/** Copies whose points are dragged by the sampler with this id. @param {any} app @param {unknown} id */
const dragging = (app, id) => behind(app, id, "points");

/** @param {any} app @param {any} api @param {any} data of an "executed" event @param {Watched[]} asked for a picture when it came @returns {Promise<boolean>} false for a result that none of the pictures here belongs to */
async function executed(app, api, { node: id, output, prompt_id: run }, asked) {
  if (!output) return true;
  const [arrived] = output.gooddrag_points ?? [];
  if (arrived) {
    for (const watch of watched.values()) {
      if (!watch.has(id)) continue;
      // asked for a picture, a person expects no more than that
      const expected = asked.includes(watch);
      if (arrived.stopped && !expected) tell(app, arrived.stopped, { run, session: watch.session });
      await watch.arrived(String(id), arrived, expected);
    }
  }
  const [result] = output.gooddrag_result ?? [];
  if (result) {
    const sampler = placeOf(app.graph?.rootGraph ?? app.graph, id);
    result.lengthened = Boolean(sampler) && origin(/** @type {any} */ (sampler), "points")?.node.type === "GoodDrag_Variants";
    for (const [watch, copy] of dragging(app, id)) if (watch.shows(copy, pictureOf(run, copy))) watch.put(copy, { preview: null, result });
  }
  const [after] = output.gooddrag_after ?? [];
  if (!after) return true;
  const picture = await loadPicture(viewUrl(api, after.image));
  let taken = false;
  for (const [watch, copy] of behind(app, id, "trace", "points")) {
    const upstream = pictureOf(run, copy);
    if (!watch.shows(copy, upstream)) continue;
    if (JSON.stringify(watch.frame(copy).result?.points) !== JSON.stringify(after.points)) continue;
    if (copy === watch.shown) watch.session.setResult(picture);
    watch.finish(copy, picture, after.image, upstream);
    taken = true;
  }
  return taken;
}

const TOAST_MS = 10_000;
/** What was last told of a run that stopped at the points, of whose editor, and when. @type {{why: string, run: unknown, session: Session, at: number} | null} */
let told = null;

/**
 * A run stopped at the points: said where it is seen whatever part of the graph is on the screen.
 * @param {any} app @param {string} why @param {{run: unknown, session: Session}} of
 */
function tell(app, why, of) {
  told = { why, ...of, at: Date.now() };
  const detail = plain(`${why[0].toUpperCase()}${why.slice(1)}.`);
  app.extensionManager?.toast?.add?.({ severity: "warn", summary: "GoodDrag Points stopped this run", detail, life: TOAST_MS });
}

/** Tuning goes on for minutes beside points that stopped: at its end it is told once more, if it still is so. @param {any} app @param {unknown} run */
function tellAgain(app, run) {
  if (!told || told.run !== run) return;
  const { why, session, at } = told;
  if (session.stopped === why && Date.now() - at > TOAST_MS) tell(app, why, { run, session });
  told = null;
}

/** @param {any} app @param {any} api @param {import("./runs.mjs").Runs} runs */
export function listen(app, api, runs) {
  // two fingers on a picture zoom the picture; ComfyUI, which listens further out, would zoom the graph as well
  for (const name of ["touchstart", "touchmove", "touchend", "touchcancel"]) {
    window.addEventListener(name, (e) => {
      if (e.target instanceof Element && e.target.closest(".gd-stage")) e.stopPropagation();
    }, { capture: true, passive: true });
  }
  /** @type {unknown} */ let running = null;
  /** @param {unknown} run */
  const end = async (run) => {
    if (!(await runs.ours(run))) return;
    for (const watch of watched.values()) {
      ended(watch, run);
      if (watch.fetching && (await runs.isFor(run, watch.asked))) watch.setFetching(false);
    }
  };
  api.addEventListener("executing", (/** @type {any} */ event) => {
    running = event.detail ?? null;
    if (running !== null) return;
    tellAgain(app, runs.current);
    void end(runs.current);
  });
  api.addEventListener("executed", async (/** @type {any} */ { detail }) => {
    const waiting = [...watched.values()].filter((watch) => watch.fetching);
    const own = await Promise.all(waiting.map((watch) => runs.isFor(detail.prompt_id, watch.asked)));
    const asked = waiting.filter((_, i) => own[i]);
    const away = await runs.elsewhere(detail.prompt_id, detail.node);
    const owner = await runs.owner(detail.prompt_id);
    if (owner) hear(detail, owner);
    const here = !away && (await runs.ours(detail.prompt_id));
    const taken = here ? await executed(app, api, detail, asked) : !away;
    if (owner && !taken) keepResult(detail, owner);
  });
  api.addEventListener("status", (/** @type {any} */ { detail }) => {
    const waiting = [...watched.values()].filter((watch) => watch.fetching);
    if (waiting.length && detail?.exec_info?.queue_remaining === 0) setTimeout(() => void forgotten(api, waiting), FORGOTTEN_MS);
  });
  for (const name of ["execution_error", "execution_interrupted"]) {
    api.addEventListener(name, (/** @type {any} */ { detail }) => void end(detail?.prompt_id));
  }
  /** @param {Blob} blob @param {unknown} id */
  const preview = async (blob, id) => {
    const found = dragging(app, id);
    if (!found.length || !(await runs.ours(runs.current))) return;
    const bitmap = await createImageBitmap(blob);
    if (running === null) return; // the run has ended meanwhile
    for (const [watch, copy] of found) if (watch.shows(copy, pictureOf(runs.current, copy))) watch.put(copy, { preview: bitmap });
  };
  window.addEventListener("focus", () => watched.forEach((watch) => void watch.lookAtFiles()));
  app.canvas?.canvas?.addEventListener("subgraph-opened", (/** @type {any} */ event) => {
    const { subgraph, fromNode } = event.detail ?? {};
    if (fromNode) opened.set(subgraph, fromNode);
    watched.forEach((watch) => watch.look());
  });
  let named = false; // each preview comes a second time then, without a node's name
  api.addEventListener("b_preview_with_metadata", (/** @type {any} */ e) => {
    named = true;
    void preview(e.detail.blob, e.detail.nodeId ?? e.detail.displayNodeId);
  });
  api.addEventListener("b_preview", (/** @type {any} */ e) => void (named || preview(e.detail, running)));
}

/** A picture does not come when its run was taken from the queue. @param {any} api @param {Watched[]} waiting since the queue is empty */
async function forgotten(api, waiting) {
  if (!(await queued(api)).length) waiting.forEach((watch) => watch.setFetching(false));
}

/** A run is over: there is no preview any more. @param {Watched} watch @param {unknown} run */
function ended(watch, run) {
  watch.session.aside = false;
  if (watch.session.fullRun === run) watch.session.fullComes = false;
  for (const [copy, { preview }] of watch.frames) if (preview) watch.put(copy, { preview: null });
}
