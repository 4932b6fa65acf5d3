import assert from "node:assert/strict";
import test from "node:test";

import { Live } from "../../web/points/live.mjs";
import { COARSE, fullPrompt, livePrompt } from "../../web/points/live_prompt.mjs";
import { Session } from "../../web/points/session.mjs";

globalThis.Image = /** @type {any} */ (class { decode() { return Promise.resolve(); } });

const graph = () => ({
  1: { class_type: "CheckpointLoaderSimple", inputs: { ckpt_name: "a" } },
  2: { class_type: "LoadImage", inputs: { image: "a.png" } },
  3: { class_type: "GoodDrag_Points", inputs: { image: ["2", 0], points: "" } },
  4: { class_type: "GoodDrag_LoRATune", inputs: { model: ["1", 0], image: ["2", 0] } },
  5: { class_type: "GoodDrag_Invert", inputs: { model: ["4", 0], vae: ["1", 2], image: ["2", 0], preset: "paper", steps: 50, strength: 0.75 } },
  6: { class_type: "GoodDrag_Sampler", inputs: { model: ["4", 0], inversion: ["5", 0], points: ["3", 1], mask: ["3", 2], preset: "paper", state: ["9", 2] } },
  7: { class_type: "GoodDrag_Decode", inputs: { latent: ["6", 0], vae: ["1", 2] } },
  8: { class_type: "SaveImage", inputs: { images: ["7", 0] } },
});

test("a coarse edit is the graph's with few steps, the arrows of now, and no tuning", () => {
  const { prompt, target } = livePrompt(graph(), "3", "VALUE");
  const by = (/** @type {string} */ id) => prompt[id].inputs;
  const decoded = by(target).images[0];
  const sampled = by(decoded).latent[0];
  const sampler = by(sampled);
  assert.equal(prompt[target].class_type, "PreviewImage");
  assert.deepEqual(by(decoded).vae, ["1", 2]);
  assert.equal(by(sampler.points[0]).points, "VALUE");
  assert.deepEqual(by(sampler.points[0]).image, ["2", 0]);
  assert.deepEqual([sampler.points[1], sampler.mask], [1, [sampler.points[0], 2]]);
  assert.deepEqual([sampler.model, sampler.preset, sampler.warp_start, "state" in sampler], [["1", 0], "custom", true, false]);
  const inversion = by(sampler.inversion[0]);
  assert.deepEqual([inversion.model, inversion.steps, inversion.preset], [["1", 0], COARSE.inversion.steps, "custom"]);
});

test("the graph's own nodes stay as they are, so that nothing of them is forgotten", () => {
  const own = graph();
  const { prompt } = livePrompt(own, "3", "VALUE");
  for (const [id, node] of Object.entries(own)) assert.deepEqual(prompt[id], graph()[/** @type {any} */ (id)], node.class_type);
});

test("the full edit saves no file, unless nothing else shows it", () => {
  const { prompt, target } = fullPrompt(graph(), "3");
  assert.deepEqual(prompt[String(target)].inputs.images, ["7", 0]);
  const { 7: _, ...without } = graph();
  assert.deepEqual(fullPrompt(without, "3"), { prompt: without });
});

test("what a graph lacks is said", () => {
  const { 6: _, ...without } = graph();
  assert.throws(() => livePrompt(without, "3", ""), /needs a GoodDrag Sampler that takes its points from here/);
  const other = { ...graph(), 5: { class_type: "Other", inputs: {} } };
  assert.throws(() => livePrompt(other, "3", ""), /inversion from GoodDrag DDIM Inversion/);
  const looped = { ...graph(), 4: { class_type: "GoodDrag_LoRATune", inputs: { model: ["4", 0] } } };
  assert.ok(livePrompt(looped, "3", ""));
});

/** A server that answers when it is told to. */
class Server {
  constructor() {
    /** @type {any[]} */ this.posted = [];
    /** @type {Record<string, any>} */ this.histories = {};
    this.refuses = false;
    /** @type {any[]} */ this.running = [];
    /** @type {any[]} */ this.pending = [];
    this.clientId = "page";
  }

  apiURL(/** @type {string} */ route) {
    return route;
  }

  async fetchApi(/** @type {string} */ route, /** @type {any} */ options) {
    const answer = (/** @type {any} */ body, ok = true) => ({ ok, json: async () => body });
    if (route === "/queue" && !options) return answer({ queue_running: this.running, queue_pending: this.pending });
    if (!options) return answer({ [route.split("/").at(-1) ?? ""]: this.histories[route.split("/").at(-1) ?? ""] });
    this.posted.push([route, JSON.parse(options.body)]);
    if (route !== "/prompt") return answer({});
    if (this.refuses) return answer({ error: { message: "no" }, node_errors: { 5: { errors: [{ message: "Value too small", details: "steps" }] } } }, false);
    return answer({ prompt_id: `p${this.prompts().length}` });
  }

