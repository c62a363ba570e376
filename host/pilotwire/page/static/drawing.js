// Drawings of a connector: the way from the mains to the car, and the pilot's waveform.

import { attribute, put, s } from "./dom.js";

export class Scheme {
  constructor() {
    const text = (x, y, content, extra = {}) => s("text", { x, y, ...extra }, content);
    this.lever = s("line", { x1: 64, y1: 52, x2: 92, y2: 52, class: "lever" });
    this.flow = s("path", { d: "M20 52 H150 C185 52 190 88 222 88 S262 62 292 62", class: "flow" });
    this.cable = s("path", { d: "M150 52 C185 52 190 88 222 88 S262 62 292 62", class: "cable" });
    this.led = s("circle", { cx: 134, cy: 22, r: 5, class: "led" });
    this.lock = s("g", { class: "lock" }, s("rect", { x: 142, y: 60, width: 12, height: 9, rx: 2 }), s("path", { d: "M145 60 v-3 a3 3 0 0 1 6 0 v3", fill: "none" }));
    this.car = s("g", { class: "car" },
      s("path", { d: "M292 76 v-12 q0 -6 6 -8 l10 -3 12 -13 q3 -3 8 -3 h24 q6 0 10 4 l10 11 q10 2 10 10 v14 h-8 a9 9 0 0 0 -18 0 h-32 a9 9 0 0 0 -18 0 z" }),
      s("circle", { cx: 323, cy: 76, r: 7 }), s("circle", { cx: 365, cy: 76, r: 7 }));
    this.capacity = text(222, 104, "", { class: "small middle" });
    this.wish = text(344, 104, "", { class: "small middle" });
    this.element = s("svg", { viewBox: "0 0 396 112", class: "scheme", role: "img" },
      s("rect", { x: 44, y: 8, width: 106, height: 84, rx: 12, class: "case" }),
      s("line", { x1: 20, y1: 52, x2: 64, y2: 52, class: "wire" }), s("line", { x1: 92, y1: 52, x2: 150, y2: 52, class: "wire" }),
      s("circle", { cx: 64, cy: 52, r: 2.6, class: "joint" }), s("circle", { cx: 92, cy: 52, r: 2.6, class: "joint" }),
      text(4, 44, "mains", { class: "small" }), text(78, 74, "contactor", { class: "small middle" }),
      this.cable, this.car, this.flow, this.lever, this.led, this.lock, this.capacity, this.wish);
  }

  update(state, c) {
    const flowing = c.closed && c.power_w > 0;
    attribute(this.element, "class", `scheme${c.plugged ? " plugged" : ""}${c.closed ? " closed" : ""}${c.relay ? " driven" : ""}${flowing ? " flowing" : ""}${c.locked ? " locked" : ""}`);
    attribute(this.element, "aria-label", `${c.plugged ? "car plugged in" : "no car"}, contactor ${c.closed ? "closed" : "open"}, ${c.locked ? "plug locked" : "plug free"}`);
    attribute(this.led, "fill", state.led > 1 ? "#" + state.led.toString(16).padStart(6, "0") : state.led ? "var(--led)" : "var(--sunken)");
    put(this.capacity, c.plugged && c.cable_a ? `${c.cable_a} A cable` : "");
    put(this.wish, !c.car ? "" : c.car.battery_wh > 0 ? `${(c.car.battery_wh / 1000).toFixed(1)} kWh to go` : "battery full");
  }
}

// States of IEC 61851-1 by the voltage of the positive half.
const LEVELS = [[12, "A"], [9, "B"], [6, "C"], [3, "D"], [0, "0"], [-12, "−12"]];
const Y = (volts) => 8 + ((12 - volts) / 24) * 124;

export class Waveform {
  constructor() {
    this.path = s("path", { class: "wave" });
    const lines = LEVELS.map(([volts, name]) => [
      s("line", { x1: 24, x2: 240, y1: Y(volts), y2: Y(volts), class: "level" }),
      s("text", { x: 18, y: Y(volts) + 3.5, class: "small end" }, name),
    ]);
    this.element = s("svg", { viewBox: "0 0 244 140", class: "waveform", role: "img", preserveAspectRatio: "xMidYMid meet" }, lines.flat(), this.path);
  }

  update(c) {
    const high = Y(c.pilot_mv_high / 1000), low = Y(c.pilot_mv_low / 1000);
    const steady = c.duty_permille <= 0 || c.duty_permille >= 1000;
    const [left, period] = [24, 72];
    let path = `M${left} ${steady ? high : low}`;
    if (steady) path = `M${left} ${c.duty_permille <= 0 ? low : high} H240`;
    else for (let k = 0; k < 3; k++) path += ` V${high} h${(period * c.duty_permille) / 1000} V${low} H${left + (k + 1) * period}`;
    attribute(this.path, "d", path);
    attribute(this.element, "aria-label", `pilot ${(c.pilot_mv_high / 1000).toFixed(1)} V and ${(c.pilot_mv_low / 1000).toFixed(1)} V, duty ${c.duty_permille / 10} %`);
  }
}
