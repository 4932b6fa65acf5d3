// @ts-check
/**
 * Brush strokes and rectangles, painted square by square as in `gooddrag/picture/tiles.py`: every segment and rectangle is a
 * figure with a depth, how far inside it a place lies. Its depth in the middle of a square bounds it in all of the square.
 * @typedef {import("./value.mjs").Shape} Shape
 * @typedef {import("./value.mjs").Point} Point
 * @typedef {import("./work.mjs").Work} Work
 * @typedef {{x0: number, y0: number, x1: number, y1: number, radius: number, fall: number, box: boolean, erase: boolean}} Figure
 */

const TILE = 16;
const SLACK = 1e-3;
const EDGE = 1e-6;
/** What things cost, see `work.mjs`. */
const FIGURE = 40;
const PIXEL = 1;

/** @param {Shape} shape @param {boolean} erase @returns {Figure[]} */
export function figures(shape, erase) {
  const points = shape.points ?? [];
  const path = points.length > 1 ? points : [points[0], points[0]];
  const radius = (shape.size ?? 0) / 2;
  const hardness = shape.hardness ?? 1;
  const fall = hardness < 1 ? radius - radius * hardness : 0;
  const box = shape.kind === "rectangle";
  return path.slice(1).map(([x1, y1], i) => ({ x0: path[i][0], y0: path[i][1], x1, y1, radius, fall, box, erase }));
}

/** @param {Figure} f @param {number} x @param {number} y */
function depth(f, x, y) {
  const { x0, y0, x1, y1 } = f;
  if (f.box) return Math.min(x - Math.min(x0, x1), Math.max(x0, x1) - x, y - Math.min(y0, y1), Math.max(y0, y1) - y);
  const [dx, dy, px, py] = [x1 - x0, y1 - y0, x - x0, y - y0];
  const length = dx * dx + dy * dy;
  const t = length > 0 ? Math.min(Math.max((px * dx + py * dy) / length, 0), 1) : 0;
  const [ex, ey] = [px - t * dx, py - t * dy];
  return f.radius - Math.sqrt(ex * ex + ey * ey);
}

/**
 * Paint figures in their order on `mask`.
 * @param {Float32Array} mask @param {number} width @param {number} height @param {Figure[]} all @param {Work} work
 */
export function paint(mask, width, height, all, work) {
  let size = TILE;
  while (size < Math.max(width, height)) size *= 2;
  square(0, 0, size, all);

  /** @param {number} left @param {number} top @param {number} size @param {Figure[]} list */
  function square(left, top, size, list) {
    if (!list.length || left >= width || top >= height) return;
    work.spend(FIGURE * list.length);
    const { filled, seen } = visible(left + (size - 1) / 2, top + (size - 1) / 2, ((size - 1) / 2) * Math.SQRT2 + SLACK, list);
    const [right, bottom] = [Math.min(left + size, width), Math.min(top + size, height)];
    if (filled) {
      work.spend((PIXEL * (right - left) * (bottom - top)) / 2);
      for (let y = top; y < bottom; y++) mask.fill(filled.erase ? 0 : 1, y * width + left, y * width + right);
    }
    if (size > TILE) {
      const half = size / 2;
      for (const y of [top, top + half]) for (const x of [left, left + half]) square(x, y, half, seen);
      return;
    }
    work.spend(10 * PIXEL * seen.length * (right - left) * (bottom - top));
    for (let y = top; y < bottom; y++) {
      for (let x = left; x < right; x++) {
        let value = mask[y * width + x];
        for (const f of seen) {
          const d = depth(f, x, y);
          const alpha = f.fall > 0 ? Math.min(Math.max(d / f.fall, 0), 1) : d >= 0 ? 1 : 0;
          value = f.erase ? Math.min(value, 1 - alpha) : Math.max(value, alpha);
        }
        mask[y * width + x] = value;
      }
    }
  }
}

/**
 * The last figure that fills a square, if any, and those that show after it.
 * @param {number} x @param {number} y @param {number} reach from the square's middle @param {Figure[]} list
 */
function visible(x, y, reach, list) {
  /** @type {Figure[]} */ const seen = [];
  /** @type {Figure | null} */ let filled = null;
  const high = new Float64Array(list.length);
  // from the end: figures of one sign that follow each other hide one another whatever their order
  for (let stop = list.length, start = stop; stop > 0 && !filled; stop = start) {
    let least = -Infinity;
    for (; start > 0 && list[start - 1].erase === list[stop - 1].erase; start--) {
      const f = list[start - 1];
      const [d, fall] = [depth(f, x, y), Math.max(f.fall, EDGE)];
      least = Math.max(least, (d - reach) / fall);
      high[start - 1] = (d + reach) / fall;
    }
    if (least >= 1) filled = list[start];
    else for (let i = stop - 1; i >= start; i--) if (high[i] > 0 && high[i] >= least) seen.push(list[i]);
  }
  seen.reverse();
  // what has the sign of the filling changes nothing directly after it
  const first = filled ? seen.findIndex((f) => f.erase !== /** @type {Figure} */ (filled).erase) : 0;
  return { filled, seen: first < 0 ? [] : seen.slice(first) };
}
