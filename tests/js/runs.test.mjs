import assert from "node:assert/strict";
import test from "node:test";

import { Runs, queued } from "../../web/points/runs.mjs";

const QUEUE = {
  queue_running: [[1, "whole", {}, { client_id: "me" }, ["7", "9"]]],
  queue_pending: [[2, "picture", {}, { client_id: "me" }, ["3"]]],
};

function server() {
  const listeners = {};
  return {
    clientId: "me",
    addEventListener: (name, listener) => { listeners[name] = listener; },
    tell: (name, detail) => listeners[name]({ detail }),
    fetchApi: async (route) => ({ json: async () => (route === "/queue" ? QUEUE : {}) }),
  };
}

test("a run for a picture is told from one that comes before it", async () => {
  const api = server();
  const runs = new Runs({}, api);
  for (const id of ["whole", "picture", "forgotten"]) api.tell("execution_start", { prompt_id: id });
  assert.deepEqual(await Promise.all(["whole", "picture"].map((id) => runs.isFor(id, "3"))), [false, true]);
  assert.equal(await runs.isFor("picture", "4"), false);
  assert.equal(await runs.isFor("forgotten", "3"), true);
  assert.equal(await runs.isFor(undefined, "3"), true);
});

test("what is under way and what waits", async () => {
  assert.deepEqual(await queued(server()), [{ id: "whole", running: true }, { id: "picture", running: false }]);
});
