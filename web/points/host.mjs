// @ts-check
/**
 * ComfyUI around the editor: which picture lies upstream, and what a run reports.
 *
 * Only documented hooks are used: events of `api`, and what nodes and links show of themselves.
 * @typedef {import("./session.mjs").Session} Session
 * @typedef {import("./session.mjs").Picture} Picture
 * @typedef {{filename: string, subfolder?: string, type?: string}} File
 */

const WATCH_MS = 400;

/** Sessions by the node they belong to. @type {Map<any, {session: Session, upstream: string}>} */
const sessions = new Map();

/** @returns {Session[]} of all editors */
export function everySession() {
  return [...sessions.values()].map(({ session }) => session);
}

/** @param {any} api @param {File} file */
function viewUrl(api, file) {
  const query = new URLSearchParams({ filename: file.filename, subfolder: file.subfolder ?? "", type: file.type ?? "output" });
  return api.apiURL(`/view?${query}`);
}

/** @param {string} url @returns {Promise<Picture>} */
async function loadPicture(url) {
  const image = new Image();
  image.src = url;
  await image.decode();
  return image;
}

/** The node that feeds an input, past reroutes. @param {any} node @param {string} name @returns {any} */
export function source(node, name) {
  const index = node.inputs?.findIndex((/** @type {any} */ input) => input.name === name) ?? -1;
  let from = index >= 0 && node.graph ? node.getInputNode?.(index) : null; // a node being made is in no graph yet
  for (let i = 0; from && i < 50 && /reroute/i.test(from.type ?? ""); i++) from = from.getInputNode?.(0);
  return from ?? null;
}

/** @param {any} node @param {string} name */
function widgetValue(node, name) {
  return node.widgets?.find((/** @type {any} */ w) => w.name === name)?.value;
}

/**
 * Where the picture upstream can be had before any run.
 * @param {any} app @param {any} api @param {any} node
 * @returns {{url: string, scene?: string} | null}
 */
function upstreamPicture(app, api, node) {
  const from = source(node, "image");
  if (!from) return null;
  if (from.type === "GoodDrag_DemoModel") {
    const query = new URLSearchParams({ kind: String(widgetValue(from, "kind")), scene: String(widgetValue(from, "scene")) });
    return { url: api.apiURL(`/gooddrag/scene?${query}`), scene: api.apiURL(`/gooddrag/scene_points?${query}`) };
  }
  const shown = app.nodeOutputs?.[from.id]?.images?.[0];
  const chosen = widgetValue(from, "image");
  if (typeof chosen === "string" && from.widgets?.some((/** @type {any} */ w) => w.name === "upload" || w.options?.image_upload || w.name === "image")) {
    const annotated = chosen.match(/^(.*) \[(input|output|temp)\]$/);
    const [path, type] = annotated ? [annotated[1], annotated[2]] : [chosen, "input"];
    const slash = path.lastIndexOf("/");
    if (path) return { url: viewUrl(api, { filename: path.slice(slash + 1), subfolder: path.slice(0, Math.max(slash, 0)), type }) };
  }
  return shown ? { url: viewUrl(api, shown) } : null;
}

/** A sampler that drags these points goes on from its last run. @param {any} node */
function goesOn(node) {
  return Boolean(node.graph?._nodes?.some((/** @type {any} */ n) => n.type === "GoodDrag_Sampler" && source(n, "points") === node && widgetValue(n, "start") === "last run"));
}

/** Look upstream, and load what is there if it is new. @param {any} app @param {any} api @param {any} node */
async function watch(app, api, node) {
  const entry = sessions.get(node);
  if (!entry) return;
  entry.session.continues = goesOn(node);
  const found = upstreamPicture(app, api, node);
  const upstream = found?.url ?? "";
  if (upstream === entry.upstream) return;
  entry.upstream = upstream;
  const { session } = entry;
  if (!found) return;
  try {
    const picture = await loadPicture(found.url);
    const suggestion = found.scene ? await (await fetch(found.scene)).json() : [];
    if (entry.upstream !== upstream) return;
    session.suggestion = source(node, "suggestion") ? suggestion : [];
    [session.given, session.after, session.result, session.preview] = [null, null, null, null];
    session.setPicture(picture);
  } catch {
    // not there yet: the next run brings the picture itself
    if (entry.upstream === upstream) session.refresh();
  }
}

