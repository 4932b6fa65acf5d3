// @ts-check
/** The preset of a node fills its other widgets; changing one of these makes it "custom". */

/** @typedef {Record<string, Record<string, unknown>>} Presets values by preset and by widget */

/** @param {any} node @param {Presets} presets */
export function attachPresets(node, presets) {
  const named = (/** @type {string} */ name) => node.widgets?.find((/** @type {any} */ w) => w.name === name);
  const preset = named("preset");
  if (!preset) return;
  let filling = false;
  const choose = preset.callback;
  preset.callback = function (/** @type {string} */ value, /** @type {unknown[]} */ ...rest) {
    filling = true;
    for (const [name, decided] of Object.entries(presets[value] ?? {})) {
      const widget = named(name);
      if (!widget) continue;
      widget.value = decided;
      widget.callback?.(decided);
    }
    filling = false;
    return choose?.call(this, value, ...rest);
  };
  for (const name of Object.keys(Object.values(presets)[0] ?? {})) {
    const widget = named(name);
    if (!widget) continue;
    const change = widget.callback;
    widget.callback = function (/** @type {unknown} */ value, /** @type {unknown[]} */ ...rest) {
      const decided = presets[preset.value];
      if (!filling && decided && decided[name] !== value) preset.value = "custom";
      return change?.call(this, value, ...rest);
    };
  }
}
