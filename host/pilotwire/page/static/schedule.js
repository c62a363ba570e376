// A charging schedule that is drawn: drag the steps, then send it as SetChargingProfile.

import { attribute, field, h, s, select } from "./dom.js";
import { call } from "./calls.js";
import { isoNow } from "./forms.js";
import { tree } from "./live.js";
import { selected } from "./selection.js";

const [WIDTH, HEIGHT, LEFT, BOTTOM] = [560, 200, 34, 22];
const MOST_A = 32;

export function scheduleTab() {
  // Steps of {start: seconds, limit: A}; the first always starts at 0.
  let steps = [{ start: 0, limit: 16 }, { start: 600, limit: 8 }, { start: 1200, limit: 24 }];
  let chosen = 0;
  const length = select([[600, "10 minutes"], [1800, "30 minutes"], [3600, "1 hour"], [14400, "4 hours"], [86400, "1 day"]], 1800, { onchange: () => {
    steps = steps.filter((step) => step.start < span());
    chosen = 0;
    draw();
  } });
  const purpose = select(["TxDefaultProfile", "TxProfile", "ChargePointMaxProfile"], "TxDefaultProfile");
  const connector = select([0, 1, 2], 1), level = h("input", { type: "number", min: "0", max: "9", value: "0" });
  const kind = select(["Absolute", "Relative", "Recurring"], "Absolute");
  const answer = h("div", { class: "answer", "aria-live": "polite" });
  const span = () => Number(length.value);
  const x = (start) => LEFT + (start / span()) * (WIDTH - LEFT - 4);
  const y = (limit) => 6 + (1 - limit / MOST_A) * (HEIGHT - BOTTOM - 6);
  const grid = s("g"), path = s("path", { class: "steps" }), handles = s("g");
  const drawing = s("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, class: "schedule", role: "group", "aria-label": "charging schedule, amperes over time" }, grid, path, handles);

  function draw() {
    grid.replaceChildren(
      ...[0, 8, 16, 24, 32].flatMap((a) => [s("line", { x1: LEFT, x2: WIDTH, y1: y(a), y2: y(a), class: "level" }), s("text", { x: LEFT - 6, y: y(a) + 4, class: "small end" }, `${a} A`)]),
      ...[0, 0.5].map((part) => s("text", { x: x(part * span()), y: HEIGHT - 6, class: "small" }, minutes(part * span()))));
    let line = "";
    steps.forEach((step, k) => {
      line += `${k ? "L" : "M"}${x(step.start)} ${y(step.limit)} H${x(steps[k + 1]?.start ?? span())} `;
    });
    attribute(path, "d", line);
    handles.replaceChildren(...steps.map((step, k) => {
      const middle = (x(step.start) + x(steps[k + 1]?.start ?? span())) / 2;
      return s("g", { class: `handle${k === chosen ? " chosen" : ""}`, tabindex: "0", role: "slider", "aria-valuenow": step.limit, "aria-valuemin": 0, "aria-valuemax": MOST_A,
        "aria-label": `from ${minutes(step.start)}: arrows up and down change the limit, left and right the start`, "data-k": k },
      s("line", { x1: x(step.start), x2: x(steps[k + 1]?.start ?? span()), y1: y(step.limit), y2: y(step.limit), class: "grip" }),
      s("circle", { cx: x(step.start), cy: y(step.limit), r: 6 }), s("text", { x: middle, y: y(step.limit) - 7, class: "small middle" }, `${step.limit} A`));
    }));
  }

  function move(k, start, limit) {
    const before = k ? steps[k - 1].start + 60 : 0, after = (steps[k + 1]?.start ?? span()) - 60;
    steps[k] = { start: k ? Math.round(Math.min(Math.max(start, before), after) / 30) * 30 : 0, limit: Math.round(Math.min(Math.max(limit, 0), MOST_A)) };
    draw();
  }

  const at = (event) => {
    const box = drawing.getBoundingClientRect();
    const [px, py] = [((event.clientX - box.left) / box.width) * WIDTH, ((event.clientY - box.top) / box.height) * HEIGHT];
    return { start: ((px - LEFT) / (WIDTH - LEFT - 4)) * span(), limit: (1 - (py - 6) / (HEIGHT - BOTTOM - 6)) * MOST_A };
  };
  drawing.addEventListener("pointerdown", (event) => {
    const handle = event.target.closest(".handle");
    if (!handle) return;
    chosen = Number(handle.dataset.k);
    const moved = event.target.tagName === "circle";
    drawing.setPointerCapture(event.pointerId);
    drawing.onpointermove = (drag) => {
      const to = at(drag);
      move(chosen, moved ? to.start : steps[chosen].start, to.limit);
    };
    draw();
  });
  drawing.addEventListener("pointerup", () => (drawing.onpointermove = null));
  drawing.addEventListener("keydown", (event) => {
    const handle = event.target.closest(".handle");
    const by = { ArrowUp: [0, 1], ArrowDown: [0, -1], ArrowLeft: [-60, 0], ArrowRight: [60, 0] }[event.key];
    if (!handle || !by) return;
    event.preventDefault();
    const k = (chosen = Number(handle.dataset.k));
    move(k, steps[k].start + by[0], steps[k].limit + by[1]);
    handles.children[k].focus();
  });

  const add = () => {
    const last = steps.at(-1);
    const start = Math.round((last.start + span()) / 2 / 30) * 30;
    if (start - last.start < 60) return;
    steps.push({ start, limit: 16 });
    chosen = steps.length - 1;
    draw();
  };
  const remove = () => {
    if (chosen > 0) steps.splice(chosen, 1);
    chosen = 0;
    draw();
  };
  const send = () => {
    const schedule = { chargingRateUnit: "A", duration: span(), chargingSchedulePeriod: steps.map((step) => ({ startPeriod: step.start, limit: step.limit })) };
    // The charger's own clock, which simulated time may have carried away from ours.
    if (kind.value !== "Relative") schedule.startSchedule = tree.boxes[selected()]?.utc ?? isoNow();
    const profile = { chargingProfileId: 1, stackLevel: Number(level.value), chargingProfilePurpose: purpose.value, chargingProfileKind: kind.value, chargingSchedule: schedule };
    if (kind.value === "Recurring") profile.recurrencyKind = "Daily";
    if (purpose.value === "TxProfile") {
      const own = Object.entries(tree.chargers[selected()]?.transactions ?? {}).filter(([, t]) => t.running);
      if (own.length) profile.transactionId = Number(own.at(-1)[0]);
    }
    call("SetChargingProfile", { connectorId: Number(connector.value), csChargingProfiles: profile }, answer);
  };
  draw();
  return { name: "Schedule", element: h("div", { class: "stack" },
    h("div", { class: "row" }, field("Length", length), field("Purpose", purpose), field("Kind", kind), field("Connector", connector), field("Stack level", level)),
    drawing,
    h("div", { class: "row" },
      h("button", { type: "button", onclick: add }, "Add a step"), h("button", { type: "button", onclick: remove }, "Remove the chosen"),
      h("button", { type: "button", class: "primary", "data-do": "schedule", onclick: send }, "Send the schedule"),
      h("button", { type: "button", class: "quiet", onclick: () => call("ClearChargingProfile", {}, answer) }, "Clear all profiles"),
      h("button", { type: "button", class: "quiet", onclick: () => call("GetCompositeSchedule", { connectorId: Number(connector.value) || 1, duration: span(), chargingRateUnit: "A" }, answer) }, "What results")),
    answer) };
}

const minutes = (seconds) => (seconds >= 3600 ? `${Math.round((seconds / 3600) * 10) / 10} h` : `${Math.round(seconds / 60)} min`);
