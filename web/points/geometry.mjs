// @ts-check
/**
 * Where things are: between the screen and the picture, and between points.
 *
 * Picture coordinates have pixel centres at whole numbers, so the picture covers -0.5 to width - 0.5. A view maps them to
 * CSS pixels of the stage: `screen = (picture + 0.5) * scale + offset`.
 * @typedef {import("./value.mjs").Point} Point
 * @typedef {{scale: number, x: number, y: number}} View
 * @typedef {{width: number, height: number}} Size
 */

import { isAnchor } from "./region.mjs";

/** Okabe and Ito's palette, which differs for colour-blind eyes too. */
export const COLOURS = ["#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#F0E442", "#FFFFFF"];
/** @param {number} index */
export const colour = (index) => COLOURS[index % COLOURS.length];

export const MAX_SCALE = 40;

/** The picture as large as fits, in the middle. @param {Size} picture @param {Size} stage @returns {View} */
export function fit(picture, stage) {
  const scale = Math.min(stage.width / picture.width, stage.height / picture.height);
  return centred(picture, stage, scale);
}

/** @param {Size} picture @param {Size} stage @param {number} scale @returns {View} */
export function centred(picture, stage, scale) {
  return { scale, x: (stage.width - picture.width * scale) / 2, y: (stage.height - picture.height * scale) / 2 };
}

/** @param {View} view @param {Point} p @returns {Point} */
export function toScreen(view, [x, y]) {
  return [(x + 0.5) * view.scale + view.x, (y + 0.5) * view.scale + view.y];
}

/** @param {View} view @param {Point} p @returns {Point} */
export function toPicture(view, [x, y]) {
  return [(x - view.x) / view.scale - 0.5, (y - view.y) / view.scale - 0.5];
}

/** Zoom so that what is under `at` stays there. @param {View} view @param {Point} at @param {number} factor @param {number} least @returns {View} */
export function zoomAt(view, [x, y], factor, least) {
  const scale = Math.min(Math.max(view.scale * factor, least), MAX_SCALE);
  const ratio = scale / view.scale;
  return { scale, x: x - (x - view.x) * ratio, y: y - (y - view.y) * ratio };
}

/** Keep the picture in sight: it reaches the middle of the stage. @param {View} view @param {Size} picture @param {Size} stage @returns {View} */
export function kept(view, picture, stage) {
  /** @param {number} offset @param {number} length @param {number} room */
  const along = (offset, length, room) => Math.min(Math.max(offset, room / 2 - length), room / 2);
  return {
    scale: view.scale,
    x: along(view.x, picture.width * view.scale, stage.width),
    y: along(view.y, picture.height * view.scale, stage.height),
  };
}

/** @param {Point} a @param {Point} b */
export const distance = (a, b) => Math.hypot(a[0] - b[0], a[1] - b[1]);

/** @param {Point} p @param {Point} a @param {Point} b */
export function distanceToSegment(p, a, b) {
  const [dx, dy] = [b[0] - a[0], b[1] - a[1]];
  const length = dx * dx + dy * dy;
  const t = length ? Math.min(Math.max(((p[0] - a[0]) * dx + (p[1] - a[1]) * dy) / length, 0), 1) : 0;
  return distance(p, [a[0] + t * dx, a[1] + t * dy]);
}

/**
 * What is at a place of the screen: an end within `reach`, else an arrow's shaft, else nothing. Later pairs lie on top. A pin is
 * taken hold of as a whole.
 * @param {{id: number, handle: Point, target: Point}[]} pairs @param {View} view @param {Point} at @param {number} reach
 * @returns {{id: number, part: "handle" | "target" | "shaft"} | null}
 */
export function hit(pairs, view, at, reach) {
  let best = null;
  let nearest = reach;
  for (const pair of pairs) {
    for (const end of /** @type {const} */ (["handle", "target"])) {
      const d = distance(toScreen(view, pair[end]), at);
      if (d <= nearest) [nearest, best] = [d, { id: pair.id, part: isAnchor(pair) ? /** @type {const} */ ("shaft") : end }];
    }
  }
  if (best) return best;
  for (const pair of pairs.slice().reverse()) {
    if (distanceToSegment(at, toScreen(view, pair.handle), toScreen(view, pair.target)) <= reach / 2) {
      return { id: pair.id, part: "shaft" };
    }
  }
  return null;
}

/** The move along the nearest axis or diagonal. @param {number} dx @param {number} dy @returns {Point} */
export function snapped(dx, dy) {
  const angle = Math.round(Math.atan2(dy, dx) / (Math.PI / 4)) * (Math.PI / 4);
  const [cx, cy] = [Math.round(Math.cos(angle) * 1e9) / 1e9, Math.round(Math.sin(angle) * 1e9) / 1e9];
  const along = dx * cx + dy * cy;
  return [along * cx || 0, along * cy || 0];
}

/** Leave away points that lie within `tolerance` of the line through their neighbours (Douglas and Peucker). @param {Point[]} points @param {number} tolerance @returns {Point[]} */
export function simplified(points, tolerance) {
  if (points.length < 3) return points;
  const keep = new Uint8Array(points.length);
  keep[0] = keep[points.length - 1] = 1;
  const open = [[0, points.length - 1]];
  for (let range = open.pop(); range; range = open.pop()) {
    const [a, b] = range;
    let [worst, at] = [tolerance, -1];
    for (let i = a + 1; i < b; i++) {
      const d = distanceToSegment(points[i], points[a], points[b]);
      if (d > worst) [worst, at] = [d, i];
    }
    if (at >= 0) {
      keep[at] = 1;
      open.push([a, at], [at, b]);
    }
  }
  return points.filter((_, i) => keep[i]);
}