/** Keep a session up to date for as long as its node exists. @param {any} app @param {any} api @param {any} node @param {Session} session */
export function attach(app, api, node, session) {
  sessions.set(node, { session, upstream: "" });
  // a look every now and then costs no frames, and no widget of another node has to be patched
  const timer = setInterval(() => watch(app, api, node), WATCH_MS);
  void watch(app, api, node);
  return () => {
    clearInterval(timer);
    sessions.delete(node);
  };
}

/** @param {unknown} id of an execution, "12" or "3:12" inside a subgraph */
const lastPart = (id) => String(id ?? "").split(":").at(-1);

/** Sessions whose points are dragged by the sampler with this id. @param {any} app @param {unknown} id */
function dragging(app, id) {
  return [...sessions].filter(([node]) => {
    const { graph } = node;
    return graph?._nodes?.some((/** @type {any} */ n) => n.type === "GoodDrag_Sampler" && String(n.id) === lastPart(id) && source(n, "points") === node);
  }).map(([, { session }]) => session);
}

/** @param {any} app @param {any} api @param {any} data of an "executed" event */
async function executed(app, api, { node: id, output }) {
  if (!output) return;
  const [arrived] = output.gooddrag_points ?? [];
  if (arrived) {
    for (const [node, { session }] of sessions) {
      if (String(node.id) !== lastPart(id)) continue;
      const picture = await loadPicture(viewUrl(api, arrived.image));
      session.suggestion = arrived.suggestion ?? [];
      const shade = arrived.mask ? await loadPicture(viewUrl(api, arrived.mask)) : null;
      session.setMask(session.masked, shade, !shade && session.masked && !session.own());
      session.setPicture(picture);
      session.protected = arrived.protected ?? [];
      session.refresh();
    }
  }
  const [result] = output.gooddrag_result ?? [];
  if (result) {
    for (const session of dragging(app, id)) {
      [session.preview, session.result] = [null, result];
      session.refresh();
    }
  }
  const [after] = output.gooddrag_after ?? [];
  if (after) {
    const picture = await loadPicture(viewUrl(api, after.image));
    for (const { session } of sessions.values()) {
      if (JSON.stringify(session.result?.points) !== JSON.stringify(after.points)) continue;
      session.setResult(picture);
      session.dispatch({ type: "cancel" });
      for (const listener of session.listeners) listener(null);
      session.refresh();
    }
  }
}

/** @param {any} app @param {any} api */
export function listen(app, api) {
  // two fingers on a picture zoom the picture; ComfyUI, which listens further out, would zoom the graph as well
  for (const name of ["touchstart", "touchmove", "touchend", "touchcancel"]) {
    window.addEventListener(name, (e) => {
      if (e.target instanceof Element && e.target.closest(".gd-stage")) e.stopPropagation();
    }, { capture: true, passive: true });
  }
  /** @type {unknown} */ let running = null;
  api.addEventListener("executing", (/** @type {any} */ event) => {
    running = event.detail;
    if (running === null || running === undefined) for (const { session } of sessions.values()) endPreview(session);
  });
  api.addEventListener("executed", (/** @type {any} */ event) => void executed(app, api, event.detail));
  for (const name of ["execution_error", "execution_interrupted"]) {
    api.addEventListener(name, () => sessions.forEach(({ session }) => endPreview(session)));
  }
  /** @param {Blob} blob @param {unknown} id */
  const preview = async (blob, id) => {
    const found = dragging(app, id);
    if (!found.length) return;
    const bitmap = await createImageBitmap(blob);
    for (const session of found) {
      session.preview = bitmap;
      session.refresh();
    }
  };
  api.addEventListener("b_preview_with_metadata", (/** @type {any} */ e) => void preview(e.detail.blob, e.detail.nodeId ?? e.detail.displayNodeId));
  api.addEventListener("b_preview", (/** @type {any} */ e) => void preview(e.detail, running));
}

/** @param {Session} session */
function endPreview(session) {
  if (!session.preview) return;
  session.preview = null;
  session.refresh();
}