  async queuePrompt(/** @type {number} */ _, /** @type {any} */ made, /** @type {any} */ options) {
    this.posted.push(["full", { ...made, ...options }]);
    return { prompt_id: "full" };
  }

  /** How many full edits were queued. */
  fulls() {
    return this.posted.filter(([route]) => route === "full").length;
  }

  prompts() {
    return this.posted.filter(([route]) => route === "/prompt").map(([, body]) => body);
  }

  end(/** @type {string} */ id, /** @type {any} */ entry = { outputs: { "gooddrag-live-picture": { images: [{ filename: `${id}.png`, type: "temp" }] } } }) {
    this.histories[id] = entry;
  }
}

const ms = (/** @type {number} */ n) => new Promise((done) => setTimeout(done, n));
const picture = /** @type {any} */ ({ width: 300, height: 300 });

function following() {
  const server = new Server();
  const session = new Session();
  session.setPicture(picture);
  const app = { graphToPrompt: async () => ({ output: graph(), workflow: {} }) };
  const live = new Live(app, server, session, () => /** @type {any} */ ({ node: { id: 3 }, path: [] }));
  return { server, session, live };
}

const arrow = (/** @type {number} */ x) => ({ handle: /** @type {[number, number]} */ ([75, 75]), target: /** @type {[number, number]} */ ([x, 75]) });

test("nothing is asked of the server until a person wants it", async () => {
  const { server, session, live } = following();
  session.dispatch({ type: "add", pairs: [arrow(140)] });
  await ms(20);
  assert.deepEqual(server.posted, []);
  session.follow(true);
  await ms(20);
  assert.equal(server.prompts().length, 1);
  live.destroy();
});

test("coarse edits are made one after the other, always of the newest arrow, and the full one when it is let go", async () => {
  const { server, session, live } = following();
  session.follow(true);
  for (const x of [100, 110, 120]) session.hold(true, arrow(x));
  await ms(20);
  assert.equal(server.prompts().length, 1);
  const [{ client_id, prompt, partial_execution_targets }] = server.prompts();
  assert.notEqual(client_id, server.clientId);
  assert.deepEqual(partial_execution_targets, ["gooddrag-live-picture"]);
  server.end("p1");
  await ms(120);
  const values = server.prompts().map((p) => JSON.parse(p.prompt["gooddrag-live-points"].inputs.points).pairs[0].target[0]);
  assert.deepEqual(values, [100, 120]);
  assert.equal(prompt["gooddrag-live-points"].inputs.image[0], "2");
  assert.ok(session.coarse);
  assert.equal(session.shows(), "preview");
  assert.deepEqual(server.posted.filter(([route]) => route === "/history").map(([, { delete: [id] }]) => id), ["p1"]);
  server.end("p2");
  await ms(600);
  assert.equal(server.fulls(), 0); // it is still held
  session.drawing = null;
  session.dispatch({ type: "add", pairs: [arrow(120)] });
  session.hold(false);
  await ms(600);
  assert.equal(server.prompts().length, 2);
  const [[, full]] = server.posted.filter(([route]) => route === "full");
  assert.deepEqual(full.partialExecutionTargets, ["gooddrag-live-result"]);
  session.dispatch({ type: "selectAll" });
  session.dispatch({ type: "nudge", dx: 1, dy: 0 });
  await ms(30);
  assert.ok(server.posted.some(([route, body]) => route === "/interrupt" && body.prompt_id === "full"));
  live.destroy();
});

test("a move that comes while the full edit is being queued cancels it too", async () => {
  const { server, session, live } = following();
  session.dispatch({ type: "add", pairs: [arrow(100)] });
  session.follow(true);
  await ms(20);
  server.end("p1");
  const queue = server.queuePrompt.bind(server);
  server.queuePrompt = async (...given) => {
    session.dispatch({ type: "add", pairs: [{ handle: [10, 10], target: [20, 20] }] });
    return queue(...given);
  };
  session.dispatch({ type: "selectAll" });
  session.dispatch({ type: "nudge", dx: 1, dy: 0 });
  await ms(30);
  server.end("p2");
  await ms(700);
  assert.ok(server.posted.some(([route, body]) => route === "/interrupt" && body.prompt_id === "full"));
  live.destroy();
});

