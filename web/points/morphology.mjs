// @ts-check
/**
 * Growing and shrinking a region by a circle, on rows of bits, as in `gooddrag/picture/morphology.py`.
 * @typedef {import("./work.mjs").Work} Work
 */

/** What a row of the circle costs for 32 pixels, see `work.mjs`. */
const ROW = 20;

/**
 * The region above 0 and all pixels within `radius` of it; negative takes away what is near the outside. The picture's
 * border is no outside.
 * @param {Float32Array} mask @param {number} width @param {number} height @param {number} radius @param {Work} work
 * @returns {Float32Array}
 */
export function grow(mask, width, height, radius, work) {
  const shrink = radius < 0;
  const r = Math.abs(radius);
  work.spend(4 * mask.length);
  if (r < 1) return mask.map((v) => (v > 0 ? 1 : 0));
  const words = Math.ceil(width / 32);
  let wide = new Uint32Array(words * height);
  for (let y = 0, i = 0; y < height; y++) {
    for (let x = 0; x < width; x++, i++) if (mask[i] > 0 !== shrink) wide[y * words + (x >> 5)] |= 1 << (x & 31);
  }
  const grown = wide.slice();
  // row by row of the circle, from its top, where it is narrow, to its middle; `half` is how far `wide` reaches to both sides
  for (let dy = Math.min(Math.floor(r), height - 1), half = 0; dy >= 0; dy--) {
    work.spend(ROW * grown.length);
    let reach = half;
    while (dy * dy <= r * r - (reach + 1) * (reach + 1)) reach++;
    for (let by = 0; half < reach; half += by) {
      by = Math.min(reach - half, half + 1); // a longer step would leave gaps
      wide = widened(wide, words, by);
    }
    const shift = dy * words;
    for (let i = shift; i < grown.length; i++) {
      grown[i] |= wide[i - shift];
      grown[i - shift] |= wide[i];
    }
  }
  const out = new Float32Array(mask.length);
  for (let y = 0, i = 0; y < height; y++) {
    for (let x = 0; x < width; x++, i++) out[i] = ((grown[y * words + (x >> 5)] >>> (x & 31)) & 1) === (shrink ? 0 : 1) ? 1 : 0;
  }
  return out;
}

/** All bits, and again `by` to the left and to the right in their row. @param {Uint32Array} bits @param {number} words in a row @param {number} by */
function widened(bits, words, by) {
  const out = bits.slice();
  const [whole, part] = [by >> 5, by & 31];
  for (let i = 0; i < bits.length; i++) {
    const column = i % words;
    if (column + whole < words) out[i] |= bits[i + whole] >>> part;
    if (part && column + whole + 1 < words) out[i] |= bits[i + whole + 1] << (32 - part);
    if (column >= whole) out[i] |= bits[i - whole] << part;
    if (part && column > whole) out[i] |= bits[i - whole - 1] >>> (32 - part);
  }
  return out;
}
