// @ts-check
/**
 * A drag that follows the hand: while an arrow is drawn or moved, coarse edits of where it is now, one after the other; when it is
 * let go, the full edit, which the next move cancels. Off until a person asks for it.
 *
 * Coarse edits run in ComfyUI's queue under a client id of their own, so that the page shows no progress of them and no errors in
 * dialogs, and they leave nothing in the history.
 * @typedef {import("./session.mjs").Session} Session
 * @typedef {import("./upstream.mjs").Place} Place
 */

import { fullPrompt, livePrompt } from "./live_prompt.mjs";
import { loadPicture, viewUrl } from "./picture.mjs";
import { queued } from "./runs.mjs";
import { executionId } from "./upstream.mjs";

/** Between two looks for a picture, in milliseconds; */
const LOOK_MS = 50;
/** while another run is waited for. */
const SLOW_MS = 500;
/** So long nothing changes and no arrow is held before the full edit begins. */
const SETTLED_MS = 400;
/** After an interrupted run is over. */
const FORGOTTEN_MS = 3000;
/** After so long it is said what is waited for, and looked at again. */
const WAITED_MS = 1500;
const BEHIND = "Live waits until the run before it is over ..";
const COMPUTED = "The coarse edit is being computed ..";
/** How the editor says that it could not. */
const FAILED = "Live: ";
let clients = 0;

export class Live {
  /** @param {any} app @param {any} api @param {Session} session @param {() => Place | null} place the copy of the node that is shown */
  constructor(app, api, session, place) {
    this.app = app;
    this.api = api;
    this.session = session;
    this.place = place;
    this.client = `gooddrag-live-${Date.now()}-${++clients}`;
    /** The value that is followed, @type {string | null} */ this.asked = null;
    /** and the last picture that it was on. */ this.pictured = "";
    /** The same until a coarse edit of it has begun, @type {string | null} */ this.wanted = null;
    /** and whether the full one has not. */ this.due = false;
    this.following = this.held = this.settled = this.working = false;
    /** The prompts that are under way, or may be: a coarse edit, */ this.coarse = "";
    /** and the full one. */ this.full = "";
    /** @type {ReturnType<typeof setTimeout> | undefined} */ this.timer = undefined;
    this.unsubscribe = session.subscribe(() => this.look());
  }

  destroy() {
    this.unsubscribe();
    this.stop();
  }

  stop() {
    clearTimeout(this.timer);
    this.following = false;
    [this.asked, this.wanted, this.due, this.session.fullComes] = [null, null, false, false];
    void this.cancel(this.coarse);
  }

  /** Is something else asked for, or an arrow let go? */
  look() {
    const { session } = this;
    if (!session.following) return this.following ? this.stop() : undefined;
    const [asked, released, begins] = [session.asked(), this.held && !session.held, !this.following];
    [this.following, this.held] = [true, session.held];
    const anew = Boolean(session.pictured) && session.pictured !== this.pictured;
    if (anew) this.pictured = session.pictured;
    if (asked === this.asked && !released && !anew) return;
    if (asked !== this.asked || anew) {
      // what was there when it was switched on, or when another picture came, is looked at, and run in full when a person changes it
      [this.asked, this.wanted, this.due] = [asked, asked, asked !== null && !begins && !anew];
      void this.cancel(this.full);
      this.full = "";
      session.fullComes = this.due;
    }
    if (asked === null) return session.coarse ? session.setCoarse(null) : undefined;
    clearTimeout(this.timer);
    this.settled = false;
    this.timer = setTimeout(() => { this.settled = true; void this.work(); }, SETTLED_MS);
    void this.work();
  }

  /** Coarse edits until none is wanted, then the full one once the arrow was let go. */
  async work() {
    if (this.working) return;
    this.working = true;
    try {
      while (this.wanted !== null) await this.follow(this.wanted);
      if (this.due && this.settled && !this.held) await this.finish();
    } catch (error) {
      [this.wanted, this.due, this.session.fullComes] = [null, false, false];
      this.session.fail(`${FAILED}${error instanceof Error ? error.message : error}.`);
    } finally {
      this.working = false;
    }
  }

