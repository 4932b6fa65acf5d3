// @ts-check
/**
 * Painting on canvases: the picture with its mask below, arrows and tools above.
 * @typedef {import("./geometry.mjs").View} View
 * @typedef {import("./geometry.mjs").Size} Size
 * @typedef {import("./value.mjs").Point} Point
 * @typedef {import("./value.mjs").Shape} Shape
 * @typedef {CanvasRenderingContext2D} Context
 * @typedef {{points: {handles: Point[], targets: Point[]}, paths: Point[][], lengthened?: boolean}} Result of variants: `lengthened`
 */

import { colour, distance, toScreen } from "./geometry.mjs";
import { draw, rasterise } from "./raster.mjs";
import { ValueError } from "./value.mjs";

const RASTER_SIDE = 1024;

/** The size of the mask's raster for the screen. @param {Size} picture */
function rasterScale(picture) {
  return Math.min(1, RASTER_SIDE / Math.max(picture.width, picture.height));
}

/** What may change of a soft mask, as the nodes take it: this and more. */
const EDITABLE = 0.5;

/**
 * The mask as a canvas that darkens what is protected, made anew only for what changed.
 */
export class MaskLayer {
  constructor() {
    this.canvas = document.createElement("canvas");
    this.both = document.createElement("canvas");
    /** @type {Shape[]} */ this.shapes = [];
    /** @type {Float32Array | null} */ this.mask = null;
    this.size = "";
    /** Why the shapes are not drawn, for people. */ this.refused = "";
  }

  /** @param {Shape[]} shapes @param {Size} picture */
  update(shapes, picture) {
    const scale = rasterScale(picture);
    const [w, h] = [Math.max(1, Math.round(picture.width * scale)), Math.max(1, Math.round(picture.height * scale))];
    const size = `${w}x${h}`;
    if (shapes === this.shapes && size === this.size && (this.mask || this.refused)) return;
    const appended =
      this.mask && size === this.size && shapes.length === this.shapes.length + 1 && this.shapes.every((s, i) => s === shapes[i]);
    [this.shapes, this.size, this.refused] = [shapes, size, ""];
    try {
      this.mask = appended && this.mask ? draw(this.mask, w, h, shapes.slice(-1), w / picture.width) : rasterise(shapes, w, h, w / picture.width);
    } catch (error) {
      if (!(error instanceof ValueError)) throw error;
      [this.mask, this.refused] = [null, error.message];
    }
    this.paint(w, h);
  }

  /** @param {number} w @param {number} h */
  paint(w, h) {
    const mask = this.mask ?? new Float32Array(w * h);
    [this.canvas.width, this.canvas.height] = [w, h];
    const context = this.canvas.getContext("2d");
    if (!context) return;
    const image = context.createImageData(w, h);
    for (let i = 0; i < mask.length; i++) image.data[4 * i + 3] = mask[i] < EDITABLE ? 255 : 0;
    context.putImageData(image, 0, 0);
  }

  /** This and the shade of a connected mask. @param {import("./session.mjs").Picture} given @param {import("./value.mjs").Mode} mode */
  with(given, mode) {
    const { width, height } = this.canvas;
    [this.both.width, this.both.height] = [width, height];
    const context = this.both.getContext("2d");
    if (!context) return this.canvas;
    context.drawImage(this.canvas, 0, 0);
    // where either may change the shade is what both protect
    if (mode === "union") context.globalCompositeOperation = "destination-in";
    context.drawImage(given, 0, 0, width, height);
    return this.both;
  }
}

/**
 * The picture and the darkened region.
 * @param {Context} c @param {View} view @param {Size} picture @param {CanvasImageSource | null} image
 * @param {CanvasImageSource | null} mask @param {number} opacity
 */
export function paintPicture(c, view, picture, image, mask, opacity) {
  const [w, h] = [picture.width * view.scale, picture.height * view.scale];
  c.imageSmoothingEnabled = view.scale < 4;
  c.imageSmoothingQuality = "high";
  if (image) c.drawImage(image, view.x, view.y, w, h);
  else if (!mask) {
    c.fillStyle = "#2a2d33";
    c.fillRect(view.x, view.y, w, h);
  }
  if (mask) {
    c.globalAlpha = opacity;
    c.imageSmoothingEnabled = true;
    c.drawImage(mask, view.x, view.y, w, h);
    c.globalAlpha = 1;
  }
}

/** @param {Context} c @param {Point[]} path @param {string} style @param {number} width */
function stroke(c, path, style, width) {
  if (path.length < 2) return;
  c.lineJoin = c.lineCap = "round";
  for (const [s, w] of /** @type {[string, number][]} */ ([["rgba(0,0,0,.85)", width + 2.5], [style, width]])) {
    c.beginPath();
    path.forEach(([x, y], i) => (i ? c.lineTo(x, y) : c.moveTo(x, y)));
    c.strokeStyle = s;
    c.lineWidth = w;
    c.stroke();
  }
}

