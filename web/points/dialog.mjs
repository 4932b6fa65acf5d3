// @ts-check
/** The same editor in a large window. @typedef {import("./session.mjs").Session} Session */

import { el } from "./dom.mjs";
import { Editor } from "./view.mjs";

/** @param {Session} session @param {HTMLElement} opener @param {{take?: import("./intake.mjs").Take}} options @returns {() => void} how to close it */
export function openDialog(session, opener, options = {}) {
  /** @type {Editor | null} */ let editor = null;
  const dialog = el("dialog", { class: "gd-dialog", "aria-label": "GoodDrag points" });
  function close() {
    if (!editor) return;
    editor.destroy();
    editor = null;
    dialog.close();
    dialog.remove();
    if (opener.isConnected) opener.focus({ preventScroll: true });
  }
  editor = new Editor(session, { ...options, close });
  dialog.append(editor.root);
  dialog.addEventListener("close", close); // when the browser closes it
  // beside the editor, keys would be ComfyUI's
  dialog.addEventListener("mousedown", (event) => {
    if (event.target !== dialog) return;
    event.preventDefault();
    editor?.stage.focus({ preventScroll: true });
  });
  dialog.addEventListener("keydown", (event) => {
    const runs = (event.ctrlKey || event.metaKey) && event.key === "Enter";
    if (!runs) event.stopPropagation();
  });
  document.body.append(dialog);
  dialog.showModal();
  editor.stage.focus({ preventScroll: true });
  return close;
}
