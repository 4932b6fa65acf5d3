// @ts-check
/** What the server answers when it is asked for a picture or about one. */

const LONGEST = 500;

/** The server will not give it however often it is asked. */
export class Refusal extends Error {}

/** @param {string} url */
export async function answer(url) {
  const response = await fetch(url);
  if (!response.ok) throw new (response.status < 500 ? Refusal : Error)(await reason(response));
  return response;
}

/** Why it does not give what was asked for; what stands between may answer with a page. @param {Response} response */
async function reason(response) {
  const told = response.headers.get("content-type")?.startsWith("text/plain") ? await response.text() : "";
  return told.slice(0, LONGEST) || `the server answers ${response.status}`;
}
