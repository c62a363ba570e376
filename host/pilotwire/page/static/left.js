// The left half: a tile per wallbox, the chosen one in full, and what happens there.

import { BoxView, pill, showStatus } from "./box.js";
import { sample, take } from "./chart.js";
import { attribute, h, number, put } from "./dom.js";
import { tree } from "./live.js";
import { Rows } from "./rows.js";
import { choose, onSelect, selected } from "./selection.js";

const clock = (ms) => {
  const s = Math.floor(ms / 1000);
  return `${Math.floor(s / 60)}:${String(s % 60).padStart(2, "0")}.${Math.floor((ms % 1000) / 100)}`;
};

function tile(identity) {
  const status = pill(), power = h("b", {});
  const element = h("button", { type: "button", class: "tile", title: identity, onclick: () => choose(identity) }, h("span", { class: "id" }, identity), status, power);
  return { element, update: (state) => {
    const own = Object.values(state.connectors);
    // The most telling of its connectors.
    const first = own.find((c) => c.power_w > 0) ?? own.find((c) => c.status !== "Available") ?? own[0];
    showStatus(status, state.power === "on" ? first.status : state.power);
    const watts = own.reduce((sum, c) => sum + c.power_w, 0);
    // Nothing that is usual, so that there is room for SuspendedEVSE.
    put(power, !state.online ? "offline" : watts > 0 ? `${number(watts / 1000, 1)} kW` : "");
    attribute(element, "aria-pressed", identity === selected() ? "true" : "false");
  } };
}

export function left(place, forms) {
  const tiles = new Map();
  const strip = h("div", { class: "tiles" });
  const holder = h("div", {});
  const chatter = h("input", { type: "checkbox" });
  const rows = new Rows("events", 500, (line) => h("div", { class: `line ${line.level}`, role: "listitem" },
    h("time", {}, clock(line.time_ms)), h("span", { class: "who" }, line.who), h("span", { class: "what" }, line.what)));
  const log = h("article", { class: "card log" }, h("h3", {}, "What happens", h("label", { class: "check end" }, chatter, "firmware's log")), rows.element);
  place.append(strip, holder, log);
  const kept = [];
  const wanted = (line) => line.box === selected() && (chatter.checked || line.who !== "firmware" || line.level === "error" || line.level === "warning");
  const refill = () => rows.fill(kept.filter(wanted));
  chatter.addEventListener("change", refill);
  let view = null;

  const show = () => {
    const state = tree.boxes[selected()];
    if (view && (!state || view.identity !== selected())) {
      view.destroy();
      view = null;
    }
    if (!state) return;
    if (!view) {
      view = new BoxView(selected(), forms.control);
      holder.replaceChildren(view.element);
    }
    view.update(state);
  };
  onSelect(() => {
    for (const [identity, made] of tiles) made.update(tree.boxes[identity]);
    show();
    view?.draw();
    refill();
  });

  return {
    recolour: () => view?.recolour(),
    update: ({ tree: patch, events, samples }) => {
      if (samples) {
        take(samples);
        kept.length = 0;
        view?.draw();
      }
      for (const identity of Object.keys(patch?.boxes ?? {})) {
        const state = tree.boxes[identity];
        if (!state) continue;
        if (!tiles.has(identity)) {
          const made = tile(identity);
          tiles.set(identity, made);
          strip.append(made.element);
          strip.hidden = tiles.size < 2;
        }
        tiles.get(identity).update(state);
        let drawn = false;
        for (const [k, connector] of Object.entries(state.connectors)) drawn = sample(identity, k, state, connector) || drawn;
        if (identity === selected()) {
          show();
          if (drawn) view.draw();
        }
      }
      if (events) {
        kept.push(...events);
        if (kept.length > 2000) kept.splice(0, kept.length - 2000);
        if (samples) refill();
        else rows.add(events.filter(wanted));
      }
    },
  };
}
