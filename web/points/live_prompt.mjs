// @ts-check
/**
 * The prompt of a coarse edit: what the graph would run for these arrows, with few steps, from the noise moved along the arrows.
 *
 * The rest of the prompt stays in it though nothing of it runs, so that ComfyUI keeps what it has cached of it.
 * @typedef {{class_type: string, inputs: Record<string, any>, _meta?: {title: string}}} PromptNode as ComfyUI's API takes it
 * @typedef {Record<string, PromptNode>} Prompt by id
 */

/** What a coarse edit is asked for. */
export const COARSE = {
  inversion: { preset: "custom", steps: 4, strength: 0.75 },
  sampler: {
    preset: "custom",
    operations: 2,
    operations_per_step: 2,
    gradient_steps: 1,
    learning_rate: 0.15,
    drag_size: 12,
    background: "lock",
    start: "picture",
    window: true,
    exact_source: true,
    warp_start: true,
    warp_from: 0,
  },
};
const PREFIX = "gooddrag-live-";

/**
 * @param {Prompt} prompt of the graph @param {string} points the id of GoodDrag Points in it @param {string} value of its editor
 * @returns {{prompt: Prompt, target: string}} the node that has the coarse picture
 * @throws {Error} what the graph lacks, for people
 */
export function livePrompt(prompt, points, value) {
  const [sampling, sampler] = found(prompt, "GoodDrag_Sampler", "points", points) ?? [];
  if (!sampling || !sampler) throw new Error("it needs a GoodDrag Sampler that takes its points from here");
  const inversion = prompt[sampler.inputs.inversion?.[0]];
  if (inversion?.class_type !== "GoodDrag_Invert") throw new Error("the sampler needs its inversion from GoodDrag DDIM Inversion");
  const model = untuned(prompt, inversion.inputs.model);
  const [here, inverted, sampled, decoded, shown] = ["points", "inversion", "sampler", "decode", "picture"].map((name) => PREFIX + name);
  const { state: _, ...rest } = sampler.inputs;
  for (const [name, given] of Object.entries(rest)) if (Array.isArray(given) && given[0] === points) rest[name] = [here, given[1]];
  const own = {
    [here]: node("GoodDrag_Points", { ...prompt[points].inputs, points: value }),
    [inverted]: node("GoodDrag_Invert", { ...inversion.inputs, ...COARSE.inversion, model }),
    [sampled]: node("GoodDrag_Sampler", { ...rest, ...COARSE.sampler, model: untuned(prompt, sampler.inputs.model), inversion: [inverted, 0] }),
    [decoded]: node("GoodDrag_Decode", { latent: [sampled, 0], vae: inversion.inputs.vae, feather: 0 }),
    [shown]: node("PreviewImage", { images: [decoded, 0] }),
  };
  return { prompt: { ...prompt, ...own }, target: shown };
}

/**
 * The prompt of the full edit, with a node that asks for it and for nothing else, so that no file is saved; without a GoodDrag Decode
 * all that the graph asks for.
 * @param {Prompt} prompt of the graph @param {string} points the id of GoodDrag Points in it @returns {{prompt: Prompt, target?: string}}
 */
export function fullPrompt(prompt, points) {
  const [sampling] = found(prompt, "GoodDrag_Sampler", "points", points) ?? [];
  const [decoding] = (sampling && found(prompt, "GoodDrag_Decode", "latent", sampling)) ?? [];
  if (!decoding) return { prompt };
  const target = `${PREFIX}result`;
  return { prompt: { ...prompt, [target]: node("PreviewImage", { images: [decoding, 0] }) }, target };
}

/** @param {string} class_type @param {Record<string, any>} inputs @returns {PromptNode} */
const node = (class_type, inputs) => ({ class_type, inputs, _meta: { title: "GoodDrag, live" } });

/** A node of a kind whose input the node `id` feeds. @param {Prompt} prompt @param {string} kind @param {string} input @param {string} id */
function found(prompt, kind, input, id) {
  return Object.entries(prompt).find(([, { class_type, inputs }]) => class_type === kind && Array.isArray(inputs[input]) && inputs[input][0] === id);
}

/** The model before it is tuned on the picture, which takes too long for a coarse edit. @param {Prompt} prompt @param {any} link */
function untuned(prompt, link) {
  const seen = new Set();
  while (Array.isArray(link) && prompt[link[0]]?.class_type === "GoodDrag_LoRATune" && !seen.has(link[0])) {
    seen.add(link[0]);
    link = prompt[link[0]].inputs.model;
  }
  return link;
}
