// @ts-check
/**
 * What lies upstream of a node, followed as ComfyUI follows it when it makes a prompt: through reroutes and other virtual
 * nodes, out of a subgraph and into one, and past bypassed nodes.
 *
 * Only nodes and links are looked at, so all of it can be tried without a page.
 * @typedef {{node: any, path: any[]}} Place a node, and the subgraph nodes around it from the outside in
 * @typedef {{node: any, path: any[], slot: number}} Origin an output, and where its node is
 * @typedef {{class_type: string, inputs: Record<string, unknown>, title?: string}} Made a node as a prompt has it
 * @typedef {{link: unknown[] | null, nodes: Record<string, Made>, files?: Record<string, string>}} Upstream the part of a
 *   prompt that feeds an input; `nodes/upstream.py` sends the same with every picture of a run
 * @typedef {{kind: "file", loader: string, name: string, channel?: string} | {kind: "scene", scene: string, of: string}} Known
 */

const BYPASSED = 4;
const MUTED = 2;
/** The id that a link has for a node when it comes from the inputs of the subgraph around it. */
export const INPUTS = "-10";
const MAX_STEPS = 200;
/** What each loader's output of a kind is, which depends on nothing but a file. @type {Record<"image" | "mask", Record<string, number>>} */
const LOADERS = { image: { LoadImage: 0, LoadImageOutput: 0 }, mask: { LoadImage: 1, LoadImageOutput: 1, LoadImageMask: 0 } };
/** Its outputs are called as the inputs are. */
const SCENE = "GoodDrag_DemoModel";

/** As the server numbers a node: "12", or "3:12" inside of subgraph node 3. @param {Place} place */
export const executionId = ({ node, path }) => [...path, node].map((n) => n.id).join(":");

/** Every way into a graph: the subgraph nodes around it from the outside in. @param {any} root @param {any} graph @returns {any[][]} */
export function waysInto(root, graph) {
  if (graph === root) return [[]];
  /** @type {any[][]} */ const found = [];
  /** @param {any} inside @param {any[]} path */
  const look = (inside, path) => {
    for (const node of inside?._nodes ?? []) {
      if (!node.subgraph || path.length > 20) continue;
      if (node.subgraph === graph) found.push([...path, node]);
      look(node.subgraph, [...path, node]);
    }
  };
  look(root, []);
  return found;
}

/** The node with an execution id. @param {any} root @param {unknown} id @returns {Place | null} */
export function placeOf(root, id) {
  const parts = String(id ?? "").split(":");
  let graph = root;
  /** @type {any[]} */ const path = [];
  for (const part of parts.slice(0, -1)) {
    const around = byId(graph, part);
    if (!around?.subgraph) return null;
    path.push(around);
    graph = around.subgraph;
  }
  const node = byId(graph, parts.at(-1) ?? "");
  return node ? { node, path } : null;
}

/** @param {any} graph @param {string} id */
const byId = (graph, id) => graph?._nodes?.find((/** @type {any} */ n) => String(n.id) === id) ?? null;

/** The output that feeds an input, null if nothing does. @param {Place} place @param {string} name @returns {Origin | null} */
export function origin(place, name) {
  const index = inputIndex(place.node, name);
  return index < 0 ? null : behindInput(place, index, undefined, 0);
}

/** @param {any} node @param {string} name */
const inputIndex = (node, name) => node.inputs?.findIndex((/** @type {any} */ input) => input.name === name) ?? -1;

/** @param {any} node @param {number} index */
function linkAt(node, index) {
  const id = node.inputs?.[index]?.link ?? null;
  return id === null ? null : node.graph?.getLink?.(id) ?? null; // a node that is being made is in no graph yet
}

/** @param {Place} place @param {number} index @param {string | undefined} type @param {number} steps @returns {Origin | null} */
function behindInput({ node, path }, index, type, steps) {
  const link = linkAt(node, index);
  if (!link || steps > MAX_STEPS) return null;
  const wanted = type ?? node.inputs[index].type;
  if (String(link.origin_id) === INPUTS) {
    const around = path.at(-1);
    return around ? behindInput({ node: around, path: path.slice(0, -1) }, link.origin_slot, wanted, steps + 1) : null;
  }
  const from = node.graph.getNodeById(link.origin_id);
  return from ? behindOutput({ node: from, path }, link.origin_slot, wanted, steps + 1) : null;
}

/** @param {Place} place @param {number} slot @param {string} type @param {number} steps @returns {Origin | null} */
function behindOutput({ node, path }, slot, type, steps) {
  if (node.mode === MUTED || steps > MAX_STEPS) return null;
  if (node.mode === BYPASSED) {
    const index = passedThrough(node, slot, type);
    return index < 0 ? null : behindInput({ node, path }, index, type, steps + 1);
  }
  if (node.subgraph) {
    const inner = node.resolveSubgraphOutputLink?.(slot);
    return inner?.outputNode ? behindOutput({ node: inner.outputNode, path: [...path, node] }, inner.link.origin_slot, type, steps + 1) : null;
  }
  if (node.isVirtualNode) {
    const other = node.resolveVirtualOutput?.(slot);
    if (other?.node) return behindOutput({ node: other.node, path }, other.slot, type, steps + 1);
    return linkAt(node, slot) ? behindInput({ node, path }, slot, type, steps + 1) : null;
  }
  return { node, path, slot };
}

