// @ts-check
/**
 * The mask that the shapes describe, as pixels: the arithmetic of `gooddrag/picture/mask.py`.
 * @typedef {import("./value.mjs").Shape} Shape
 * @typedef {import("./value.mjs").Point} Point
 */

/**
 * Draw the shapes in their order on an empty mask, one number in 0..1 for each pixel, row by row.
 *
 * `scale` draws a picture of `width / scale` by `height / scale` pixels smaller or larger, for the screen.
 * @param {Shape[]} shapes @param {number} width @param {number} height @param {number} [scale]
 * @returns {Float32Array}
 */
export function rasterise(shapes, width, height, scale = 1) {
  /** @type {Float32Array} */ let mask = new Float32Array(width * height);
  for (const shape of shapes) {
    if (shape.kind === "fill") mask.fill(1);
    else if (shape.kind === "clear") mask.fill(0);
    else if (shape.kind === "invert") mask.forEach((v, i) => (mask[i] = 1 - v));
    else if (shape.kind === "grow") mask = grow(mask, width, height, (shape.size ?? 0) * scale);
    else draw(mask, width, height, scale === 1 ? shape : scaled(shape, scale));
  }
  return mask;
}

/** @param {Shape} shape @param {number} scale @returns {Shape} */
function scaled(shape, scale) {
  // pixel centres are at whole numbers, so half a pixel is moved along
  const points = (shape.points ?? []).map(([x, y]) => /** @type {Point} */ ([(x + 0.5) * scale - 0.5, (y + 0.5) * scale - 0.5]));
  return { ...shape, points, size: (shape.size ?? 0) * scale };
}

/** @param {Float32Array} mask @param {number} width @param {number} height @param {Shape} shape */
export function draw(mask, width, height, shape) {
  const points = shape.points ?? [];
  if (shape.kind === "brush") {
    const path = points.length > 1 ? points : [points[0], points[0]];
    for (let i = 1; i < path.length; i++) segment(mask, width, height, shape, path[i - 1], path[i]);
  } else if (shape.kind === "lasso") lasso(mask, width, height, shape, points);
  else if (shape.kind === "rectangle") rectangle(mask, width, height, shape, points);
}

/**
 * First and one past the last whole number within `margin` of a span, inside 0..limit.
 * @param {number} low @param {number} high @param {number} margin @param {number} limit
 */
function span(low, high, margin, limit) {
  const start = Math.min(Math.max(Math.floor(low - margin), 0), limit);
  return [start, Math.max(start, Math.min(Math.max(Math.ceil(high + margin) + 1, 0), limit))];
}

/** @param {Point[]} points @param {number} margin @param {number} width @param {number} height */
function box(points, margin, width, height) {
  let [x0, x1, y0, y1] = [Infinity, -Infinity, Infinity, -Infinity];
  for (const [x, y] of points) {
    if (x < x0) x0 = x;
    if (x > x1) x1 = x;
    if (y < y0) y0 = y;
    if (y > y1) y1 = y;
  }
  return [...span(x0, x1, margin, width), ...span(y0, y1, margin, height)];
}

/** @param {Float32Array} mask @param {number} i @param {number} alpha @param {boolean | undefined} erase */
function blend(mask, i, alpha, erase) {
  if (erase) mask[i] = Math.min(mask[i], 1 - alpha);
  else mask[i] = Math.max(mask[i], alpha);
}

/**
 * @param {Float32Array} mask @param {number} width @param {number} height @param {Shape} shape
 * @param {Point} from @param {Point} to
 */
