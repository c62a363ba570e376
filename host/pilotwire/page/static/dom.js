// Small helpers over the DOM: `h` makes an element, `put` changes a text only where it differs (no layout for nothing).

export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "class") element.className = value;
    else if (name in element && typeof value !== "string") element[name] = value;
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

const SVG = "http://www.w3.org/2000/svg";

export function s(tag, attributes = {}, ...children) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children.flat(Infinity));
  return element;
}

export function put(element, text) {
  const value = text === null || text === undefined ? "–" : String(text);
  if (element.textContent !== value) element.textContent = value;
}

export function attribute(element, name, value) {
  if (value === null || value === undefined || value === false) element.removeAttribute(name);
  else if (element.getAttribute(name) !== String(value)) element.setAttribute(name, value === true ? "" : value);
}

// A label with its control: clicking either works, and screen readers read both.
export function field(label, control, hint) {
  return h("label", { class: "field", title: hint }, h("span", {}, label), control);
}

export function select(options, value, attributes = {}) {
  const element = h("select", attributes);
  for (const option of options) {
    const [key, text] = Array.isArray(option) ? option : [option, option];
    element.append(h("option", { value: String(key) }, String(text)));
  }
  if (value !== undefined && value !== null) element.value = String(value);
  return element;
}

let toastTimer;

// What went wrong, or was done, in a line at the bottom; read out by screen readers.
export function toast(text, bad = false) {
  const element = document.getElementById("toast");
  element.textContent = text;
  element.className = bad ? "bad shown" : "shown";
  clearTimeout(toastTimer);
  toastTimer = setTimeout(() => (element.className = ""), bad ? 8000 : 3000);
}

export function duration(ms) {
  if (ms === null || ms === undefined) return "–";
  const seconds = Math.floor(ms / 1000);
  const [d, hours, m, sec] = [Math.floor(seconds / 86400), Math.floor(seconds / 3600) % 24, Math.floor(seconds / 60) % 60, seconds % 60];
  const two = (n) => String(n).padStart(2, "0");
  return `${d ? d + " d " : ""}${d || hours ? hours + ":" + two(m) : m}:${two(sec)}`;
}

export const number = (value, digits = 0) =>
  value === null || value === undefined ? "–" : value.toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits, useGrouping: true }).replaceAll(",", " ");
