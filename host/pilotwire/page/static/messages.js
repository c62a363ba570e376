// The log of messages between chargers and central system: direction, action, latency, pretty JSON on a click.

import { h, select } from "./dom.js";
import { pretty } from "./json.js";
import { Rows } from "./rows.js";

const MOST = 1000;
const NAMES = { 2: "call", 3: "result", 4: "error" };

function message(line) {
  try {
    return JSON.parse(line.text);
  } catch {
    return null;
  }
}

// A few words of the payload.
function gist(line, parsed) {
  if (!parsed) return line.text.slice(0, 120);
  const payload = line.type === 2 ? parsed[3] : line.type === 3 ? parsed[2] : parsed.slice(2, 4);
  const text = JSON.stringify(payload);
  return text === "{}" ? "" : text.replaceAll('"', "").replace(/^\{(.*)\}$/, "$1").replaceAll(",", ", ").slice(0, 160);
}

function row(line) {
  const parsed = message(line);
  const latency = line.latency_ms === null ? "" : line.latency_ms < 1000 ? `${line.latency_ms.toFixed(line.latency_ms < 10 ? 1 : 0)} ms` : `${(line.latency_ms / 1000).toFixed(1)} s`;
  const opened = h("div", { class: "opened", hidden: true });
  const head = h("button", { type: "button", class: "head", "aria-expanded": "false", onclick: () => {
    opened.hidden = !opened.hidden;
    head.setAttribute("aria-expanded", String(!opened.hidden));
    if (!opened.hidden && !opened.childElementCount) {
      if (line.error) opened.append(h("p", { class: "bad" }, line.error));
      opened.append(parsed ? pretty(parsed) : h("pre", { class: "json" }, line.text));
      if (line.more) opened.append(h("p", { class: "hint" }, `${line.more} more characters are not shown`));
    }
  } },
  h("time", {}, new Date(line.time * 1000).toISOString().slice(11, 22)),
  h("span", { class: "from", title: line.direction === "in" ? "from the charger" : "to the charger" }, line.direction === "in" ? "→" : "←"),
  h("span", { class: "charger" }, line.charger),
  h("b", {}, line.action || (line.type ? "" : "no message")), h("span", { class: "kind" }, NAMES[line.type] ?? ""),
  h("span", { class: "gist" }, gist(line, parsed)), h("span", { class: "latency" }, latency));
  return h("div", { class: `message ${line.direction} ${NAMES[line.type] ?? "garbage"}${line.error ? " wrong" : ""}`, role: "listitem" }, head, opened);
}

export function messages() {
  const kept = [];
  const rows = new Rows("messages", 400, row);
  const search = h("input", { type: "search", placeholder: "Filter", "aria-label": "filter messages", oninput: () => refill() });
  const which = select([["", "All"], ["2", "Calls"], ["wrong", "Wrong ones"]], "", { "aria-label": "which messages", onchange: () => refill() });
  const who = select([["", "All chargers"]], "", { "aria-label": "whose messages", onchange: () => refill() });
  let paused = false;
  const pause = h("button", { type: "button", class: "quiet", "aria-pressed": "false", onclick: () => {
    paused = !paused;
    pause.setAttribute("aria-pressed", String(paused));
    pause.textContent = paused ? "Go on" : "Pause";
    if (!paused) refill();
  } }, "Pause");
  const clear = h("button", { type: "button", class: "quiet", onclick: () => {
    kept.length = 0;
    refill();
  } }, "Clear");
  const wanted = (line) => (!who.value || line.charger === who.value)
    && (!which.value || (which.value === "wrong" ? Boolean(line.error) || line.type === 4 : line.type === Number(which.value)))
    && (!search.value || `${line.charger} ${line.action} ${line.text} ${line.error}`.toLowerCase().includes(search.value.toLowerCase()));
  const refill = () => rows.fill(kept.filter(wanted));
  const element = h("article", { class: "card log messages" }, h("h3", {}, "Messages", h("span", { class: "end row" }, search, which, who, pause, clear)), rows.element);
  const seen = new Set();
  return { element, update: (lines, fresh) => {
    if (fresh) kept.length = 0;
    kept.push(...lines);
    if (kept.length > MOST) kept.splice(0, kept.length - MOST);
    for (const { charger } of lines) {
      if (seen.has(charger)) continue;
      seen.add(charger);
      who.append(h("option", { value: charger }, charger));
    }
    if (paused) return;
    if (fresh) refill();
    else rows.add(lines.filter(wanted));
  } };
}
