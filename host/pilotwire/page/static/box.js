// One wallbox in full: its connectors with drawing, figures, charts and controls; the box itself; what happened.

import { Charts } from "./chart.js";
import { BoxControls, ConnectorControls } from "./controls.js";
import { Scheme, Waveform } from "./drawing.js";
import { attribute, duration, h, number, put } from "./dom.js";

const amps = (ma, digits = 1) => (ma === null || ma === undefined ? "–" : (ma / 1000).toFixed(digits));

// A figure with its name below; `put` its text later.
function figure(name, unit = "") {
  const value = h("b", {}, "–");
  return { value, element: h("div", { class: "figure" }, h("span", { class: "value" }, value, unit && h("small", {}, unit)), h("span", { class: "name" }, name)) };
}

export const pill = () => h("span", { class: "pill" }, "–");

export function showStatus(element, status) {
  put(element, status ?? "unknown");
  attribute(element, "data-status", status ?? "unknown");
}

class Connector {
  constructor(box, k) {
    this.scheme = new Scheme();
    this.wave = new Waveform();
    this.charts = new Charts(box, k);
    this.controls = new ConnectorControls(box, Number(k));
    this.status = pill();
    this.note = h("span", { class: "note" });
    this.power = figure("power", "kW");
    this.energy = figure("meter", "kWh");
    this.session = figure("this session", "kWh");
    this.offered = figure("offered", "A");
    this.temperature = figure("inside", "°C");
    this.volts = h("b", { class: "volts" });
    this.duty = h("span", { class: "hint" });
    this.phases = [1, 2, 3].map((n) => {
      const bar = h("i", {}), value = h("b", {});
      return { bar, value, element: h("div", { class: "phase" }, h("span", {}, `L${n}`), h("span", { class: "bar" }, bar), value) };
    });
    this.limits = h("tbody");
    this.element = h("article", { class: "card connector" },
      h("h3", {}, `Connector ${k}`, this.status, this.note),
      h("div", { class: "picture" }, this.scheme.element,
        h("div", { class: "figures" }, [this.power, this.session, this.offered, this.energy, this.temperature].map((f) => f.element))),
      h("div", { class: "columns" },
        h("div", {}, h("h4", {}, "Current"), this.phases.map((p) => p.element)),
        h("div", {}, h("h4", {}, "Pilot ", this.volts), this.wave.element, this.duty),
        h("div", {}, h("h4", {}, "Limits"), h("table", { class: "plain" }, this.limits))),
      this.charts.element, this.controls.element);
  }

  update(state, c) {
    showStatus(this.status, c.status);
    const tx = c.transaction;
    put(this.note, c.fault ? `fault: ${c.fault}` : tx ? `transaction ${tx.id ?? "(offline)"} · ${tx.tag}` : "");
    attribute(this.note, "class", c.fault ? "note bad" : "note");
    this.scheme.update(state, c);
    this.wave.update(c);
    this.controls.update(c);
    put(this.power.value, number(c.power_w / 1000, 2));
    put(this.energy.value, number(c.energy_wh / 1000, 2));
    put(this.session.value, tx ? number((c.energy_wh - tx.start_wh) / 1000, 2) : "–");
    put(this.offered.value, amps(c.offered_ma));
    put(this.temperature.value, number(c.temperature_c10 / 10, 1));
    put(this.volts, `${(c.pilot_mv_high / 1000).toFixed(1)} / ${(c.pilot_mv_low / 1000).toFixed(1)} V`);
    put(this.duty, `state ${c.state ?? "–"}, duty ${number(c.duty_permille / 10, 1)} %${c.pilot_cut ? ", line open" : ""}`);
    const top = Math.max(c.offered_ma, ...c.drawn_ma, 6000);
    this.phases.forEach(({ bar, value }, n) => {
      attribute(bar, "style", `--part:${((c.drawn_ma[n] / top) * 100).toFixed(1)}%`);
      put(value, `${amps(c.drawn_ma[n])} A`);
    });
    const least = Math.min(...c.limits.map((l) => l.ma));
    const key = JSON.stringify(c.limits);
    if (key !== this.shown) {
      this.shown = key;
      this.limits.replaceChildren(...c.limits.map((l) => h("tr", { class: l.ma === least ? "least" : "" }, h("td", {}, l.slot), h("td", { class: "right" }, `${amps(l.ma)} A`), h("td", { class: "hint" }, l.reason || ""))));
    }
  }

  destroy() {
    this.charts.destroy();
  }
}

const CAUSES = { 1: "power", 2: "reset", 3: "watchdog", 4: "deep sleep", 5: "soft reset" };

export class BoxView {
  constructor(identity, words) {
    this.identity = identity;
    this.connectors = {};
    this.controls = new BoxControls(identity, words);
    this.power = pill();
    this.link = pill();
    this.facts = Object.fromEntries(["Clock", "Uptime", "Started by", "Version", "Queue on flash", "Heap", "Flash erases", "Flash writes"].map((name) => [name, h("dd", {}, "–")]));
    this.holder = h("div", { class: "stack" });
    this.element = h("div", { class: "stack" },
      h("article", { class: "card box" },
        h("h2", {}, identity, this.power, this.link),
        h("dl", { class: "facts" }, Object.entries(this.facts).map(([name, dd]) => h("div", {}, h("dt", {}, name), dd))),
        this.controls.element),
      this.holder);
  }

  update(state) {
    const own = state.connectors;
    for (const k of Object.keys(own)) {
      if (!this.connectors[k]) this.holder.append((this.connectors[k] = new Connector(this.identity, k)).element);
      this.connectors[k].update(state, own[k]);
    }
    this.controls.update(state, own["1"]);
    put(this.power, state.power === "on" ? "power on" : `power ${state.power}`);
    attribute(this.power, "data-status", state.power === "on" ? "Available" : "Faulted");
    put(this.link, state.online ? `online, ${state.registered ?? "…"}` : state.network ? "offline" : "network cut");
    attribute(this.link, "data-status", state.online ? "Available" : "Unavailable");
    const f = this.facts;
    put(f.Clock, state.utc ? state.utc.slice(11, 19) : "unknown");
    put(f.Uptime, duration(state.uptime_ms));
    put(f["Started by"], CAUSES[state.reset_cause] ?? state.reset_cause);
    put(f.Version, state.version ? `${state.version} in slot ${state.slot}` : null);
    put(f["Queue on flash"], state.queue === undefined || state.queue === null ? null : `${state.queue} messages`);
    put(f.Heap, state.heap ? `${number(state.heap / 1024, 1)} KB` : null);
    put(f["Flash erases"], number(state.flash.erases));
    put(f["Flash writes"], number(state.flash.programs));
  }

  draw() {
    for (const connector of Object.values(this.connectors)) connector.charts.draw();
  }

  recolour() {
    for (const connector of Object.values(this.connectors)) connector.charts.make();
  }

  destroy() {
    for (const connector of Object.values(this.connectors)) connector.destroy();
  }
}
