// Reads questions as JSON lines from standard input and answers as the page would; see test_agreement.py.
import readline from "node:readline";

import { rasterise } from "../../web/points/raster.mjs";
import { around } from "../../web/points/region.mjs";
import { rescaled, sameShape } from "../../web/points/sizes.mjs";
import { dump, parse } from "../../web/points/value.mjs";

for await (const line of readline.createInterface({ input: process.stdin, crlfDelay: Infinity })) {
  const question = JSON.parse(line);
  if ("text" in question) {
    try {
      const value = parse(question.text);
      console.log(JSON.stringify({ value, dumped: dump(value) }));
    } catch (error) {
      console.log(JSON.stringify({ error: error.message, kind: error.constructor.name }));
    }
  } else if ("resized" in question) {
    const value = parse(question.resized);
    const { from, to } = question;
    console.log(JSON.stringify({ same: sameShape(from, to), ...rescaled(value, from, to) }));
  } else if ("arrows" in question) {
    const { arrows, width, height } = question;
    console.log(JSON.stringify(around(arrows.map(([handle, target]) => ({ handle, target })), { width, height })));
  } else {
    const { shapes, width, height } = question;
    const mask = rasterise(shapes, width, height);
    console.log(Buffer.from(mask.buffer).toString("base64"));
  }
}
