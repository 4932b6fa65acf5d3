// @ts-check
/**
 * Which picture a node's editor shows.
 *
 * A picture is shown as *current* if it is known to be what a run would deliver: a file that Load Image loads, the demo scene, or
 * what a run delivered from the very nodes, values and files that are there now. What a run delivered from others is shown as
 * *out of date*, with what changed. Otherwise none is shown.
 *
 * A node inside of a subgraph is one object in all copies of it. Its value is shared by them; pictures are not, so everything that a
 * run delivers is kept by execution id, and the copy that was opened last is the one that is shown.
 * @typedef {import("./session.mjs").Session} Session
 * @typedef {import("./session.mjs").Picture} Picture
 * @typedef {import("./session.mjs").Standing} Standing
 * @typedef {import("./upstream.mjs").Place} Place
 * @typedef {import("./upstream.mjs").Upstream} Upstream
 * @typedef {import("./upstream.mjs").Known} Known
 * @typedef {"image" | "mask"} Input
 * @typedef {{id: string, input: Input, picture: Picture | null, upstream: Upstream | null}} Delivered `picture` of a mask: its shade,
 *   null for one that is black everywhere
 * @typedef {{filename: string, subfolder?: string, type?: string}} File
 */

import { Refusal, answer } from "./answer.mjs";
import { ConnectedMask } from "./mask_source.mjs";
import { keep, recalled } from "./results.mjs";
import { difference, executionId, known, origin, upstream, valueOf, waysInto } from "./upstream.mjs";

const KEPT = 48;
/** The subgraph node that each subgraph was opened from last. @type {WeakMap<any, any>} */
export const opened = new WeakMap();
/** What runs delivered, the newest first: ComfyUI's undo and another tab make nodes anew, and what came to them shall survive it. @type {Delivered[]} */
const deliveries = [];

/** What belongs to one copy of a node. */
function blank() {
  return {
    /** @type {Picture | null} */ picture: null,
    pictured: "",
    /** @type {Picture | null} */ preview: null,
    /** @type {Picture | null} */ after: null,
    /** @type {import("./draw.mjs").Result | null} */ result: null,
    /** @type {{handle: [number, number], target: [number, number]}[]} */ suggestion: [],
    stopped: "",
  };
}
/** @typedef {ReturnType<typeof blank>} Frame */

/** @param {any} api @param {File} file */
export function viewUrl(api, file) {
  const query = new URLSearchParams({ filename: file.filename, subfolder: file.subfolder ?? "", type: file.type ?? "output" });
  return api.apiURL(`/view?${query}`);
}

/** @param {string} url @returns {Promise<Picture>} */
export async function loadPicture(url) {
  const image = new Image();
  image.src = url;
  await image.decode();
  return image;
}

/** What a delivered picture is of: a new one is what a person's own run made of the one before. @param {Delivered} delivered */
const pictured = ({ id }) => `delivered ${id}`;

export class Watched {
  /** @param {any} app @param {any} api @param {any} node @param {Session} session */
  constructor(app, api, node, session) {
    this.app = app;
    this.api = api;
    this.node = node;
    this.session = session;
    /** @type {Map<string, Frame>} */ this.frames = new Map();
    /** What runs delivered to this node, by input and execution id. @type {Map<string, Delivered>} */ this.own = new Map();
    /** The execution id that is shown. */ this.shown = "";
    /** What files held when they were last looked at, null for what is no file. @type {Record<string, string | null>} */ this.stamps = {};
    /** Files that the picture depends on. @type {string[]} */ this.files = [];
    /** The known picture that was loaded, or could not be: by what it was asked for; `again` asks once more. @type {{key: string, why: string, again: (() => void) | null}} */
    this.loaded = { key: "", why: "", again: null };
    /** A run for the picture is on its way, */ this.fetching = false;
    /** of the copy with this execution id. */ this.asked = "";
    /** The server is being asked what files hold. */ this.asking = false;
    /** The result that was asked for again. @type {import("./results.mjs").Kept | null} */ this.recalling = null;
    this.mask = new ConnectedMask(this);
    session.getPicture = () => void this.getPicture();
  }

