// @ts-check
/** The sentence on the picture: what is amiss, else what can be done next. */

import { isAnchor } from "./region.mjs";
import { asShown, outside, room } from "./state.mjs";
import { MAX_PAIRS } from "./value.mjs";

const COARSE = {
  held: "A coarse edit. The full one comes once the arrow is let go.",
  comes: "A coarse edit. The full one is being computed.",
  first: "A coarse edit. Move an arrow: the full edit follows once it is let go.",
};

/** @param {import("./session.mjs").Session} session @param {import("./stage.mjs").StagePainter} painter @returns {string} empty if there is nothing to say */
export function hintWords(session, painter) {
  const { doc, movedFrom, picture } = session.state;
  const { pairs } = doc;
  const out = outside(asShown(session.state));
  const { stuck, cutOff } = painter;
  const suggested = !session.hasArrows() && session.suggestion.length > 0;
  if (!session.placeable()) return session.driven && session.stopped ? `The last run stopped here: ${session.stopped}.` : "";
  if (session.awaited) return session.awaited;
  if (session.coarse && session.shows() === "preview") return session.held ? COARSE.held : session.fullComes ? COARSE.comes : COARSE.first;
  if (session.stopped) return `The last run stopped here: ${session.stopped}.`;
  if (movedFrom && picture && pairs.length)
    return `Moved along from ${movedFrom.width}x${movedFrom.height} to this picture of ${picture.width}x${picture.height}. Ctrl+Z keeps the old pixels.`;
  if (room(doc) < 0) return `${MAX_PAIRS - room(doc)} pairs are on; at most ${MAX_PAIRS} can be dragged at once.`;
  if (painter.refused()) return `Not drawn: ${painter.refused()}.`;
  if (out.length) return `Outside this picture: pair ${out.join(", ")}. Move or remove it.`;
  if (stuck.length) return `Protected, so it cannot move: what lies under the handle of pair ${stuck.join(", ")}. Paint there with the brush (b).`;
  if (cutOff.length) return `Nothing may change at the target of pair ${cutOff.join(", ")}: what is dragged there is cut off. Paint there with the brush (b).`;
  if (session.state.pending) return "Click the target. Escape takes the handle back.";
  if (["brush", "lasso", "rectangle"].includes(session.tool) && !session.maskExplained && doc.region !== "own")
    return doc.region === "auto" && !session.joined() && session.dragged().length
      ? "What you paint is added to the region around the arrows; Empty begins with nothing."
      : "Paint what may change: editable here, protected everywhere else.";
  if (session.tool === "pin") return "Click on what must stay.";
  if (session.after && session.continues) return "The sampler goes on from its last run: draw on the result.";
  if (suggested && pairs.some((p) => p.off && !isAnchor(p))) return "Your arrows are switched off, so the suggestion is dragged.";
  if (suggested && (!session.after || session.shows() === "picture") && !session.drawing) return "The dashed arrows are a suggestion. Drag one arrow of your own to replace them.";
  if (["arrow", "hand"].includes(session.tool) && !session.hasArrows() && !pairs.some((p) => p.off)) return "Press on what you want to move, and release where it shall go.";
  return "";
}
