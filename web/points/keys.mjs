// @ts-check
/**
 * The keyboard and the clipboard. What means something here does not reach ComfyUI.
 * @typedef {import("./view.mjs").Editor} Editor
 */

import { toScreen } from "./geometry.mjs";
import { fileIn, takeIn } from "./intake.mjs";
import { selectedIds, sizeOf } from "./state.mjs";
import { dump, empty, parse } from "./value.mjs";

/** @type {Record<string, [number, number]>} */
const STEPS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
/** @type {Record<string, import("./session.mjs").Tool>} */
const TOOL_KEYS = { a: "arrow", p: "pin", b: "brush", e: "eraser", l: "lasso", r: "rectangle", h: "hand" };
/** Inputs into which nothing is typed. */
const UNTYPED = ["range", "checkbox"];

/** A number is in it that the arrow has, too: undo is the editor's then. @param {EventTarget | null} target */
const settled = (target) => target instanceof HTMLInputElement && target.type === "number" && target.value === target.defaultValue;

/** What keys and the clipboard mean in it is its own. @param {EventTarget | null} target */
function typed(target) {
  return target instanceof HTMLTextAreaElement || (target instanceof HTMLInputElement && !UNTYPED.includes(target.type));
}

/** Arrow keys that were pressed; what repeats while one is held belongs to it. */
let presses = 0;

export class Keys {
  /** @param {Editor} editor @param {{enlarge?: () => void, close?: () => void, take?: import("./intake.mjs").Take}} options */
  constructor(editor, options) {
    this.editor = editor;
    this.session = editor.session;
    this.options = options;
    const { root } = editor;
    root.addEventListener("keydown", (e) => this.down(e));
    root.addEventListener("keyup", (e) => this.up(e));
    // what is held down here is let go elsewhere
    root.addEventListener("focusout", ({ relatedTarget }) => { if (!root.contains(/** @type {Node | null} */ (relatedTarget))) this.letGo(); });
    root.addEventListener("copy", (e) => this.copy(e));
    root.addEventListener("paste", (e) => this.paste(e));
  }

  /** @param {KeyboardEvent} event */
  down(event) {
    const control = event.ctrlKey || event.metaKey;
    const choice = event.target instanceof HTMLSelectElement; // letters and arrows choose from it
    const undoes = control && ["z", "y"].includes(event.key.toLowerCase()) && settled(event.target);
    if ((typed(event.target) && !undoes) || (choice && !control)) return event.stopPropagation();
    const known = control ? this.control(event) : this.plain(event);
    if (!known && event.target instanceof HTMLInputElement && !control) event.stopPropagation(); // a slider is moved
    if (!known) return;
    event.preventDefault();
    event.stopPropagation();
    this.editor.draw();
  }

  /** @param {KeyboardEvent} event */
  up(event) {
    if (event.key === " ") this.editor.pointer.panning = false;
    if (event.key.toLowerCase() === "c") this.editor.compare(false);
  }

  letGo() {
    this.editor.pointer.panning = false;
    this.editor.compare(false);
  }

  /** With Ctrl or Command. @param {KeyboardEvent} event @returns {boolean} whether it means something here */
  control(event) {
    const { session } = this;
    switch (event.key.toLowerCase()) {
      case "z":
      case "y":
        if (session.broken) return false; // ComfyUI's brings back what could be read
        this.editor.travel(event.shiftKey || event.key.toLowerCase() === "y" ? "redo" : "undo");
        keepFromUndo(event);
        return true;
      case "a":
        session.dispatch({ type: "selectAll" });
        return true;
      case "d":
        this.editor.duplicate();
        return true;
      case "c":
      case "v":
        event.stopPropagation(); // the copy or paste event follows, if this is not prevented
        return false;
      default:
        return false;
    }
  }

  /** @param {KeyboardEvent} event @returns {boolean} whether it means something here */
  plain(event) {
    const { editor, session } = this;
    const onStage = document.activeElement === editor.stage;
    const onPicture = onStage || Boolean(document.activeElement?.classList.contains("gd-end"));
    const step = STEPS[event.key];
    if (step && !event.repeat) presses++;
    if (step) return onPicture && this.nudge(step, event.shiftKey ? 10 : 1);
    switch (event.key) {
      case "Delete":
      case "Backspace":
        this.remove();
        return true; // to ComfyUI it would mean this node
      case "Escape":
        return this.escape();
      case "Enter":
        return onStage && this.enter(event.shiftKey);
      case "?":
        editor.parts.keys.toggle();
        return true;
      case "F10":
        return event.shiftKey && onPicture && this.menu();
      case "ContextMenu":
        return onPicture && this.menu();
      case " ":
        if (onStage) editor.pointer.panning = true;
        return onStage;
      case "+":
      case "=":
        return editor.zoom(1.5);
      case "-":
        return editor.zoom(1 / 1.5);
      case "1":
        return editor.actualSize();
      case "[":
        return editor.resizeBrush(1 / 1.2);
      case "]":
        return editor.resizeBrush(1.2);
    }
    const letter = event.key.toLowerCase();
    if (letter === "f") return editor.fit();
    if (letter === "c") return editor.compare(true);
    if (letter === "o" && session.after) {
      editor.chooseShow(session.show === "original" ? "result" : "original");
      return true;
    }
    if (letter === "s" || letter === "x") return this.change(letter);
    if (!Object.hasOwn(TOOL_KEYS, letter)) return false;
    editor.choose(TOOL_KEYS[letter]);
    return true;
  }

