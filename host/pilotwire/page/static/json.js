// Pretty JSON with colours, as nodes: nothing that came over the wire is ever read as HTML.

import { h } from "./dom.js";

const TOKEN = /("(?:\\.|[^"\\])*")(\s*:)?|\b(true|false|null)\b|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;

export function pretty(value) {
  const text = JSON.stringify(value, null, 2);
  const nodes = [];
  let at = 0;
  for (const match of text.matchAll(TOKEN)) {
    nodes.push(text.slice(at, match.index));
    const kind = match[2] ? "name" : match[1] ? "text" : match[3] ? "word" : "number";
    nodes.push(h("span", { class: `json-${kind}` }, match[1] ?? match[0]));
    if (match[2]) nodes.push(match[2]);
    at = match.index + match[0].length;
  }
  return h("pre", { class: "json" }, nodes, text.slice(at));
}
