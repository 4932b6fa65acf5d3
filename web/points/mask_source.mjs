// @ts-check
/**
 * Which connected mask a node's editor shows: by the same rule as the picture, see `picture.mjs`. One that a file or the demo scene
 * holds is shown at once; one that other nodes make when a run has brought it, and it is said when it is out of date or not known.
 * @typedef {import("./picture.mjs").Watched} Watched
 * @typedef {import("./session.mjs").Picture} Picture
 * @typedef {import("./session.mjs").Standing} Standing
 * @typedef {import("./upstream.mjs").Place} Place
 * @typedef {import("./upstream.mjs").Known} Known
 */

import { Refusal, answer } from "./answer.mjs";
import { known, origin } from "./upstream.mjs";

const UNKNOWN = "Other nodes make the connected mask; it comes with a run.";

export class ConnectedMask {
  /** @param {Watched} watch */
  constructor(watch) {
    this.watch = watch;
    /** Files that the mask depends on. @type {string[]} */ this.files = [];
    /** The known mask that was loaded: by what it was asked for. @type {{key: string, shade: Picture | null, standing: Standing, again: (() => void) | null}} */
    this.loaded = { key: "", shade: null, standing: { state: "loading" }, again: null };
  }

  /** Look upstream and show what is there. Costs nothing when nothing changed. @param {Place} place */
  look(place) {
    const from = origin(place, "mask");
    const source = known(from, "mask");
    if (source) return this.showKnown(source);
    this.loaded.key = "";
    this.files = [];
    if (!from) return this.show(null, { state: "unconnected" });
    const delivered = this.watch.delivered(place, "mask");
    if (!delivered) return this.show(null, { state: "unknown", why: UNKNOWN });
    this.files = Object.keys(delivered.upstream?.files ?? {});
    const why = this.watch.changed(delivered, place);
    this.show(delivered.picture, why ? { state: "outdated", why } : { state: "current" });
  }

  /** @param {Known} source */
  showKnown(source) {
    const { watch } = this;
    this.files = source.kind === "file" ? [source.name] : [];
    const held = source.kind === "file" ? watch.stamps[source.name] : "";
    if (held === undefined) return void watch.lookAtFiles();
    const key = JSON.stringify([source, held]);
    if (key !== this.loaded.key) {
      this.loaded = { key, shade: null, standing: { state: "loading" }, again: null };
      void this.load(source, key);
    }
    this.show(this.loaded.shade, this.loaded.standing);
  }

  /** @param {Known} source @param {string} key */
  async load(source, key) {
    /** @type {{shade: Picture | null, standing: Standing, again?: () => void}} */ let found;
    try {
      found = { shade: await fetchShade(this.watch.api.apiURL(address(source))), standing: { state: "current" } };
    } catch (error) {
      found = { shade: null, standing: { state: "unknown", why: `The connected mask cannot be shown: ${error instanceof Error ? error.message : error}.` } };
      if (!(error instanceof Refusal)) found.again = () => void this.load(source, key);
    }
    if (this.loaded.key !== key) return;
    Object.assign(this.loaded, found);
    this.watch.look();
  }

  /** Ask once more for a mask that did not come because the server was away. */
  retry() {
    const { again } = this.loaded;
    this.loaded.again = null;
    again?.();
  }

  /** @param {Picture | null} shade @param {Standing} standing */
  show(shade, standing) {
    const { session } = this.watch;
    const same = JSON.stringify(standing) === JSON.stringify(session.maskStanding) && shade === session.given;
    if (!same) session.setMask(shade, standing);
  }
}

/** @param {Known} source */
function address(source) {
  if (source.kind === "scene") return `/gooddrag/scene_mask?${new URLSearchParams({ kind: source.of, scene: source.scene })}`;
  return `/gooddrag/mask?${new URLSearchParams({ node: source.loader, image: source.name, channel: source.channel ?? "alpha" })}`;
}

/** Null for a mask that is black everywhere. @param {string} url @returns {Promise<Picture | null>} */
async function fetchShade(url) {
  const response = await answer(url);
  return response.status === 204 ? null : createImageBitmap(await response.blob());
}