  get root() {
    return this.node.graph?.rootGraph ?? this.app.graph;
  }

  /** The node in all copies of the subgraph around it, else alone. @returns {Place[]} */
  places() {
    return waysInto(this.root, this.node.graph).map((path) => ({ node: this.node, path }));
  }

  /** The copy that is shown: the one that was opened last, else the first. @returns {Place | null} */
  place() {
    const places = this.places();
    return places.find(({ path }) => path.every((around) => (opened.get(around.subgraph) ?? around) === around)) ?? places[0] ?? null;
  }

  /** @param {string} id */
  frame(id) {
    const frame = this.frames.get(id) ?? blank();
    this.frames.set(id, frame);
    return frame;
  }

  /** Something of one copy is new; it shows if that copy does. @param {string} id @param {Partial<Frame>} change */
  put(id, change) {
    const { preview } = this.frame(id);
    Object.assign(this.frame(id), change);
    if (id === this.shown) {
      Object.assign(this.session, change);
      this.session.refresh();
    }
    if (preview && change.preview !== undefined && change.preview !== preview) /** @type {ImageBitmap} */ (preview).close?.();
  }

  /** Whether a run's picture is the one that a copy shows. @param {string} id @param {Upstream | null} [made] what made it, if that is known */
  shows(id, made) {
    const place = this.places().find((at) => executionId(at) === id);
    if (!made || !place) return true;
    if (known(origin(place, "image"))) return !this.changed({ input: "image", upstream: made }, place);
    const delivered = this.own.get(`image ${id}`)?.upstream;
    return !delivered || JSON.stringify(delivered) === JSON.stringify(made);
  }

  /** A run's result for one copy. @param {string} id @param {Picture} after @param {File} file that holds it @param {Upstream | null} [made] what made the run's picture, if that is known */
  finish(id, after, file, made) {
    this.put(id, { after });
    const place = this.place();
    if (!place || id !== this.shown) return;
    const files = Object.fromEntries(this.files.flatMap((name) => (this.stamps[name] ? [[name, this.stamps[name]]] : [])));
    const from = made ?? { ...upstream(place, "image"), files };
    keep({ id, workflow: this.root?.id, upstream: from, file, after, result: this.frame(id).result });
  }

  /** The result of the picture that is shown, if it came to a node that this one has replaced, or while its workflow was not open. @param {Place} place */
  async recall(place) {
    const id = this.shown;
    const fits = (/** @type {Upstream} */ was) => !this.changed({ input: "image", upstream: was }, place);
    const found = this.frame(id).after ? null : recalled(id, this.root?.id, fits);
    if (!found || (!found.after && found === this.recalling)) return;
    this.recalling = found;
    try {
      found.after ??= await loadPicture(viewUrl(this.api, found.file));
    } catch {
      return; // the server forgets its pictures when it starts anew
    }
    if (!this.frame(id).after && fits(found.upstream)) this.put(id, { after: found.after, result: found.result });
  }

  /** Is this its execution id? @param {unknown} id */
  has(id) {
    return this.places().some((place) => executionId(place) === String(id));
  }

  /** Look upstream and show what is there. Costs nothing when nothing changed. */
  look() {
    const place = this.place();
    if (!place) return this.show(null, { state: "unconnected" });
    this.lookAtPicture(place);
    this.mask.look(place);
  }

  /** @param {Place} place */
  lookAtPicture(place) {
    const { session } = this;
    const id = executionId(place);
    if (id !== this.shown) {
      this.shown = id;
      this.loaded = { key: "", why: "", again: null };
      session.coarse = null;
      Object.assign(session, this.frame(id));
      session.setPicture(session.picture, session.pictured);
    }
    const continues = this.goesOn(place);
    if (continues !== session.continues) {
      session.continues = continues;
      session.refresh();
    }
    const suggested = Boolean(origin(place, "suggestion"));
    if (suggested !== session.suggested) {
      session.suggested = suggested;
      session.refresh();
    }
    if (session.suggestion.length && !suggested) this.put(id, { suggestion: [] });
    const driven = Boolean(origin(place, "json"));
    if (driven !== session.driven) {
      session.driven = driven;
      session.refresh();
    }
    const from = origin(place, "image");
    if (!from) {
      this.files = [];
      this.loaded = { key: "", why: "", again: null }; // the same picture may be connected again
      return this.show(null, { state: "unconnected" });
    }
    const source = known(from);
    if (source) this.showKnown(place, source);
    else this.showDelivered(place);
  }

