// @ts-check
/** How much drawing a mask may cost, counted while it is drawn, as in `gooddrag/picture/work.py`. */

import { ValueError } from "./value.mjs";

/** In units of about a nanosecond. */
export const LIMIT = 1_000_000_000;

export class Work {
  constructor(limit = LIMIT) {
    this.left = limit;
  }

  /** Announce what comes next. Throws `ValueError` when it is too much. @param {number} cost */
  spend(cost) {
    this.left -= cost;
    if (this.left < 0) throw new ValueError("the mask would take too long to draw; clear it, or undo some of its strokes");
  }
}
