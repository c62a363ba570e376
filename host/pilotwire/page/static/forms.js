// Makes a form of a JSON schema, and reads it back: {element, read()}. What is left empty is left out.

import { field, h, select } from "./dom.js";

let ids = 0;

// `value` fills it in; texts that begin with $ are expanded by `expand`.
export function form(schema, value, expand = (text) => text, root = schema) {
  return build(schema, value, expand, root, true);
}

function resolve(schema, root) {
  if (!schema.$ref) return schema;
  return schema.$ref.replace(/^#\//, "").split("/").reduce((part, key) => part[key], root);
}

function build(raw, value, expand, root, required) {
  const schema = resolve(raw, root);
  if (typeof value === "string" && value.startsWith("$")) value = expand(value);
  if (schema.type === "object" || schema.properties) return objectForm(schema, value, expand, root);
  if (schema.type === "array") return arrayForm(schema, value, expand, root);
  if (schema.enum) return chosen(schema.enum, value, required);
  if (schema.type === "boolean") return chosen([true, false], value, required);
  return typed(schema, value);
}

function chosen(options, value, required) {
  const first = required && value === undefined ? options[0] : value;
  const element = select([...(required ? [] : [["", "–"]]), ...options.map((o) => [JSON.stringify(o), String(o)])], first === undefined ? "" : JSON.stringify(first));
  return { element, read: () => (element.value === "" ? undefined : JSON.parse(element.value)) };
}

function typed(schema, value) {
  const types = [schema.type].flat();
  const numeric = types.includes("integer") || types.includes("number");
  const time = schema.format === "date-time";
  const element = h("input", {
    type: numeric ? "number" : "text",
    step: types.includes("integer") ? "1" : String(schema.multipleOf ?? "any"),
    min: schema.minimum, max: schema.maximum, maxlength: schema.maxLength ? String(schema.maxLength) : undefined,
    placeholder: time ? "2026-01-01T00:00:00Z" : types.includes("null") ? "none" : "",
    value: value === undefined || value === null ? "" : String(value),
    spellcheck: "false", autocomplete: "off",
  });
  const read = () => {
    if (element.value === "") return types.includes("null") ? null : undefined;
    return numeric ? Number(element.value) : element.value;
  };
  if (!time) return { element, read };
  const now = h("button", { type: "button", class: "quiet", onclick: () => (element.value = isoNow()) }, "now");
  return { element: h("span", { class: "with-button" }, element, now), read };
}

export const isoNow = (seconds = 0) => new Date(Date.now() + seconds * 1000).toISOString().replace(/\.\d+Z/, "Z");

function objectForm(schema, value, expand, root) {
  const required = new Set(schema.required ?? []);
  const names = Object.keys(schema.properties ?? {}).sort((a, b) => required.has(b) - required.has(a));
  const parts = {};
  const rows = names.map((name) => {
    const inner = resolve(schema.properties[name], root);
    const part = build(inner, value?.[name], expand, root, required.has(name));
    parts[name] = { part, always: required.has(name) };
    if (inner.type !== "object" && !inner.properties && inner.type !== "array") {
      return field(required.has(name) ? name : h("span", { class: "optional" }, name), part.element, inner.description);
    }
    if (required.has(name)) return h("fieldset", {}, h("legend", {}, name), part.element);
    const open = value?.[name] !== undefined;
    const details = h("details", { class: "part", open }, h("summary", {}, name), part.element);
    parts[name].shown = () => details.open;
    return details;
  });
  const read = () => {
    const made = {};
    for (const [name, { part, shown }] of Object.entries(parts)) {
      if (shown && !shown()) continue;
      const inner = part.read();
      if (inner !== undefined) made[name] = inner;
    }
    return made;
  };
  return { element: h("div", { class: "form" }, rows), read };
}

function arrayForm(schema, value, expand, root) {
  const items = [];
  const list = h("div", { class: "list" });
  const add = (given) => {
    const part = build(schema.items, given, expand, root, true);
    const row = h("div", { class: "item" }, part.element, h("button", { type: "button", class: "quiet icon", "aria-label": "Remove", onclick: () => {
      items.splice(items.findIndex((item) => item.row === row), 1);
      row.remove();
    } }, "×"));
    items.push({ part, row });
    list.append(row);
  };
  for (const given of value ?? (schema.minItems ? [undefined] : [])) add(given);
  const more = h("button", { type: "button", class: "quiet", id: `add-${++ids}`, onclick: () => add(undefined) }, "Add");
  return { element: h("div", {}, list, more), read: () => (items.length ? items.map((item) => item.part.read()).filter((v) => v !== undefined) : schema.minItems ? [] : undefined) };
}