  /** A coarse edit. @param {string} value */
  async follow(value) {
    const { session } = this;
    const [pictured, id] = [session.pictured, this.id()];
    this.wanted = null;
    const { output } = await this.app.graphToPrompt();
    const { prompt, target } = livePrompt(output, id, value);
    const body = { client_id: this.client, prompt, partial_execution_targets: [target] };
    const answer = await this.post("/prompt", body);
    const said = await answer.json();
    if (!answer.ok) throw new Error(refused(said));
    this.coarse = said.prompt_id;
    const waits = setInterval(() => void this.sayWhy(said.prompt_id), WAITED_MS);
    let image;
    try {
      image = (await this.ended(this.coarse))?.[target]?.images?.[0];
    } finally {
      clearInterval(waits);
      this.coarse = "";
      session.waitFor("");
    }
    if (!image) return;
    const picture = await loadPicture(viewUrl(this.api, image));
    // meanwhile it may have been switched off, or another picture or copy be shown
    if (!session.following || this.asked === null || session.pictured !== pictured || this.id() !== id) return;
    if (session.failure.startsWith(FAILED)) session.fail("");
    session.setCoarse(picture);
  }

  /** Say why a coarse edit is not there yet. @param {string} id */
  async sayWhy(id) {
    try {
      const waiting = await queued(this.api);
      const own = waiting.find((run) => run.id === id);
      if (this.coarse !== id) return;
      if (own) return this.session.following ? this.session.waitFor(own.running ? COMPUTED : BEHIND) : undefined;
      // a person took it from the queue, if it is not just done
      const done = await (await this.api.fetchApi(`/history/${id}`)).json();
      if (!done[id] && this.coarse === id) this.coarse = "";
    } catch {
      // the server does not answer, which what waits for the picture says
    }
  }

  /** The full edit, as if a person had run the nodes that show it. */
  async finish() {
    this.due = false;
    const { asked } = this;
    const { output, workflow } = await this.app.graphToPrompt();
    const { prompt, target } = fullPrompt(output, this.id());
    const answer = await this.api.queuePrompt(0, { output: prompt, workflow }, target ? { partialExecutionTargets: [target] } : {});
    this.full = this.session.fullRun = answer.prompt_id ?? "";
    if (this.asked !== asked) void this.cancel(this.full); // the next move came while it was being queued
  }

  /** The node's id in a prompt. */
  id() {
    const place = this.place();
    if (!place) throw new Error("the node is in no graph");
    return executionId(place);
  }

  /** Wait for the end of a coarse edit, and forget it. @param {string} id @returns {Promise<Record<string, any> | undefined>} what its nodes gave; undefined if it was cancelled */
  async ended(id) {
    for (;;) {
      const entry = (await (await this.api.fetchApi(`/history/${id}`)).json())[id];
      if (!entry && this.coarse !== id) return undefined;
      if (!entry) {
        await new Promise((done) => setTimeout(done, this.session.awaited === BEHIND ? SLOW_MS : LOOK_MS));
        continue;
      }
      void this.post("/history", { delete: [id] }).catch(() => {});
      const [, error] = entry.status?.messages?.find((/** @type {any} */ [kind]) => kind === "execution_error") ?? [];
      if (error) throw new Error(String(error.exception_message ?? "it failed").trim().replace(/\.$/, ""));
      return entry.outputs;
    }
  }

  /** @param {string} id of a prompt, or "" */
  async cancel(id) {
    if (!id) return;
    try {
      await this.post("/queue", { delete: [id] });
      await this.post("/interrupt", { prompt_id: id });
    } catch {
      // the server is away, and runs nothing
    }
    if (id !== this.coarse) return;
    this.coarse = "";
    setTimeout(() => void this.post("/history", { delete: [id] }).catch(() => {}), FORGOTTEN_MS);
  }

  /** @param {string} route @param {object} body */
  post(route, body) {
    return this.api.fetchApi(route, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
  }
}

/** What the server says of a prompt that it does not run. @param {any} said */
function refused({ error, node_errors: nodes }) {
  const [first] = Object.values(nodes ?? {});
  const { message, details } = first?.errors?.[0] ?? error ?? {};
  return [first?.class_type, message ?? "the server does not run it", details].filter(Boolean).join(": ");
}