  /** A sampler beside it that drags these points goes on from its last run. @param {Place} place */
  goesOn({ node, path }) {
    return node.graph._nodes.some((/** @type {any} */ n) =>
      n.type === "GoodDrag_Sampler" && valueOf({ node: n, path }, "start") === "last run" && origin({ node: n, path }, "points")?.node === node);
  }

  /** @param {Place} place @param {Known} source */
  showKnown(place, source) {
    this.files = source.kind === "file" ? [source.name] : [];
    const held = source.kind === "file" ? this.stamps[source.name] : "";
    if (held === undefined) return void this.lookAtFiles();
    const key = JSON.stringify([source, held, this.shown]);
    if (key === this.loaded.key) {
      if (this.loaded.why) this.showFailed(place);
      return;
    }
    this.loaded = { key, why: "", again: null };
    const { session } = this;
    this.show(session.standing.state === "current" ? session.picture : null, { state: "loading" }, session.pictured);
    void this.load(place, source, key);
  }

  /** A known picture could not be loaded; a run may have brought it. @param {Place} place */
  showFailed(place) {
    const delivered = this.delivered(place, "image");
    if (delivered?.picture && !this.changed(delivered, place)) return this.show(delivered.picture, { state: "current" }, pictured(delivered));
    this.show(null, { state: "unknown", why: this.loaded.why });
  }

  /** Ask once more for a known picture that did not come because the server was away. */
  retry() {
    const { again } = this.loaded;
    this.loaded.again = null;
    again?.();
  }

  /** @param {Place} place @param {Known} source @param {string} key */
  async load(place, source, key) {
    const { api, session } = this;
    const id = executionId(place);
    try {
      const query = new URLSearchParams(source.kind === "scene" ? { kind: source.of, scene: source.scene } : { node: source.loader, image: source.name });
      const response = await answer(api.apiURL(`/gooddrag/${source.kind === "scene" ? "scene" : "picture"}?${query}`));
      const url = URL.createObjectURL(await response.blob());
      const picture = await loadPicture(url).finally(() => URL.revokeObjectURL(url));
      const suggestion = source.kind === "scene" && origin(place, "suggestion") ? await (await answer(api.apiURL(`/gooddrag/scene_points?${query}`))).json() : [];
      if (this.loaded.key !== key) return;
      this.loaded.why = "";
      this.put(id, { after: null, result: null, preview: null, stopped: "", ...(suggestion.length ? { suggestion } : {}) });
      if (id === this.shown) {
        this.show(picture, { state: "current" }, key);
        void this.recall(place);
      }
      session.refresh();
    } catch (error) {
      if (this.loaded.key !== key) return;
      this.loaded.why = `The picture cannot be shown: ${error instanceof Error ? error.message : error}.`;
      this.loaded.again = error instanceof Refusal ? null : () => void this.load(place, source, key);
      this.showFailed(place);
    }
  }

  /** @param {Place} place */
  showDelivered(place) {
    this.loaded = { key: "", why: "", again: null };
    const delivered = this.delivered(place, "image");
    if (!delivered?.picture) {
      this.files = [];
      return this.show(null, { state: "unknown", why: "Other nodes make this picture; it comes with a run." });
    }
    this.files = Object.keys(delivered.upstream?.files ?? {});
    const why = this.changed(delivered, place);
    this.show(delivered.picture, why ? { state: "outdated", why } : { state: "current" }, pictured(delivered));
    if (!why) void this.recall(place);
  }