/** @param {Context} c @param {Point} at @param {number} radius @param {string} style @param {boolean} [ring] */
export function dot(c, [x, y], radius, style, ring = false) {
  c.beginPath();
  c.arc(x, y, radius, 0, 2 * Math.PI);
  if (!ring) {
    c.fillStyle = style;
    c.fill();
  }
  c.lineWidth = ring ? 4.5 : 1.5;
  c.strokeStyle = "rgba(0,0,0,.85)";
  c.stroke();
  if (ring) {
    c.lineWidth = 2.5;
    c.strokeStyle = style;
    c.stroke();
  }
}

/** @param {Context} c @param {Point} at @param {string} text */
function label(c, [x, y], text) {
  c.font = "600 12px system-ui, sans-serif";
  c.textBaseline = "bottom";
  c.lineWidth = 3.5;
  c.lineJoin = "round";
  c.strokeStyle = "rgba(0,0,0,.9)";
  c.fillStyle = "#fff";
  c.strokeText(text, x + 7, y - 5);
  c.fillText(text, x + 7, y - 5);
}

/**
 * An arrow on the screen, numbered.
 * @param {Context} c @param {Point} from @param {Point} to @param {number} index
 * @param {{off?: boolean, ghost?: boolean, outside?: boolean, selected?: {handle: boolean, target: boolean}}} [how] `outside`: it
 *   belongs elsewhere and is shown at the picture's border
 */
export function paintArrow(c, from, to, index, how = {}) {
  const style = colour(index);
  c.globalAlpha = how.off ? 0.35 : how.ghost ? 0.6 : 1;
  if (how.off || how.ghost || how.outside) c.setLineDash([5, 5]);
  stroke(c, [from, to], how.outside ? "#ff6b6b" : style, 3);
  c.setLineDash([]);
  const length = distance(from, to);
  if (length > 4) {
    const angle = Math.atan2(to[1] - from[1], to[0] - from[0]);
    const size = Math.min(13, length);
    c.beginPath();
    c.moveTo(...to);
    for (const side of [-0.45, 0.45]) c.lineTo(to[0] - size * Math.cos(angle + side), to[1] - size * Math.sin(angle + side));
    c.closePath();
    c.fillStyle = style;
    c.strokeStyle = "rgba(0,0,0,.85)";
    c.lineWidth = 1.5;
    c.fill();
    c.stroke();
  }
  dot(c, from, 6, style);
  if (how.selected?.handle) dot(c, from, 9, "#fff", true);
  if (how.selected?.target) dot(c, to, 9, "#fff", true);
  label(c, from, String(index + 1));
  c.globalAlpha = 1;
}

/**
 * A pin on the screen, its needle where the picture must stay.
 * @param {Context} c @param {Point} at @param {number} index @param {{off?: boolean, selected?: boolean}} [how]
 */
export function paintPin(c, [x, y], index, how = {}) {
  c.globalAlpha = how.off ? 0.35 : 1;
  c.beginPath();
  c.arc(x, y - 15, 7, 0.8 * Math.PI, 0.2 * Math.PI);
  c.lineTo(x, y);
  c.closePath();
  c.fillStyle = colour(index);
  c.fill();
  c.lineWidth = 1.5;
  c.strokeStyle = "rgba(0,0,0,.85)";
  c.stroke();
  dot(c, [x, y - 15], 2.5, "#fff");
  if (how.selected) dot(c, [x, y], 9, "#fff", true);
  label(c, [x + 3, y - 8], String(index + 1));
  c.globalAlpha = 1;
}

/**
 * The shade of a picture of which only the surroundings of some arrows may change. Nothing may be painted there yet.
 * @param {Context} c @param {View} view @param {Size} picture @param {Shape[]} strokes @param {number} opacity
 */
export function paintSurroundings(c, view, picture, strokes, opacity) {
  if (!strokes.length) return;
  const [w, h] = [picture.width * view.scale, picture.height * view.scale];
  c.save();
  c.beginPath();
  c.rect(view.x, view.y, w, h);
  c.clip();
  c.globalAlpha = opacity;
  c.fillStyle = "#000";
  c.fillRect(view.x - 1, view.y - 1, w + 2, h + 2); // at its edges the clip alone decides, or their coverage would count twice
  c.globalAlpha = 1;
  c.globalCompositeOperation = "destination-out";
  c.strokeStyle = "#000"; // what was drawn before leaves one that is half transparent
  c.lineCap = "round";
  for (const { points = [], size = 0 } of strokes) {
    c.beginPath();
    c.moveTo(...toScreen(view, points[0]));
    c.lineTo(...toScreen(view, points[1]));
    c.lineWidth = size * view.scale;
    c.stroke();
  }
  c.restore();
}

/**
 * The result at the right of a divider, over the original.
 * @param {Context} c @param {View} view @param {Size} picture @param {CanvasImageSource} result @param {number} divider x on the stage
 */
