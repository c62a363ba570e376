// Files that travel: firmware that the charger fetches from the bench's relay, and diagnostics that it leaves there.

import { ask } from "./calls.js";
import { attribute, field, h, put, select, toast } from "./dom.js";
import { pretty } from "./json.js";
import { bundle, diagnostics, tree } from "./live.js";
import { selected } from "./selection.js";

// What the charger said last, of its firmware or its diagnostics, in order.
function told(action) {
  const said = h("p", { class: "steps-told" });
  let shown = "";
  return { element: said, update: () => {
    const statuses = tree.chargers[selected()]?.told?.[action] ?? [];
    if (statuses.join() === shown) return;
    shown = statuses.join();
    said.replaceChildren(...statuses.map((status) => h("span", { class: "pill", "data-status": /Failed$/.test(status) ? "Faulted" : /^(Installed|Uploaded)$/.test(status) ? "Available" : "Charging" }, status)));
  } };
}

// Keeps a choice of names as it is while the list grows.
function choice(label, names) {
  const element = select([], null, { "aria-label": label });
  let shown = "";
  return { element, update: () => {
    const now = names();
    if (now.join() === shown) return;
    shown = now.join();
    element.replaceChildren(...now.map((name) => h("option", { value: name }, name)));
    element.disabled = !now.length;
  } };
}

export function firmwareTab() {
  const version = h("input", { value: "0.2.0", maxlength: "20", "aria-label": "version" });
  const bundles = choice("bundle", () => tree.central?.depot?.firmware ?? []);
  const answer = h("div", { class: "answer", "aria-live": "polite" }), said = told("FirmwareStatusNotification");
  const pack = h("button", { type: "button", "data-do": "bundle", onclick: async () => {
    attribute(pack, "disabled", true);
    try {
      toast(`${await bundle(version.value)} is on the relay`);
    } catch (error) {
      toast(error.message, true);
    }
    attribute(pack, "disabled", false);
  } }, "Put on the relay");
  const update = () => ask("update", { version: bundles.element.value.replace(/^pilotwire-|\.pwb$/g, "") }, answer);
  return { name: "Firmware", element: h("div", { class: "stack" },
    h("p", { class: "hint" }, "The present sources as a signed bundle. The charger fetches it, starts it on trial from its other slot, and goes back if it is no good."),
    h("div", { class: "row" }, field("Version", version), pack),
    h("div", { class: "row" }, field("Bundle", bundles.element), h("button", { type: "button", class: "primary", "data-do": "update", onclick: update }, "Update")),
    answer, said.element),
  update: () => {
    bundles.update();
    said.update();
  } };
}

export function diagnosticsTab() {
  const files = choice("diagnostics file", () => tree.central?.depot?.diagnostics ?? []);
  const answer = h("div", { class: "answer", "aria-live": "polite" }), said = told("DiagnosticsStatusNotification");
  const place = h("div", { class: "stack" });
  const show = async () => {
    try {
      place.replaceChildren(...report(await diagnostics(files.element.value)));
    } catch (error) {
      place.replaceChildren(h("p", { class: "bad" }, error.message));
    }
  };
  return { name: "Diagnostics", element: h("div", { class: "stack" },
    h("div", { class: "row" }, h("button", { type: "button", class: "primary", "data-do": "diagnose", onclick: () => ask("diagnose", {}, answer) }, "Ask for a file"),
      field("Files that came", files.element), h("button", { type: "button", "data-do": "show", onclick: show }, "Show")),
    answer, said.element, place),
  update: () => {
    files.update();
    said.update();
  } };
}

function report(found) {
  const { timeline, resets, errors, warnings, head, ...rest } = found;
  const when = (moment) => moment.time?.slice(11, 19) ?? `+${moment.uptime_s ?? 0} s`;
  const lines = timeline.slice(-300).map((moment) => h("div", { class: "line" }, h("time", {}, when(moment)), h("span", { class: "who" }, moment.what), h("span", { class: "what" }, moment.text)));
  return [
    h("p", {}, `${head.charger ?? ""} ${head.version ?? ""}: ${resets.length} starts, ${errors.length} errors, ${warnings.length} warnings${found.whole ? "" : ", cut short"}`),
    h("div", { class: "scroll report", tabindex: "0", role: "group", "aria-label": "timeline of the file" }, lines),
    h("details", {}, h("summary", {}, "Everything else in it"), pretty({ head, ...rest })),
  ];
}

