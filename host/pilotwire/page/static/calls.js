// Calls of the central system: a form for every action by its schema, the configuration as a table, how answers are given.

import { attribute, field, h, put, select } from "./dom.js";
import { act } from "./controls.js";
import { form, isoNow } from "./forms.js";
import { pretty } from "./json.js";
import { order, tree } from "./live.js";
import { selected } from "./selection.js";

// The last transaction that runs, of the chosen charger.
function running() {
  const own = Object.entries(tree.chargers[selected()]?.transactions ?? {}).filter(([, t]) => t.running);
  return own.length ? Number(own.at(-1)[0]) : undefined;
}

function expand(text) {
  if (text.startsWith("$now")) return isoNow(Number(text.slice(5) || 0));
  if (text === "$transaction") return running();
  if (text.startsWith("$relay")) return (tree.central?.depot?.url ?? "http://127.0.0.1:8080") + text.slice(6);
  return text;
}

// Sends a call and shows what came back in `place`.
export const call = (action, payload, place) => ask("call", { action, payload }, place);

// The same for any word of the central system.
export async function ask(word, fields, place) {
  const began = performance.now();
  place.replaceChildren(h("p", { class: "hint" }, "waiting for the answer"));
  try {
    const answer = await order(selected(), word, fields);
    place.replaceChildren(h("p", { class: "hint" }, `answered after ${Math.round(performance.now() - began)} ms`), pretty(answer));
    return answer;
  } catch (error) {
    place.replaceChildren(h("p", { class: "bad" }, error.message));
    return null;
  }
}

export function sendTab(actions) {
  const place = h("div", {}), answer = h("div", { class: "answer", "aria-live": "polite" });
  let current = null;
  const show = () => place.replaceChildren((current = form(actions[names.value].schema, actions[names.value].value, expand)).element);
  const names = select(Object.keys(actions), "RemoteStartTransaction", { "aria-label": "action", onchange: show });
  show();
  const raw = h("input", { class: "mono", "aria-label": "raw text to send", placeholder: '[2,"1","Nonsense",{}]', size: "30" });
  return {
    name: "Send", shown: show,
    element: h("div", { class: "stack" },
      h("form", { class: "stack", onsubmit: (event) => {
        event.preventDefault();
        call(names.value, current.read(), answer);
      } }, h("div", { class: "row" }, field("Action", names), h("button", { class: "primary", "data-do": "call" }, "Send"), h("button", { type: "button", class: "quiet", onclick: show }, "Reset form")), place),
      answer,
      h("details", {}, h("summary", {}, "Mischief on the wire"), h("div", { class: "row" }, raw,
        h("button", { type: "button", onclick: () => act(selected(), "send", { text: raw.value }) }, "Send as it is"),
        h("button", { type: "button", onclick: () => act(selected(), "drop") }, "Cut the connection")))),
  };
}

export function configurationTab() {
  const body = h("tbody"), note = h("p", { class: "hint" }, "Values are asked for by GetConfiguration; one that you change is sent by ChangeConfiguration.");
  const filter = h("input", { type: "search", placeholder: "Filter", "aria-label": "filter keys", oninput: () => narrow() });
  const narrow = () => {
    for (const line of body.children) line.hidden = !line.dataset.key.toLowerCase().includes(filter.value.toLowerCase());
  };
  const load = async () => {
    put(note, "asking");
    try {
      const answer = await order(selected(), "call", { action: "GetConfiguration", payload: {} });
      body.replaceChildren(...(answer.configurationKey ?? []).map(line));
      put(note, `${body.childElementCount} keys of ${selected()}`);
      narrow();
    } catch (error) {
      put(note, error.message);
    }
  };
  const line = (entry) => {
    const state = h("span", { class: "hint" }, entry.readonly ? "read only" : "");
    const input = h("input", { value: entry.value ?? "", readonly: entry.readonly, "aria-label": entry.key, class: "mono", onchange: async () => {
      const answer = await act(selected(), "change_configuration", { key: entry.key, value: input.value });
      put(state, answer?.status ?? "not sent");
      attribute(state, "class", answer?.status === "Accepted" || answer?.status === "RebootRequired" ? "good" : "bad");
    } });
    return h("tr", { "data-key": entry.key }, h("td", {}, entry.key), h("td", {}, input), h("td", {}, state));
  };
  return { name: "Configuration", element: h("div", { class: "stack" },
    h("div", { class: "row" }, h("button", { type: "button", class: "primary", onclick: load }, "Ask the charger"), filter), note,
    h("div", { class: "scroll" }, h("table", { class: "wide" }, body))) };
}

const HOW = { normal: "as usual", refuse: "refuse", error: "CALLERROR", silent: "no answer", invalid: "against the schema", broken: "no JSON" };

export function answersTab(answers) {
  const lines = {};
  const body = answers.actions.map((action) => {
    const how = select(Object.entries(HOW), "normal", { "aria-label": `how ${action} is answered` });
    const delay = h("input", { type: "number", min: "0", max: "3600", step: "0.1", value: "0", "aria-label": `delay of ${action} in seconds` });
    const send = () => act(selected() ?? "", "answer", { action, how: how.value, delay_s: Number(delay.value) });
    how.onchange = delay.onchange = send;
    lines[action] = { how, delay };
    return h("tr", {}, h("td", {}, action), h("td", {}, how), h("td", {}, h("span", { class: "with-unit" }, delay, "s")));
  });
  return {
    name: "Answers",
    element: h("div", { class: "stack" }, h("p", { class: "hint" }, "How the central system answers from now on, and after how many real seconds."), h("div", { class: "scroll" }, h("table", { class: "wide" }, h("tbody", {}, body)))),
    update: () => {
      for (const [action, { how, delay }] of Object.entries(lines)) {
        const rule = tree.central?.rules?.[action] ?? { how: "normal", delay_s: 0 };
        if (document.activeElement !== how) how.value = rule.how;
        if (document.activeElement !== delay) delay.value = String(rule.delay_s);
      }
    },
  };
}

