import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import test from "node:test";

import { learn, t } from "../../web/points/texts.mjs";

const LOCALES = new URL("../../locales/", import.meta.url);
const languages = readdirSync(LOCALES);
const words = Object.fromEntries(languages.map((l) => [l, JSON.parse(readFileSync(new URL(`${l}/main.json`, LOCALES), "utf-8")).goodDragEditor]));
const holes = (/** @type {string} */ text) => text.split("{}").length - 1;

test("without words a text is English", () => {
  learn({});
  assert.equal(t("Undo (Ctrl+Z)"), "Undo (Ctrl+Z)");
  assert.equal(t("3 pairs"), "3 pairs");
});

test("a text is found as a whole, or around what is in it", () => {
  learn({ Undo: "Zurück", "{} pairs": "{} Paare", "{} pins": "{} Nadeln", "{} pairs, {} pins": "{} Paare, {} Nadeln", "pair {} (a.b)": "Paar {} $& (a.b)" });
  assert.equal(t("Undo"), "Zurück");
  assert.equal(t("3 pairs"), "3 Paare");
  assert.equal(t("3 pairs, 2 pins"), "3 Paare, 2 Nadeln");
  assert.equal(t("pair 1, 2 (a.b)"), "Paar 1, 2 $& (a.b)");
  assert.equal(t("pair 1 (axb)"), "pair 1 (axb)");
  assert.equal(t("constructor"), "constructor");
  assert.equal(t("toString"), "toString");
});

test("what is filled in is not read as a pattern", () => {
  learn({ "These points cannot be read: {}": "Unlesbar: {}" });
  assert.equal(t("These points cannot be read: {} $1 {}"), "Unlesbar: {} $1 {}");
});

for (const language of languages) {
  test(`${language} has every text, and no other`, () => {
    assert.deepEqual(Object.keys(words[language]), Object.keys(words[languages[0]]));
    for (const [english, other] of Object.entries(words[language])) {
      assert.ok(other.trim(), english);
      assert.equal(holes(other), holes(english), english);
      assert.deepEqual(other.match(/`[^`]*`/g), english.match(/`[^`]*`/g), english);
      const key = english.match(/ \((\{\}|.|Ctrl\+\S+|Enter|Escape)\)$/)?.[0];
      if (key) assert.ok(other.endsWith(key), `${english}: ${other}`);
    }
  });
}

test("every text is one that the editor says", () => {
  const folders = ["../../web/points/", "../../web/"].map((f) => new URL(f, import.meta.url));
  const files = folders.flatMap((f) => readdirSync(f).filter((n) => n.endsWith("js")).map((n) => new URL(n, f)));
  const source = files.map((f) => readFileSync(f, "utf-8")).join("\n");
  const bare = (/** @type {string} */ text) => text.replace(/ \((\{\}|.|Ctrl\+\S+|Enter|Escape)\)$/, "");
  for (const english of Object.keys(words[languages[0]])) {
    for (const part of bare(english).split(/\{\}|; |^\d /).filter((p) => p.length > 6)) assert.ok(source.includes(part.trim()), english);
  }
});