/** The input that a bypassed node hands on as an output, -1 if there is none. @param {any} node @param {number} slot @param {string} type */
function passedThrough(node, slot, type) {
  const { inputs = [], outputs = [] } = node;
  if (type === "*" || type === "") return inputs.length > slot ? slot : 0;
  const own = outputs[slot]?.type;
  /** @param {any} input */
  const fits = (input) => connects(input.type, own) && connects(input.type, type);
  if (inputs[slot] && fits(inputs[slot])) return slot;
  const exact = inputs.findIndex((/** @type {any} */ input) => input.type === type);
  return exact >= 0 ? exact : inputs.findIndex(fits);
}

/** @param {unknown} a @param {unknown} b */
function connects(a, b) {
  const [from, to] = [a, b].map((type) => String(type ?? "*").toLowerCase().split(","));
  return from.includes("*") || to.includes("*") || from.some((type) => to.includes(type));
}

/** The widget that says which value an input has in a prompt; null if a node makes the value. @param {Place} place @param {string} name @returns {any} */
export function deciding(place, name) {
  const { node, path } = place;
  const index = inputIndex(node, name);
  const link = index < 0 ? null : linkAt(node, index);
  if (!link) return widget(node, node.inputs?.[index]?.widget?.name ?? name);
  if (String(link.origin_id) === INPUTS) {
    // the subgraph shows the widget on its outside
    const around = path.at(-1);
    const shown = around?.inputs?.[link.origin_slot];
    return shown ? deciding({ node: around, path: path.slice(0, -1) }, shown.name) : null;
  }
  const from = node.graph.getNodeById(link.origin_id);
  return from?.type === "PrimitiveNode" ? from.widgets?.[0] ?? null : null;
}

/** The value that an input has in a prompt when it is a widget; undefined if nobody can tell. @param {Place} place @param {string} name @returns {unknown} */
export const valueOf = (place, name) => deciding(place, name)?.value;

/** @param {any} node @param {string} name */
const widget = (node, name) => node.widgets?.find((/** @type {any} */ w) => w.name === name) ?? null;

/**
 * The picture or the mask of an output if it is known before any run: of a file that is loaded, or of the demo scene.
 * @param {Origin | null} from @param {"image" | "mask"} [what] @returns {Known | null}
 */
export function known(from, what = "image") {
  if (!from) return null;
  const { node, slot } = from;
  if (Object.hasOwn(LOADERS[what], node.type) && LOADERS[what][node.type] === slot) {
    const name = valueOf(from, "image");
    const channel = node.type === "LoadImageMask" ? { channel: String(valueOf(from, "channel")) } : {};
    return typeof name === "string" && name ? { kind: "file", loader: node.type, name, ...channel } : null;
  }
  if (node.type === SCENE && node.outputs?.[slot]?.name === what) {
    const [scene, of] = [valueOf(from, "scene"), valueOf(from, "kind")];
    return scene !== undefined && of !== undefined ? { kind: "scene", scene: String(scene), of: String(of) } : null;
  }
  return null;
}

/** The part of the prompt that feeds an input, as it would be made now. @param {Place} place @param {string} name @returns {Upstream} */
export function upstream(place, name) {
  /** @type {Record<string, Made>} */ const nodes = {};
  /** @param {Place} around @param {string} input @returns {unknown[] | null} */
  const follow = (around, input) => {
    const from = origin(around, input);
    if (!from) return null;
    const id = executionId(from);
    if (!nodes[id]) {
      const { node } = from;
      /** @type {Record<string, unknown>} */ const inputs = {};
      nodes[id] = { class_type: node.comfyClass ?? node.type, inputs, title: node.title ?? node.type };
      for (const w of node.widgets ?? []) if (w.options?.serialize !== false && w.name) inputs[w.name] = valueOf(from, w.name);
      for (const { name: inner } of node.inputs ?? []) {
        const link = follow(from, inner);
        if (link) inputs[inner] = link;
      }
    }
    return [id, from.slot];
  };
  return { link: follow(place, name), nodes };
}

/**
 * What is not as it was: the title of a node that changed, "" if other nodes are there, null if nothing is.
 *
 * Nodes are compared by what they are and not by their number. A value that only one side names is no difference: the page
 * knows widgets that do not go into a prompt, and the server inputs that are no widgets.
 * @param {Upstream} was @param {Upstream} now @returns {string | null}
 */
export function difference(was, now) {
  const seen = new Set();
  /** @param {unknown} a @param {unknown} b @returns {string | null} */
  const differ = (a, b) => {
    if (!isLink(a, was) || !isLink(b, now) || a[1] !== b[1]) return "";
    const pair = `${a[0]} ${b[0]}`;
    if (seen.has(pair)) return null;
    seen.add(pair);
    const [x, y] = [was.nodes[a[0]], now.nodes[b[0]]];
    if (x.class_type !== y.class_type) return "";
    for (const name of new Set([...Object.keys(x.inputs), ...Object.keys(y.inputs)])) {
      const [v, w] = [x.inputs[name], y.inputs[name]];
      if (isLink(v, was) || isLink(w, now)) {
        const found = differ(v, w);
        if (found !== null) return found;
      } else if (v !== undefined && w !== undefined && plain(v) !== plain(w)) {
        return y.title ?? y.class_type;
      }
    }
    return null;
  };
  return differ(was.link, now.link);
}

/** @param {unknown} value @param {Upstream} among @returns {value is [string, number]} */
function isLink(value, among) {
  return Array.isArray(value) && value.length === 2 && typeof value[0] === "string" && Object.hasOwn(among.nodes, value[0]);
}

/** A value as it is compared; a prompt wraps lists, to tell them from links. @param {any} value */
function plain(value) {
  return JSON.stringify(value && typeof value === "object" && "__value__" in value ? value.__value__ : value);
}
