// Charts of one connector over the last minutes: power, current against offer, pilot. uPlot draws them.

import { h } from "./dom.js";

const ROWS = 600;
const SAMPLE_MS = 400;
const TIME = 0, POWER = 1, OFFERED = 2, L1 = 3, HIGH = 6, LOW = 7;

// identity/connector -> rows (time_ms, power_w, offered_ma, drawn_ma of three phases, pilot mV high and low), as the server samples.
const samples = new Map();
const sampledAt = new Map();

export function take(history) {
  for (const [box, own] of Object.entries(history)) for (const [k, rows] of Object.entries(own)) samples.set(`${box}/${k}`, rows);
}

export function sample(box, k, state, connector) {
  const key = `${box}/${k}`;
  const now = performance.now();
  if (now - (sampledAt.get(key) ?? -SAMPLE_MS) < SAMPLE_MS) return false;
  sampledAt.set(key, now);
  let rows = samples.get(key);
  if (!rows) samples.set(key, (rows = []));
  if (rows.length && rows.at(-1)[TIME] >= state.time_ms) return false;
  rows.push([state.time_ms, connector.power_w, connector.offered_ma, ...connector.drawn_ma, connector.pilot_mv_high, connector.pilot_mv_low]);
  if (rows.length > ROWS) rows.splice(0, rows.length - ROWS);
  return true;
}

const column = (rows, index, divisor) => rows.map((row) => row[index] / divisor);

const KINDS = {
  Power: { unit: "kW", range: (_, low, high) => [0, Math.max(high * 1.1, 1)], series: [{ label: "power", colour: "--power", fill: true, index: POWER, divisor: 1000 }] },
  Current: {
    unit: "A", range: (_, low, high) => [0, Math.max(high * 1.1, 6)],
    series: [
      { label: "offer", colour: "--offer", index: OFFERED, divisor: 1000, step: true, dash: [4, 3] },
      { label: "L1", colour: "--l1", index: L1, divisor: 1000 }, { label: "L2", colour: "--l2", index: L1 + 1, divisor: 1000 },
      { label: "L3", colour: "--l3", index: L1 + 2, divisor: 1000 },
    ],
  },
  Pilot: {
    unit: "V", range: () => [-13, 13],
    series: [{ label: "high", colour: "--pilot", index: HIGH, divisor: 1000, step: true }, { label: "low", colour: "--pilot-low", index: LOW, divisor: 1000, step: true }],
  },
};

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const clock = (s) => `${Math.floor(s / 60)}:${String(Math.floor(s % 60)).padStart(2, "0")}`;

export class Charts {
  constructor(box, k) {
    this.key = `${box}/${k}`;
    this.plots = [];
    this.element = h("div", { class: "charts" });
    this.observer = new ResizeObserver(() => this.resize());
    this.observer.observe(this.element);
    this.make();
  }

  make() {
    for (const { plot } of this.plots) plot.destroy();
    this.element.replaceChildren();
    this.plots = Object.entries(KINDS).map(([name, kind]) => {
      const legend = kind.series.map((one) => h("span", { class: "key", style: `--key: var(${one.colour})` }, one.label));
      const holder = h("div", { class: "plot" });
      this.element.append(h("figure", { class: "chart" }, h("figcaption", {}, h("b", {}, name), ` ${kind.unit}`, h("span", { class: "keys" }, kind.series.length > 1 ? legend : [])), holder));
      const axis = { stroke: colour("--muted"), font: "11px system-ui", ticks: { show: false }, grid: { stroke: colour("--line"), width: 1 } };
      const plot = new uPlot({
        width: Math.max(holder.clientWidth, 100), height: 110, legend: { show: false }, padding: [6, 4, 0, 0],
        cursor: { y: false, points: { show: false } },
        scales: { x: { time: false }, y: { range: kind.range } },
        axes: [{ ...axis, size: 20, gap: 2, space: 70, grid: { show: false }, values: (_, values) => values.map(clock) }, { ...axis, size: 30, gap: 4, space: 24 }],
        series: [{}, ...kind.series.map((one) => ({
          label: one.label, stroke: colour(one.colour), width: 1.5, dash: one.dash, points: { show: false },
          fill: one.fill ? colour(one.colour) + "22" : undefined, paths: one.step ? uPlot.paths.stepped({ align: 1 }) : undefined,
        }))],
      }, [[], ...kind.series.map(() => [])], holder);
      return { plot, kind, holder };
    });
    this.draw();
  }

  draw() {
    const rows = samples.get(this.key) ?? [];
    const x = column(rows, TIME, 1000);
    for (const { plot, kind } of this.plots) plot.setData([x, ...kind.series.map((one) => column(rows, one.index, one.divisor))]);
  }

  resize() {
    for (const { plot, holder } of this.plots) {
      const width = holder.clientWidth;
      if (width && Math.abs(plot.width - width) > 1) plot.setSize({ width, height: 110 });
    }
  }

  destroy() {
    this.observer.disconnect();
    for (const { plot } of this.plots) plot.destroy();
  }
}
