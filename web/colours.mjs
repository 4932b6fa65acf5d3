// @ts-check
/** Colours of this pack's sockets, in both renderers; a colour palette that names a type wins. */

/** Far from those that ComfyUI gives its own types. @type {Record<string, string>} */
const COLOURS = {
  GOODDRAG_POINTS: "#00D5C0",
  GOODDRAG_INVERSION: "#B5D622",
  GOODDRAG_TRACE: "#B0704A",
  GOODDRAG_STATE: "#4F5BFF",
};

/** Once the page is there. @param {any} app */
export function colourSockets(app) {
  const style = document.createElement("style");
  // Vue reads these; a palette sets its own on the root element, which count more
  style.textContent = `:root { ${Object.entries(COLOURS).map(([type, colour]) => `--color-datatype-${type}: ${colour};`).join(" ")} }`;
  document.head.append(style);
  paintSockets(app);
  app.ui?.settings?.addEventListener?.("Comfy.ColorPalette.change", () => setTimeout(() => paintSockets(app), 300));
}

/** On the classic canvas; a palette that is chosen or loaded empties what it does not name. @param {any} app */
export function paintSockets(app) {
  const links = /** @type {any} */ (window).LGraphCanvas?.link_type_colors ?? {};
  for (const [type, colour] of Object.entries(COLOURS)) {
    for (const table of [app.canvas?.default_connection_color_byType, links]) if (table && !table[type]) table[type] = colour;
  }
  app.canvas?.setDirty?.(true, true);
}
