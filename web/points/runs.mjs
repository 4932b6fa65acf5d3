// @ts-check
/**
 * Whose a run is. What a run reports reaches every page with the client id of the one that queued it, such as a duplicated browser tab,
 * and a page in which another workflow was opened since; nodes are numbered alike in all of them.
 * @typedef {{client?: string, workflow?: string, nodes?: Record<string, import("./live_prompt.mjs").PromptNode>,
 *   targets?: string[]}} Owner `targets`: the nodes that it was asked for
 */

import { placeOf } from "./upstream.mjs";

const REMEMBERED = 32;

export class Runs {
  /** @param {any} app @param {any} api */
  constructor(app, api) {
    this.app = app;
    this.api = api;
    /** The run that began last. @type {unknown} */ this.current = undefined;
    /** @type {Map<unknown, Promise<Owner>>} */ this.owners = new Map();
    api.addEventListener("execution_start", (/** @type {any} */ { detail }) => {
      this.current = detail?.prompt_id;
      void this.ours(this.current);
    });
  }

  /** Whether a run is of the workflow that is open here; answers come in the order of the questions. @param {unknown} prompt its id */
  async ours(prompt) {
    if (prompt === undefined || prompt === null) return true;
    const asked = this.owners.get(prompt) ?? ask(this.api, prompt);
    this.owners.set(prompt, asked);
    if (this.owners.size > REMEMBERED) this.owners.delete(this.owners.keys().next().value);
    const { client, workflow } = await asked;
    const here = (this.app.rootGraph ?? this.app.graph?.rootGraph ?? this.app.graph)?.id;
    return (!client || client === this.api.clientId) && (!workflow || !here || workflow === here);
  }

  /** @param {unknown} prompt the id of a run that was told of before */
  async owner(prompt) {
    return this.owners.get(prompt);
  }

  /** Whether a run was for one node alone, as for its picture; a run that the server does not know may be. @param {unknown} prompt its id @param {string} id of the node */
  async isFor(prompt, id) {
    const { targets } = (await this.owner(prompt)) ?? {};
    return !targets || (targets.length === 1 && targets[0] === id);
  }

  /**
   * The owner of a run that this page queued for a workflow that is not open now. Until they are saved or left all workflows have one
   * id: then the node tells that is not here.
   * @param {unknown} prompt its id @param {unknown} id of a node that it ran @returns {Promise<Owner | null>}
   */
  async elsewhere(prompt, id) {
    const owner = await this.owner(prompt);
    if (!owner?.workflow || owner.client !== this.api.clientId) return null;
    const node = placeOf(this.app.rootGraph ?? this.app.graph?.rootGraph ?? this.app.graph, id)?.node;
    const here = (await this.ours(prompt)) && (node?.comfyClass ?? node?.type) === owner.nodes?.[String(id)]?.class_type;
    return here ? null : owner;
  }
}

/** The runs under way, and those that wait. @param {any} api @returns {Promise<{id: string, running: boolean}[]>} */
export async function queued(api) {
  const { queue_running: running, queue_pending: pending } = await (await api.fetchApi("/queue")).json();
  /** @param {any[]} runs @param {boolean} now */
  const of = (runs, now) => runs.map(([, id]) => ({ id, running: now }));
  return [...of(running, true), ...of(pending, false)];
}

/** @param {any} api @param {unknown} prompt @returns {Promise<Owner>} nothing if the server does not know */
async function ask(api, prompt) {
  /** @param {string} route */
  const get = async (route) => (await api.fetchApi(route)).json();
  try {
    const { queue_running: running = [], queue_pending: pending = [] } = await get("/queue");
    const found = [...running, ...pending].find(([, id]) => id === prompt) ?? (await get(`/history/${prompt}`))[String(prompt)]?.prompt;
    const { client_id: client, extra_pnginfo } = found?.[3] ?? {};
    return { client, workflow: extra_pnginfo?.workflow?.id, nodes: found?.[2], targets: found?.[4] };
  } catch {
    return {}; // the server is away, and reports nothing either
  }
}
