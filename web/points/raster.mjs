// @ts-check
/**
 * The mask that the shapes describe, as pixels: the arithmetic of `gooddrag/picture/mask.py`.
 * @typedef {import("./value.mjs").Shape} Shape
 * @typedef {import("./value.mjs").Point} Point
 * @typedef {import("./tiles.mjs").Figure} Figure
 */

import { grow } from "./morphology.mjs";
import { figures, paint } from "./tiles.mjs";
import { Work } from "./work.mjs";

/**
 * Draw the shapes in their order on an empty mask, one number in 0..1 for each pixel, row by row.
 *
 * `scale` draws a picture of `width / scale` by `height / scale` pixels smaller or larger, for the screen. Throws
 * `ValueError` when the shapes would take longer than about two seconds.
 * @param {Shape[]} shapes @param {number} width @param {number} height @param {number} [scale]
 * @returns {Float32Array}
 */
export function rasterise(shapes, width, height, scale = 1) {
  // what lies below a fill is not seen
  const whole = shapes.reduce((last, s, i) => (s.kind === "fill" || s.kind === "clear" ? i : last), -1);
  /** @type {Float32Array} */ const mask = new Float32Array(width * height).fill(shapes[whole]?.kind === "fill" ? 1 : 0);
  return draw(mask, width, height, shapes.slice(whole + 1), scale);
}

/**
 * Draw further shapes on a mask; the mask that was given is used up.
 * @param {Float32Array} mask @param {number} width @param {number} height @param {Shape[]} shapes @param {number} [scale]
 * @returns {Float32Array}
 */
export function draw(mask, width, height, shapes, scale = 1) {
  const work = new Work();
  let inverted = false; // holds 1 - mask meanwhile, so that inverting costs nothing
  /** @type {Figure[]} */ let waiting = [];
  for (const given of shapes) {
    const shape = scale === 1 ? given : scaled(given, scale);
    const erase = Boolean(shape.erase) !== inverted;
    if (shape.kind === "brush" || shape.kind === "rectangle") {
      for (const figure of figures(shape, erase)) waiting.push(figure);
    } else if (shape.kind === "invert") {
      inverted = !inverted;
    } else {
      paint(mask, width, height, waiting, work);
      waiting = [];
      if (shape.kind === "lasso") lasso(mask, width, height, shape.points ?? [], erase, work);
      else if (shape.kind === "grow") {
        if (inverted) flip(mask);
        inverted = false;
        mask = grow(mask, width, height, shape.size ?? 0, work);
      } else {
        inverted = false;
        mask.fill(shape.kind === "fill" ? 1 : 0);
      }
    }
  }
  paint(mask, width, height, waiting, work);
  if (inverted) flip(mask);
  return mask;
}

/** @param {Float32Array} mask */
function flip(mask) {
  for (let i = 0; i < mask.length; i++) mask[i] = 1 - mask[i];
}

/** @param {Shape} shape @param {number} scale @returns {Shape} */
function scaled(shape, scale) {
  // pixel centres are at whole numbers, so half a pixel is moved along
  const points = (shape.points ?? []).map(([x, y]) => /** @type {Point} */ ([(x + 0.5) * scale - 0.5, (y + 0.5) * scale - 0.5]));
  return { ...shape, points, size: (shape.size ?? 0) * scale };
}

/**
 * Even-odd: a pixel is inside if a ray to the right crosses the outline an odd number of times.
 * @param {Float32Array} mask @param {number} width @param {number} height @param {Point[]} points @param {boolean} erase
 * @param {Work} work
 */
function lasso(mask, width, height, points, erase, work) {
  /** @param {number} v @param {number} limit */
  const within = (v, limit) => Math.min(Math.max(Math.ceil(v), 0), limit);
  let [left, right, top, bottom] = [width, 0, height, 0];
  for (const [x, y] of points) {
    [left, right] = [Math.min(left, within(x, width)), Math.max(right, within(x, width))];
    [top, bottom] = [Math.min(top, within(y, height)), Math.max(bottom, within(y, height))];
  }
  const [columns, rows] = [right - left, bottom - top];
  if (columns <= 0 || rows <= 0) return;
  work.spend(3 * columns * rows + 40 * points.length);
  const odd = new Uint8Array(rows * (columns + 1));
  points.forEach(([x0, y0], i) => {
    const [x1, y1] = points[(i + 1) % points.length];
    const [first, last] = [within(Math.min(y0, y1), height), within(Math.max(y0, y1), height)];
    work.spend(8 * (last - first));
    for (let y = first; y < last; y++) {
      // the pixels before it change sides
      const x = Math.ceil(x0 + ((y - y0) * (x1 - x0)) / (y1 - y0));
      odd[(y - top) * (columns + 1) + Math.min(Math.max(x, left), right) - left] ^= 1;
    }
  });
  for (let y = 0; y < rows; y++) {
    for (let x = columns, parity = 0; x > 0; x--) {
      parity ^= odd[y * (columns + 1) + x];
      if (parity) mask[(y + top) * width + left + x - 1] = erase ? 0 : 1;
    }
  }
}