function segment(mask, width, height, shape, [x0, y0], [x1, y1]) {
  const radius = (shape.size ?? 0) / 2;
  const hardness = shape.hardness ?? 1;
  const core = radius * hardness;
  const [left, right, top, bottom] = box([[x0, y0], [x1, y1]], radius, width, height);
  const [dx, dy] = [x1 - x0, y1 - y0];
  const length = dx * dx + dy * dy;
  for (let y = top; y < bottom; y++) {
    for (let x = left; x < right; x++) {
      const [px, py] = [x - x0, y - y0];
      const t = length > 0 ? Math.min(Math.max((px * dx + py * dy) / length, 0), 1) : 0;
      const distance = Math.sqrt((px - t * dx) ** 2 + (py - t * dy) ** 2);
      if (distance > radius) continue;
      blend(mask, y * width + x, hardness >= 1 ? 1 : Math.min((radius - distance) / (radius - core), 1), shape.erase);
    }
  }
}

/**
 * Even-odd: a pixel is inside if a ray to the right crosses the outline an odd number of times.
 * @param {Float32Array} mask @param {number} width @param {number} height @param {Shape} shape @param {Point[]} points
 */
function lasso(mask, width, height, shape, points) {
  const [left, right, top, bottom] = box(points, 0, width, height);
  for (let y = top; y < bottom; y++) {
    const crossings = [];
    for (let i = 0; i < points.length; i++) {
      const [x0, y0] = points[i];
      const [x1, y1] = points[(i + 1) % points.length];
      if (y0 <= y !== y1 <= y) crossings.push(x0 + ((y - y0) * (x1 - x0)) / (y1 - y0));
    }
    crossings.sort((a, b) => a - b);
    let passed = 0;
    for (let x = left; x < right; x++) {
      while (passed < crossings.length && crossings[passed] <= x) passed++;
      if ((crossings.length - passed) % 2) blend(mask, y * width + x, 1, shape.erase);
    }
  }
}

/** @param {Float32Array} mask @param {number} width @param {number} height @param {Shape} shape @param {Point[]} points */
function rectangle(mask, width, height, shape, points) {
  const [left, right, top, bottom] = box(points, 0, width, height);
  const [x0, x1] = [points[0][0], points[1][0]].sort((a, b) => a - b);
  const [y0, y1] = [points[0][1], points[1][1]].sort((a, b) => a - b);
  for (let y = top; y < bottom; y++) {
    for (let x = left; x < right; x++) {
      if (x >= x0 && x <= x1 && y >= y0 && y <= y1) blend(mask, y * width + x, 1, shape.erase);
    }
  }
}

/**
 * The region above 0 and all pixels within `radius` of it; negative takes away what is near the outside. The picture's
 * border is no outside.
 * @param {Float32Array} mask @param {number} width @param {number} height @param {number} radius
 * @returns {Float32Array}
 */
export function grow(mask, width, height, radius) {
  const shrink = radius < 0;
  const r = Math.abs(radius);
  const out = new Float32Array(mask.length);
  /** @param {number} i */
  const inside = (i) => mask[i] > 0 !== shrink;
  let any = false;
  for (let i = 0; i < mask.length && !any; i++) any = inside(i);
  if (r < 1 || !any) {
    for (let i = 0; i < mask.length; i++) out[i] = mask[i] > 0 ? 1 : 0;
    return out;
  }
  // vertical distance to the nearest pixel of the region, then the circle column by column
  const vertical = new Int32Array(mask.length).fill(width + height);
  for (let i = 0; i < mask.length; i++) {
    if (inside(i)) vertical[i] = 0;
    else if (i >= width) vertical[i] = Math.min(vertical[i], vertical[i - width] + 1);
  }
  for (let i = mask.length - width - 1; i >= 0; i--) vertical[i] = Math.min(vertical[i], vertical[i + width] + 1);
  const reach = new Int32Array(Math.floor(r) + 1).map((_, dx) => Math.floor(Math.sqrt(r * r - dx * dx) + 1e-9));
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const last = Math.min(x + reach.length - 1, width - 1);
      for (let c = Math.max(0, x - reach.length + 1); c <= last; c++) {
        if (vertical[y * width + c] <= reach[Math.abs(c - x)]) {
          out[y * width + x] = 1;
          break;
        }
      }
    }
  }
  if (shrink) out.forEach((v, i) => (out[i] = 1 - v));
  return out;
}
