// @ts-check
/** The same editor in a large window. @typedef {import("./session.mjs").Session} Session */

import { el } from "./dom.mjs";
import { Editor } from "./view.mjs";

/** @param {Session} session @param {HTMLElement} opener @param {{take?: import("./intake.mjs").Take}} options @returns {() => void} how to close it */
export function openDialog(session, opener, options = {}) {
  /** @type {Editor | null} */ let editor = null;
  const dialog = el("dialog", { class: "gd-dialog", "aria-label": "GoodDrag points" });
  editor = new Editor(session, { ...options, close: () => dialog.close() });
  dialog.append(editor.root);
  dialog.addEventListener("close", () => {
    editor?.destroy();
    dialog.remove();
    if (opener.isConnected) opener.focus({ preventScroll: true });
  });
  dialog.addEventListener("keydown", (event) => event.stopPropagation());
  document.body.append(dialog);
  dialog.showModal();
  editor.stage.focus({ preventScroll: true });
  return () => dialog.close();
}
