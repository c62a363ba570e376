// Buttons and sliders for every word of the control socket: the common ones by hand, and all of them by the schema.

import { attribute, field, h, put, select, toast } from "./dom.js";
import { form } from "./forms.js";
import { order } from "./live.js";

// Carries an order out; what is refused is said at the bottom.
export async function act(box, word, fields = {}) {
  try {
    return await order(box, word, fields);
  } catch (error) {
    toast(error.message, true);
    return null;
  }
}

function slider(min, max, step, value, unit, done) {
  const shown = h("output", {}, `${value} ${unit}`);
  const input = h("input", { type: "range", min: String(min), max: String(max), step: String(step), value: String(value),
    oninput: () => put(shown, `${input.value} ${unit}`), onchange: () => done(Number(input.value)) });
  return h("span", { class: "slider" }, input, shown);
}

const button = (text, onclick, extra = {}) => h("button", { type: "button", onclick, ...extra }, text);
const group = (title, ...children) => h("div", { class: "group" }, h("h4", {}, title), h("div", { class: "row" }, children));

const KINDS = ["diode", "short", "open_pe", "weld", "no_close", "rcd", "rcd_test", "temperature", "over_current", "lock", "meter"];
const STATION_KINDS = ["emergency", "tamper", "reader"];

function faults(box, kinds, fields) {
  const chips = Object.fromEntries(kinds.map((kind) => [kind, button(kind.replaceAll("_", " "), (event) => {
    act(box, event.currentTarget.getAttribute("aria-pressed") === "true" ? "clear" : "fault", { ...fields, kind });
  }, { class: "chip", "aria-pressed": "false", "data-kind": kind })]));
  return { chips: Object.values(chips), update: (active) => {
    for (const [kind, chip] of Object.entries(chips)) attribute(chip, "aria-pressed", active.includes(kind) ? "true" : "false");
  } };
}

// Of one connector.
export class ConnectorControls {
  constructor(box, connector) {
    const on = { connector };
    const cable = select([13, 20, 32, 63].map((a) => [a, `${a} A`]), 32);
    const phases = select([[1, "1 phase"], [3, "3 phases"]], 3);
    const car = select(["normal", "sleeping", "no_b", "ventilation", "full"], "normal");
    const battery = h("input", { type: "number", min: "0", max: "1000", step: "any", value: "40", "aria-label": "kWh that the battery can take" });
    this.plug = h("div", { class: "row" },
      field("Cable", cable), field("Car", car), field("Charger", phases), field("kWh", battery),
      button("Plug in", () => act(box, "plug", { ...on, cable_a: Number(cable.value), phases: Number(phases.value), car: car.value, battery_wh: Math.round(Number(battery.value) * 1000) }), { class: "primary", "data-do": "plug" }));
    this.wants = button("", () => act(box, this.wanted ? "pause" : "ready", on), { "data-do": "wants" });
    this.unplug = h("div", { class: "row" },
      button("Unplug", () => act(box, "unplug", on), { class: "primary", "data-do": "unplug" }), this.wants,
      field("Takes at most", slider(0, 40, 1, 32, "A", (amps) => act(box, "draw", { ...on, amps }))));
    const slot = select(["user", "load", "ocpp"], "user", { "aria-label": "limit slot" });
    const ma = slider(0, 32, 1, 16, "A", (amps) => act(box, "limit", { ...on, slot: slot.value, ma: amps * 1000 }));
    this.faults = faults(box, KINDS, on);
    this.element = h("div", { class: "controls" },
      group("Car", this.plug, this.unplug),
      group("Limit", slot, ma, button("Take away", () => act(box, "limit", { ...on, slot: slot.value, ma: null }), { class: "quiet" })),
      group("Heat", slider(-20, 100, 5, 30, "°C", (celsius) => act(box, "warm", { ...on, celsius, seconds: 5 }))),
      group("Faults", this.faults.chips));
  }

  update(c) {
    this.wanted = Boolean(c.car?.wants);
    this.plug.hidden = c.plugged;
    this.unplug.hidden = !c.plugged;
    put(this.wants, this.wanted ? "Car: enough" : "Car: charge");
    this.faults.update(c.faults);
  }
}

// Of the whole box.
export class BoxControls {
  constructor(box, words) {
    const tag = h("input", { value: "C0FFEE01", maxlength: "20", "aria-label": "RFID tag", class: "mono", size: "14", spellcheck: "false" });
    const show = () => act(box, "tag", { id: tag.value });
    tag.addEventListener("keydown", (event) => event.key === "Enter" && show());
    this.power = button("", () => act(box, "power", { on: !this.on }), { "data-do": "power" });
    this.network = button("", () => act(box, "network", { up: !this.up }), { "data-do": "network" });
    this.faults = faults(box, STATION_KINDS, {});
    this.element = h("div", { class: "controls" },
      group("Tag", tag, button("Show", show, { class: "primary", "data-do": "tag" })),
      group("Supply", this.power, this.network),
      group("Button", button("Press", () => act(box, "button", { seconds: 0.2 })), button("Hold 5 s", () => act(box, "button", { seconds: 5 }))),
      group("Box", this.faults.chips), h("details", { class: "every" }, h("summary", {}, "Every word"), everyWord(box, words)));
  }

  update(state, c) {
    this.on = state.power !== "off";
    this.up = state.network;
    put(this.power, this.on ? "Cut power" : "Power on");
    put(this.network, this.up ? "Cut network" : "Mend network");
    attribute(this.power, "class", this.on ? "" : "warn");
    attribute(this.network, "class", this.up ? "" : "warn");
    this.faults.update(c?.faults ?? []);
  }
}

// A form for each word, from the schema that the control socket checks by.
function everyWord(box, words) {
  const place = h("div", {});
  const names = select(Object.keys(words), "plug", { "aria-label": "word", onchange: () => show() });
  let current = null;
  const show = () => {
    current = form(words[names.value], {});
    place.replaceChildren(h("p", { class: "hint" }, words[names.value].description ?? ""), current.element);
  };
  show();
  return h("form", { class: "stack", onsubmit: async (event) => {
    event.preventDefault();
    if (await act(box, names.value, current.read())) toast(`${names.value}: done`);
  } }, names, place, h("button", {}, "Do it"));
}
