// @ts-check
/**
 * What the stage says of its picture and the connected mask, with what can be done about it: there is none, it is out of date, or the
 * arrows were made for another picture.
 * @typedef {import("./session.mjs").Session} Session
 */

import { button, el, plain } from "./dom.mjs";
import { asShown, misfit, outside } from "./state.mjs";

/** What is said, for people. @param {Session} session @returns {{picture: string, mask: string, arrows: string}} */
export function words(session) {
  const { standing, state } = session;
  const { doc, picture } = state;
  let said = "";
  if (standing.fetching) said = "Getting the picture ..";
  else if (standing.state === "unconnected") said = "No picture yet: connect one to `image`, or drop or paste one here.";
  else if (standing.state === "loading" && !session.picture) said = "Loading the picture ..";
  else if (standing.state === "unknown") said = standing.why ?? "This picture is not known yet.";
  else if (standing.state === "outdated") said = `Out of date: ${standing.why} since this picture arrived.`;
  let arrows = session.driven ? "`json` is connected: arrows and region come from there, and what is drawn here is not used." : "";
  // of a picture that the next run does not use there is nothing to decide
  if (!arrows && misfit(state) && picture && standing.state !== "outdated") {
    const out = outside(asShown(state));
    arrows = `Drawn on a picture of ${doc.width}x${doc.height}; this one is ${picture.width}x${picture.height}.`;
    if (out.length) arrows += ` Outside this one: pair ${out.join(", ")}.`;
  }
  return { picture: said, mask: maskWords(session), arrows };
}

/** @param {Session} session */
function maskWords(session) {
  const { state, why } = session.maskStanding;
  // without a picture there is nothing to be shaded, and what brings the one brings the other
  if (!session.picture || session.standing.fetching || !session.listens()) return "";
  if (state === "unknown") return why ?? "The connected mask is not known yet.";
  return state === "outdated" ? `The connected mask is out of date: ${why} since it arrived.` : "";
}

export class StageNotice {
  /** @param {Session} session @param {() => void} leave gives the focus back to the stage: a button that was pressed may vanish */
  constructor(session, leave) {
    this.session = session;
    this.words = el("span");
    this.get = button("Get the picture: run what feeds this node, and no more", null, () => { leave(); session.getPicture?.(); }, { text: "Get the picture" });
    this.picture = el("div", { class: "gd-notice-row" }, [this.words, this.get]);
    this.maskWords = el("span");
    this.getMask = button("Get the mask: run what feeds this node, and no more", null, () => { leave(); session.getPicture?.(); }, { text: "Get the mask" });
    this.mask = el("div", { class: "gd-notice-row" }, [this.maskWords, this.getMask]);
    this.arrowWords = el("span");
    this.choices = [
      button("Stretch arrows and mask from the old picture to this one", null, () => { leave(); session.dispatch({ type: "fit" }); }, { text: "Fit to picture" }),
      button("Leave arrows and mask at the same pixels", null, () => { leave(); session.dispatch({ type: "keep" }); }, { text: "Keep the pixels" }),
    ];
    this.arrows = el("div", { class: "gd-notice-row" }, [this.arrowWords, ...this.choices]);
    this.root = el("div", { class: "gd-notice", role: "status" }, [this.picture, this.mask, this.arrows]);
    // what is pressed here is no arrow
    for (const name of ["pointerdown", "keydown"]) this.root.addEventListener(name, (e) => { if (e.target instanceof HTMLButtonElement) e.stopPropagation(); });
  }

  update() {
    const { session } = this;
    const { standing } = session;
    const said = words(session);
    this.words.textContent = plain(said.picture);
    this.maskWords.textContent = plain(said.mask);
    this.arrowWords.textContent = plain(said.arrows);
    this.picture.hidden = !said.picture;
    this.mask.hidden = !said.mask;
    this.arrows.hidden = !said.arrows;
    for (const choice of this.choices) choice.hidden = session.driven;
    this.get.hidden = !session.getPicture || !["unknown", "outdated"].includes(standing.state);
    this.get.disabled = Boolean(standing.fetching);
    // one click brings both
    this.getMask.hidden = !session.getPicture || !this.get.hidden;
    this.root.hidden = !said.picture && !said.mask && !said.arrows;
    this.root.dataset.standing = standing.state;
    this.root.dataset.mask = session.maskStanding.state;
    this.root.classList.toggle("gd-empty", !session.picture);
  }
}