  remove() {
    const ids = selectedIds(this.session.state);
    if (ids.length) this.editor.remove(ids);
  }

  /** Swap the ends of what is selected, or switch it off or on. @param {string} letter */
  change(letter) {
    const { session } = this;
    const ids = selectedIds(session.state);
    if (!ids.length) return false;
    const off = session.state.doc.pairs.every((p) => !ids.includes(p.id) || p.off);
    if (letter === "s") this.editor.swap();
    else this.editor.switch(ids, !off);
    return true;
  }

  menu() {
    const end = /** @type {HTMLElement | null} */ (document.activeElement?.closest(".gd-end") ?? null);
    const { editor } = this;
    const { width, height } = editor.size();
    if (end?.dataset.key) editor.menu.openFor(end.dataset.key);
    else editor.menu.open(editor.onScreen(editor.cursor ?? [width / 2, height / 2]));
    return true;
  }

  /** Takes back what is under way, one thing after the other; in the large window, which closes, all at once. */
  escape() {
    const { editor, session } = this;
    const { pending, selection } = session.state;
    if (editor.pointer.gesture) editor.pointer.cancel();
    else if (pending) {
      session.dispatch({ type: "cancel" });
      editor.say("Handle taken back.");
    }
    else if (this.options.close) this.options.close();
    else if (editor.cursor) editor.cursor = null;
    else if (selection.length) session.dispatch({ type: "cancel" });
    else return false;
    return true;
  }

  /** Sets handle and target at the cross, or a pin; without a cross, opens the large window. @param {boolean} shift */
  enter(shift) {
    const { editor, session } = this;
    if (!editor.cursor) {
      this.options.enlarge?.();
      return Boolean(this.options.enlarge);
    }
    editor.edits();
    if (!session.state.pending && (shift || session.tool === "pin")) {
      editor.pin(editor.cursor);
      editor.cursor = null;
      return true;
    }
    session.dispatch({ type: "place", at: editor.cursor });
    if (session.state.pending) editor.say("Handle set. Move the cross to the target and press Enter.");
    else {
      editor.cursor = null;
      editor.sayPlaced();
    }
    return true;
  }

  /** Moves what is selected; on the empty stage, the cross. @param {[number, number]} step @param {number} by */
  nudge([dx, dy], by) {
    const { editor, session } = this;
    const { selection, pending } = session.state;
    if (editor.closed()) return true;
    if (document.activeElement === editor.stage && (editor.cursor || !selection.length)) {
      const { width, height } = editor.size();
      const [x, y] = editor.cursor ?? pending ?? [Math.round(width / 2), Math.round(height / 2)];
      editor.cursor = [Math.min(Math.max(x + dx * by, 0), width - 1), Math.min(Math.max(y + dy * by, 0), height - 1)];
      editor.pointer.hover = toScreen(editor.currentView(), editor.cursor);
      editor.say(`x ${Math.round(editor.cursor[0])}, y ${Math.round(editor.cursor[1])}; Enter sets the ${pending ? "target" : "handle"}`);
    } else {
      session.dispatch({ type: "nudge", dx: dx * by, dy: dy * by, gesture: `nudge ${presses}` });
      if (selection.length) editor.sayEnd(selection[0], 0);
    }
    return true;
  }

  /** @param {ClipboardEvent} event */
  copy(event) {
    const { state } = this.session;
    const ids = new Set(selectedIds(state));
    if (typed(event.target) || this.reads()) return event.stopPropagation();
    if (!ids.size || !event.clipboardData) return;
    const pairs = state.doc.pairs.filter((p) => ids.has(p.id));
    event.clipboardData.setData("text/plain", dump({ ...empty(), ...sizeOf(state.doc), pairs }));
    event.preventDefault();
    event.stopPropagation();
    this.editor.say(`${pairs.length} copied`);
  }

  /** A text of the editor is selected, such as an error. */
  reads() {
    const selection = document.getSelection();
    return Boolean(selection && !selection.isCollapsed && this.editor.root.contains(selection.anchorNode));
  }

  /** @param {ClipboardEvent} event */
  paste(event) {
    event.stopPropagation();
    if (typed(event.target)) return;
    event.preventDefault();
    const { editor, session } = this;
    const file = fileIn(event.clipboardData);
    if (file && this.options.take) return void takeIn(editor, this.options.take, file);
    if (editor.closed()) return;
    try {
      const value = parse(event.clipboardData?.getData("text/plain") ?? "");
      session.paste(value);
      if (session.state.refused) return;
      const { length } = value.pairs;
      const region = value.shapes.length ? session.regionWords() : "";
      editor.say(length ? [`${length} pasted`, region].filter(Boolean).join("; ") : region ? `Pasted; ${region}.` : "There are no points in what was copied.");
    } catch (error) {
      editor.say(`Not pasted: ${error instanceof Error ? error.message : error}`);
    }
  }
}

/** ComfyUI's own undo listens before everybody else and reads the event a frame later; to it, this was no Ctrl. @param {KeyboardEvent} event */
function keepFromUndo(event) {
  Object.defineProperties(event, { ctrlKey: { value: false }, metaKey: { value: false } });
}