export function paintCompared(c, view, picture, result, divider) {
  const [w, h] = [picture.width * view.scale, picture.height * view.scale];
  c.save();
  c.beginPath();
  c.rect(divider, view.y, view.x + w - divider, h);
  c.clip();
  c.drawImage(result, view.x, view.y, w, h);
  c.restore();
  stroke(c, [[divider, view.y], [divider, view.y + h]], "#fff", 2);
  c.textAlign = "right";
  label(c, [divider - 14, view.y + 26], "original");
  c.textAlign = "left";
  label(c, [divider, view.y + 26], "result");
}

/** Where the handles went, and where they stopped. @param {Context} c @param {View} view @param {Result} result */
export function paintResult(c, view, result) {
  result.paths.forEach((path, i) => {
    const screen = path.map((p) => toScreen(view, p));
    c.globalAlpha = 0.9;
    stroke(c, screen, "#fff", 1.2);
    const last = screen.at(-1);
    if (last) {
      dot(c, last, 4.5, "#fff");
      dot(c, last, 2, colour(i));
    }
    c.globalAlpha = 1;
  });
}

/**
 * What a tool is doing: a stroke, an outline, a rectangle.
 * @param {Context} c @param {Point[]} path on the screen @param {"brush" | "lasso" | "rectangle"} kind @param {number} width @param {boolean} erase
 */
export function paintTool(c, path, kind, width, erase) {
  const style = erase ? "rgba(220,60,60,.55)" : "rgba(80,170,255,.5)";
  c.lineJoin = c.lineCap = "round";
  if (kind === "brush") {
    c.beginPath();
    path.forEach(([x, y], i) => (i ? c.lineTo(x, y) : c.moveTo(x, y)));
    if (path.length === 1) c.lineTo(path[0][0] + 0.01, path[0][1]);
    c.strokeStyle = style;
    c.lineWidth = width;
    c.stroke();
    return;
  }
  const first = path[0];
  const last = path.at(-1) ?? first;
  c.beginPath();
  if (kind === "rectangle") c.rect(first[0], first[1], last[0] - first[0], last[1] - first[1]);
  else path.forEach(([x, y], i) => (i ? c.lineTo(x, y) : c.moveTo(x, y)));
  c.fillStyle = style;
  c.fill();
  c.setLineDash([4, 4]);
  c.lineWidth = 1.5;
  c.strokeStyle = "#fff";
  c.stroke();
  c.setLineDash([]);
}

/** @param {Context} c @param {Point} a @param {Point} b */
export function paintMarquee(c, a, b) {
  c.setLineDash([4, 4]);
  c.lineWidth = 1.5;
  c.strokeStyle = "#fff";
  c.fillStyle = "rgba(255,255,255,.12)";
  c.beginPath();
  c.rect(a[0], a[1], b[0] - a[0], b[1] - a[1]);
  c.fill();
  c.stroke();
  c.setLineDash([]);
}

/**
 * A magnifier beside the pointer, with the exact place in its middle.
 * @param {Context} c @param {View} view @param {Size} picture @param {Size} stage @param {CanvasImageSource | null} image
 * @param {Point} place in the picture @param {string} style
 */
export function paintLoupe(c, view, picture, stage, image, place, style) {
  const radius = Math.min(46, stage.width / 5, stage.height / 5);
  const zoom = Math.max(4, 2 * view.scale);
  const at = toScreen(view, place);
  const x = at[0] + (at[0] > stage.width / 2 ? -1.6 : 1.6) * radius;
  const y = Math.min(Math.max(at[1] - 1.5 * radius, radius + 4), stage.height - radius - 4);
  c.save();
  c.beginPath();
  c.arc(x, y, radius, 0, 2 * Math.PI);
  c.fillStyle = "#14161a";
  c.fill();
  c.clip();
  c.imageSmoothingEnabled = false;
  if (image) {
    c.drawImage(image, x - (place[0] + 0.5) * zoom, y - (place[1] + 0.5) * zoom, picture.width * zoom, picture.height * zoom);
  }
  c.strokeStyle = "rgba(255,255,255,.9)";
  c.lineWidth = 1;
  c.strokeRect(x - zoom / 2, y - zoom / 2, zoom, zoom);
  c.beginPath();
  c.moveTo(x - radius, y);
  c.lineTo(x - zoom / 2, y);
  c.moveTo(x + zoom / 2, y);
  c.lineTo(x + radius, y);
  c.moveTo(x, y - radius);
  c.lineTo(x, y - zoom / 2);
  c.moveTo(x, y + zoom / 2);
  c.lineTo(x, y + radius);
  c.stroke();
  c.restore();
  c.beginPath();
  c.arc(x, y, radius, 0, 2 * Math.PI);
  c.lineWidth = 3;
  c.strokeStyle = style;
  c.stroke();
}