test("what the server refuses, and what fails there, is told; the next that succeeds takes it back", async () => {
  const { server, session, live } = following();
  server.refuses = true;
  session.follow(true);
  session.hold(true, arrow(100));
  await ms(30);
  assert.equal(session.failure, "Live: Value too small: steps.");
  server.refuses = false;
  session.hold(true, arrow(101));
  await ms(30);
  server.end("p2", { status: { messages: [["execution_error", { exception_message: "the mask is black.\n" }]] } });
  await ms(120);
  assert.equal(session.failure, "Live: the mask is black.");
  session.hold(true, arrow(102));
  await ms(30);
  server.end("p3");
  await ms(120);
  assert.equal(session.failure, "");
  live.destroy();
});

test("what it waits for is said once that takes long: a run before it, or its own", async () => {
  const { server, session, live } = following();
  session.follow(true);
  session.hold(true, arrow(100));
  await ms(1000);
  assert.equal(session.awaited, "");
  [server.running, server.pending] = [[[0, "of somebody"]], [[1, "p1"]]];
  await ms(700);
  assert.equal(session.awaited, "Live waits until the run before it is over ..");
  [server.running, server.pending] = [[[1, "p1"]], []];
  await ms(1500);
  assert.equal(session.awaited, "The coarse edit is being computed ..");
  server.end("p1");
  await ms(120);
  assert.equal(session.awaited, "");
  session.hold(true, arrow(101));
  server.running = [[2, "p2"]];
  await ms(1700);
  assert.notEqual(session.awaited, "");
  session.follow(false);
  assert.equal(session.awaited, "");
  live.destroy();
});

test("a coarse edit that a person takes from the queue is not waited for", async () => {
  const { server, session, live } = following();
  session.follow(true);
  session.hold(true, arrow(100));
  server.pending = [[1, "p1"]];
  await ms(1700);
  assert.equal(session.awaited, "Live waits until the run before it is over ..");
  server.pending = [];
  await ms(1700);
  assert.equal(session.awaited, "");
  session.hold(true, arrow(101));
  await ms(30);
  server.end("p2");
  await ms(120);
  assert.ok(session.coarse);
  live.destroy();
});

test("switched off, it cancels what is under way and shows the picture again", async () => {
  const { server, session, live } = following();
  session.follow(true);
  session.hold(true, arrow(100));
  await ms(30);
  session.follow(false);
  await ms(30);
  assert.ok(server.posted.some(([route, body]) => route === "/interrupt" && body.prompt_id === "p1"));
  server.end("p1");
  await ms(120);
  assert.equal(session.coarse, null);
  assert.equal(session.shows(), "picture");
  live.destroy();
});

/** A first arrow on a picture, of which a coarse edit was asked for. @param {string} pictured what the picture is of */
async function drawing(pictured) {
  const { server, session, live } = following();
  session.setPicture(picture, pictured);
  session.follow(true);
  session.dispatch({ type: "add", pairs: [arrow(100)] });
  await ms(20);
  return { server, session, live };
}

test("a coarse edit that comes late does not cover another picture; that gets its own, and no full one", async () => {
  const { server, session, live } = await drawing("a.png");
  session.setPicture(/** @type {any} */ ({ width: 300, height: 300 }), "b.png");
  server.end("p1");
  await ms(120);
  assert.equal(session.coarse, null);
  assert.equal(server.prompts().length, 2);
  server.end("p2");
  await ms(600);
  assert.ok(session.coarse);
  assert.equal(server.fulls(), 0);
  live.destroy();
});

test("a coarse edit that comes after Live was switched off is not shown", async () => {
  const { server, session, live } = following();
  session.dispatch({ type: "add", pairs: [arrow(100)] });
  session.follow(true);
  await ms(20);
  const { decode } = Image.prototype;
  Image.prototype.decode = async () => session.follow(false);
  server.end("p1");
  await ms(120);
  Image.prototype.decode = decode;
  assert.equal(session.coarse, null);
  live.destroy();
});

test("the first arrow on a picture that was there is run in full", async () => {
  const { server, session, live } = await drawing("a.png");
  server.end("p1");
  await ms(600);
  assert.equal(server.fulls(), 1);
  live.destroy();
});

test("the picture that a run itself delivers is no other one: the full edit goes on, and nothing covers its result", async () => {
  const { server, session, live } = await drawing("delivered 3");
  server.end("p1");
  await ms(600);
  assert.equal(server.fulls(), 1);
  const { length } = server.posted;
  session.setPicture(/** @type {any} */ ({ width: 300, height: 300 }), "delivered 3");
  await ms(600);
  assert.deepEqual(server.posted.slice(length), []);
  live.destroy();
});
