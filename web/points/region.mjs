// @ts-check
/**
 * What may change: the surroundings of the arrows, what a person painted, or everything; as `gooddrag/picture/region.py`.
 * @typedef {import("./value.mjs").Point} Point
 * @typedef {import("./value.mjs").Shape} Shape
 * @typedef {{handle: Point, target: Point, off?: boolean}} Arrow
 * @typedef {{width: number, height: number}} Size
 */

/** Of a brush. */
const MAX_SIZE = 10_000;

/** A pair that lies on one pixel does not drag: what is there must stay. @param {Arrow} pair */
export function isAnchor({ handle, target }) {
  return pixel(handle[0]) === pixel(target[0]) && pixel(handle[1]) === pixel(target[1]);
}

/**
 * A brush stroke along each arrow that is on, a quarter of the picture's shorter side and the arrow's length wide.
 *
 * What is attached to a handle moves along: a joint lies about as far away as the arrow is long. Anchors widen nothing.
 * @param {Arrow[]} arrows @param {Size} picture @returns {Shape[]}
 */
export function around(arrows, picture) {
  const least = Math.min(picture.width, picture.height) / 4;
  return arrows
    .filter((p) => !p.off && !isAnchor(p))
    .map((p) => ({ kind: "brush", points: [p.handle, p.target], size: size(p, least), hardness: 1 }));
}

/** How much of a picture shapes cover, as far as it can be told without drawing them. @param {Shape[]} shapes @returns {"all" | "nothing" | "part"} */
export function covers(shapes) {
  /** @type {"all" | "nothing" | "part"} */ let now = "nothing";
  for (const { kind, erase } of shapes) {
    if (kind === "fill" || kind === "clear") now = kind === "fill" ? "all" : "nothing";
    else if (kind === "invert") now = now === "part" ? now : now === "all" ? "nothing" : "all";
    else if (kind !== "grow" && now !== (erase ? "nothing" : "all")) now = "part";
  }
  return now;
}

/** @param {number} x */
const pixel = (x) => Math.floor(x + 0.5);

/** @param {Arrow} arrow @param {number} least */
function size({ handle, target }, least) {
  const [dx, dy] = [target[0] - handle[0], target[1] - handle[1]];
  return Math.min(Math.max(Math.floor(least + Math.sqrt(dx * dx + dy * dy) + 0.5), 1), MAX_SIZE);
}