  /** What a run delivered for a copy. To a node that was made since, such as by ComfyUI's undo, it belongs if nothing is different. @param {Place} place @param {Input} input */
  delivered(place, input) {
    const id = this.shown;
    const key = `${input} ${id}`;
    const found = this.own.get(key) ?? deliveries.find((d) => d.id === id && d.input === input && !this.changed(d, place)) ?? null;
    if (found) this.own.set(key, found);
    return found;
  }

  /** What is not as it was at a delivery, in words. @param {Pick<Delivered, "input" | "upstream">} delivered @param {Place} place */
  changed({ input, upstream: was }, place) {
    if (!was) return "it is not known what made it";
    const found = difference(was, upstream(place, input));
    if (found !== null) return found ? `“${found}” changed` : "other nodes feed it now";
    const file = Object.entries(was.files ?? {}).find(([name, held]) => this.stamps[name] !== undefined && this.stamps[name] !== held);
    return file ? `the file ${file[0]} changed` : "";
  }

  /** @param {Picture | null} picture @param {Standing} standing @param {string} [of] what it is of */
  show(picture, standing, of = "") {
    const { session } = this;
    const next = { ...standing, fetching: this.fetching };
    const same = JSON.stringify(next) === JSON.stringify(session.standing) && picture === session.picture;
    if (same) return;
    session.standing = next;
    if (this.shown) Object.assign(this.frame(this.shown), { picture, pictured: of });
    session.setPicture(picture, of);
  }

  /** Ask what the files hold that the picture depends on. */
  async lookAtFiles() {
    this.retry();
    this.mask.retry();
    const files = [...new Set([...this.files, ...this.mask.files])];
    if (!files.length || this.asking) return;
    this.asking = true;
    try {
      const query = new URLSearchParams(files.map((name) => ["name", name]));
      Object.assign(this.stamps, await (await answer(this.api.apiURL(`/gooddrag/stamps?${query}`))).json());
    } catch {
      // the server is away; it will be asked again
      for (const name of files) this.stamps[name] ??= null;
    } finally {
      this.asking = false;
    }
    this.look();
  }

  /** A run delivered a picture. @param {string} id @param {any} arrived @param {boolean} expected a person asked for no more than that */
  async arrived(id, arrived, expected) {
    const [picture, shade] = await Promise.all([arrived.image, arrived.mask].map((file) => (file ? loadPicture(viewUrl(this.api, file)) : null)));
    const place = this.places().find((at) => executionId(at) === id);
    const other = JSON.stringify(this.own.get(`image ${id}`)?.upstream) !== JSON.stringify(arrived.upstream);
    this.keep({ id, input: "image", picture, upstream: arrived.upstream });
    // meanwhile a person may have chosen another picture
    const passed = Boolean(place && known(origin(place, "image"))) && !this.shows(id, arrived.upstream);
    if (other && !passed) this.put(id, { after: null, result: null });
    if (arrived.masked) this.keep({ id, input: "mask", picture: shade, upstream: arrived.mask_upstream });
    const stopped = expected ? "" : arrived.stopped ?? "";
    if (expected) this.setFetching(false);
    this.look();
    if (!passed) this.put(id, { suggestion: arrived.suggestion ?? [], stopped });
    void this.lookAtFiles();
  }

  /** @param {Delivered} delivered */
  keep(delivered) {
    this.own.set(`${delivered.input} ${delivered.id}`, delivered);
    deliveries.unshift(delivered);
    deliveries.splice(KEPT);
    // what the run saw is newer than what was last looked at
    Object.assign(this.stamps, delivered.upstream?.files ?? {});
  }

  /** Run what feeds the node, and no more. */
  async getPicture() {
    if (this.fetching || !this.shown) return;
    this.asked = this.shown;
    this.setFetching(true);
    // nothing was queued: ComfyUI has said why
    try {
      if ((await this.app.queuePrompt(0, 1, [this.asked])) === false) this.setFetching(false);
    } catch (error) {
      this.setFetching(false);
      throw error;
    }
  }

  /** @param {boolean} fetching */
  setFetching(fetching) {
    if (this.fetching === fetching) return;
    this.fetching = fetching;
    this.session.standing = { ...this.session.standing, fetching };
    this.session.refresh();
  }
}
