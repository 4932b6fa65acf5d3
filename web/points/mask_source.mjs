// @ts-check
/**
 * The connected mask before any run: known where it comes from a file or from the demo scene. Otherwise a run brings it.
 * @typedef {import("./session.mjs").Session} Session
 */

import { source } from "./host.mjs";

const WATCH_MS = 400;
const LOADERS = ["LoadImage", "LoadImageMask"];

/** @param {any} api @param {any} node @returns {string} where its mask can be had, empty if only a run knows */
function address(api, node) {
  const from = source(node, "mask");
  const value = (/** @type {string} */ name) => String(from.widgets?.find((/** @type {any} */ w) => w.name === name)?.value ?? "");
  if (from?.type === "GoodDrag_DemoModel") return api.apiURL(`/gooddrag/scene_mask?${new URLSearchParams({ kind: value("kind"), scene: value("scene") })}`);
  if (!LOADERS.includes(from?.type) || [2, 4].includes(from.mode)) return "";
  return api.apiURL(`/gooddrag/mask?${new URLSearchParams({ node: from.type, image: value("image"), channel: value("channel") || "alpha" })}`);
}

/**
 * Keep a session's connected mask up to date for as long as its node exists.
 * @param {any} api @param {any} node @param {Session} session @returns {() => void} how to stop
 */
export function watchMask(api, node, session) {
  let seen = "";
  /** What is known of the mask at `seen`. @type {{shade: import("./session.mjs").Picture | null, empty: boolean}} */
  let found = { shade: null, empty: false };
  async function look() {
    const masked = Boolean(source(node, "mask"));
    const url = masked ? address(api, node) : "";
    if (url !== seen || masked !== session.masked) {
      [seen, found] = [url, { shade: null, empty: false }];
      session.setMask(masked, null, false);
      if (!url) return;
      const known = await fetchShade(url);
      if (url === seen) found = known;
    }
    // a new picture has the session forget the mask as well
    if (seen && !session.given && (found.shade || found.empty !== session.givenEmpty)) session.setMask(masked, found.shade, found.empty);
  }
  const timer = setInterval(() => void look(), WATCH_MS);
  return () => clearInterval(timer);
}

/** @param {string} url */
async function fetchShade(url) {
  const answer = await fetch(url);
  if (answer.status === 204) return { shade: null, empty: true };
  if (!answer.ok) return { shade: null, empty: false };
  return { shade: /** @type {any} */ (await createImageBitmap(await answer.blob())), empty: false };
}
