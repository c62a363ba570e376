// The right half: the chargers that came, what can be sent to them and how they are answered, and the messages.

import { answersTab, configurationTab, sendTab } from "./calls.js";
import { pill, showStatus } from "./box.js";
import { attribute, h, number, put } from "./dom.js";
import { tree } from "./live.js";
import { diagnosticsTab, firmwareTab } from "./files.js";
import { messages } from "./messages.js";
import { scheduleTab } from "./schedule.js";
import { choose, onSelect, selected } from "./selection.js";

function chargerRow(identity) {
  const name = h("button", { type: "button", class: "link", onclick: () => choose(identity) }, identity);
  const link = h("i", { class: "dot" }), model = h("td", { class: "hint" }), statuses = h("td", {}), tx = h("td", {}), wrong = h("td", { class: "right" });
  const element = h("tr", {}, h("td", {}, link, name), model, statuses, tx, wrong);
  let shown = "";
  return { element, update: (charger) => {
    attribute(link, "data-on", charger.connected ? "true" : "false");
    attribute(link, "title", charger.connected ? "connected" : "not connected");
    put(model, [charger.model, charger.firmware].filter(Boolean).join(" ") || null);
    const key = JSON.stringify(charger.statuses);
    if (key !== shown) {
      shown = key;
      statuses.replaceChildren(...Object.entries(charger.statuses).filter(([k]) => k !== "0").map(([, status]) => {
        const element = pill();
        showStatus(element, status);
        return element;
      }));
    }
    const running = Object.entries(charger.transactions).filter(([, t]) => t.running).map(([id, t]) => `${id} · ${t.tag}`);
    put(tx, running.join(", ") || `${charger.count} so far`);
    put(wrong, charger.schema_errors + charger.violations ? `${charger.schema_errors + charger.violations} wrong` : "");
    attribute(wrong, "class", "right bad");
    attribute(element, "aria-selected", identity === selected() ? "true" : "false");
  } };
}

function transactionsTab() {
  const body = h("tbody"), none = h("p", { class: "hint" }, "None yet.");
  let shown = "";
  return { name: "Transactions", element: h("div", {}, none, h("div", { class: "scroll" }, h("table", { class: "wide" }, h("thead", {}, h("tr", {}, ["Id", "Connector", "Tag", "Began", "Energy", "End"].map((t) => h("th", {}, t)))), body))), update: () => {
    const own = tree.chargers[selected()]?.transactions ?? {};
    const key = JSON.stringify(own);
    if (key === shown) return;
    shown = key;
    none.hidden = Object.keys(own).length > 0;
    body.replaceChildren(...Object.entries(own).reverse().map(([id, t]) => h("tr", {}, [id, t.connector, t.tag, t.start_time.slice(0, 19).replace("T", " "), t.energy_wh === null ? "" : `${number(t.energy_wh / 1000, 2)} kWh`, t.running ? "running" : t.reason].map((v) => h("td", {}, String(v ?? ""))))));
  } };
}

export function right(place, forms) {
  const rows = new Map();
  const body = h("tbody");
  const url = h("code", {});
  const none = h("p", { class: "hint" }, "No charger has come yet. Point one at ", url, " followed by its identity.");
  const tabs = [sendTab(forms.actions), scheduleTab(), configurationTab(), transactionsTab(), answersTab(forms.answers)];
  if (forms.depot) tabs.splice(3, 0, firmwareTab(), diagnosticsTab());
  const panels = h("div", { class: "panel" }, tabs.map((tab) => tab.element));
  const bar = h("div", { class: "tabs", role: "tablist" });
  const open = (chosen) => {
    tabs.forEach((tab, k) => {
      tab.element.hidden = tab !== chosen;
      attribute(bar.children[k], "aria-selected", tab === chosen ? "true" : "false");
      attribute(bar.children[k], "tabindex", tab === chosen ? "0" : "-1");
    });
    chosen.update?.();
    chosen.shown?.();
  };
  bar.append(...tabs.map((tab) => h("button", { type: "button", role: "tab", onclick: () => open(tab), onkeydown: (event) => {
    const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!by) return;
    const next = (tabs.indexOf(tab) + by + tabs.length) % tabs.length;
    open(tabs[next]);
    bar.children[next].focus();
  } }, tab.name)));
  tabs.forEach((tab) => tab.element.setAttribute("role", "tabpanel"));
  const log = messages();
  const count = h("span", { class: "note end" });
  const list = h("div", { class: "scroll few" }, h("table", { class: "chargers" }, body));
  const target = h("span", { class: "note" });
  place.append(
    h("article", { class: "card" }, h("h2", {}, "Central system", h("span", { class: "note" }, url.cloneNode(true)), count), none, list),
    h("article", { class: "card" }, h("h3", {}, "Talk to", target), bar, panels), log.element);
  const shownUrl = place.querySelector("h2 code");
  open(tabs[0]);
  const refresh = () => {
    for (const [identity, row] of rows) row.update(tree.chargers[identity]);
    for (const tab of tabs) if (!tab.element.hidden) tab.update?.();
    put(target, selected() ?? "nobody");
  };
  onSelect(() => {
    refresh();
    const row = rows.get(selected())?.element;
    if (row) list.scrollTop = row.offsetTop - list.clientHeight / 2;  // not scrollIntoView, which moves the page as well
    for (const tab of tabs) if (!tab.element.hidden) tab.shown?.();
  });

  return { update: ({ tree: patch, messages: lines, samples }) => {
    for (const identity of Object.keys(patch?.chargers ?? {})) {
      if (!tree.chargers[identity]) continue;
      if (!rows.has(identity)) {
        const row = chargerRow(identity);
        rows.set(identity, row);
        body.append(row.element);
        if (!selected()) choose(identity);
      }
      rows.get(identity).update(tree.chargers[identity]);
    }
    if (patch?.chargers || patch?.central) {
      none.hidden = rows.size > 0;
      put(url, tree.central?.url);
      put(shownUrl, tree.central?.url);
      const all = Object.values(tree.chargers), here = all.filter((charger) => charger.connected).length;
      put(count, all.length > 1 ? `${here} of ${all.length} connected` : "");
      for (const tab of tabs) if (!tab.element.hidden) tab.update?.();
      put(target, selected() ?? "nobody");
    }
    if (lines || samples) log.update(lines ?? [], Boolean(samples));
  } };
}
