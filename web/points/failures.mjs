// @ts-check
/** Why a run did not succeed, in the editors' status line: ComfyUI tells it in a dialog, which is closed, and in its log. */

const WATCH_MS = 400;
const LONGEST = 400;

/**
 * @param {any} app @param {any} api @param {import("./runs.mjs").Runs} runs
 * @param {(id?: unknown) => import("./session.mjs").Session[]} sessions of all editors, or of the node with this id
 */
export function tellFailures(app, api, runs, sessions) {
  /** @param {string} why @param {unknown} [id] of the node */
  const fail = (why, id) => {
    const own = id === undefined ? [] : sessions(id);
    for (const session of own.length ? own : sessions()) session.fail(why.length > LONGEST ? `${why.slice(0, LONGEST)}...` : why);
  };
  api.addEventListener("execution_start", async (/** @type {any} */ { detail }) => {
    if (await runs.ours(detail.prompt_id)) fail("");
  });
  api.addEventListener("execution_error", async (/** @type {any} */ { detail }) => {
    if (await runs.ours(detail.prompt_id)) fail(`The run stopped in ${title(app, detail.node_id, detail.node_type)}: ${String(detail.exception_message ?? "").trim()}`, detail.node_id);
  });
  // what is refused before it runs comes with the answer to the request, and there is no event for that
  let seen = app.lastNodeErrors;
  setInterval(() => {
    const errors = app.lastNodeErrors;
    if (errors === seen) return;
    seen = errors;
    const [id, refused] = Object.entries(errors ?? {})[0] ?? [];
    if (refused) fail(`Not run, ${title(app, id, refused.class_type)}: ${refused.errors?.map(words).join("; ")}`, id);
  }, WATCH_MS);
}

/** @param {{message?: string, details?: string}} error */
const words = ({ message, details }) => [message, details].filter(Boolean).join(": ");

/** What a node is called. @param {any} app @param {unknown} id "12", or "3:12" inside a subgraph @param {string} type */
function title(app, id, type) {
  let graph = app.rootGraph ?? app.graph;
  let node = null;
  for (const part of String(id).split(":")) {
    node = graph?.getNodeById?.(part) ?? graph?.getNodeById?.(Number(part));
    graph = node?.subgraph;
  }
  return node?.title ?? type ?? `node ${id}`;
}
