// @ts-check
/**
 * The editor's texts in the person's language. English is what the code says, and the key of `locales/<language>/main.json`; there `{}` stands
 * for whatever is at that place. What is not found there stays English.
 */

/** @typedef {Record<string, string>} Words */

/** @type {Words} */
let known = {};
/** @type {[RegExp, string][]} */
let patterns = [];

/** @param {Words} words */
export function learn(words) {
  known = words;
  const open = Object.keys(words).filter((key) => key.includes("{}")).sort((a, b) => b.length - a.length); // "{} pairs, {} pins" before "{} pins"
  patterns = open.map((key) => {
    const parts = key.split("{}").map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
    return [new RegExp(`^${parts.join("(.+)")}$`, "s"), words[key]];
  });
}

/** A text as it is shown. @param {string} text */
export function t(text) {
  if (Object.hasOwn(known, text)) return known[text];
  for (const [pattern, words] of patterns) {
    const found = pattern.exec(text);
    if (!found) continue;
    let at = 0;
    return words.replaceAll("{}", () => found[++at] ?? "");
  }
  return text;
}

/**
 * Fetch the words of ComfyUI's language; English needs none.
 * @param {any} app @param {any} api
 */
export async function fetchWords(app, api) {
  try {
    const language = app.extensionManager?.setting?.get?.("Comfy.Locale") ?? "en";
    if (String(language).startsWith("en")) return;
    const all = await (await api.fetchApi("/i18n")).json();
    learn(all[language]?.goodDragEditor ?? {});
  } catch {
    // the editor speaks English then
  }
}
