// The bench page: puts the halves together, and keeps them up to date.

import { attribute, h, put, toast } from "./dom.js";
import { act } from "./controls.js";
import { left } from "./left.js";
import { connect, listen, tree } from "./live.js";
import { recording } from "./recording.js";
import { right } from "./right.js";
import { choose, selected } from "./selection.js";

const SPEEDS = [[1, "1×"], [10, "10×"], [60, "60×"], [0, "max"]];

function speeds() {
  const place = document.getElementById("speed");
  const buttons = SPEEDS.map(([factor, name]) => h("button", { type: "button", "aria-pressed": "false", onclick: () => {
    for (const identity of Object.keys(tree.boxes)) act(identity, "speed", { factor });
  } }, name));
  place.append(...buttons);
  const other = h("button", { type: "button", "aria-pressed": "true", disabled: true, hidden: true });
  place.append(other);
  return () => {
    const speed = tree.boxes[selected()]?.speed;
    SPEEDS.forEach(([factor], k) => attribute(buttons[k], "aria-pressed", String(speed === factor)));
    other.hidden = speed === undefined || SPEEDS.some(([factor]) => factor === speed);
    put(other, `${speed}×`);
  };
}

function theme(changed) {
  const button = document.getElementById("theme");
  const root = document.documentElement;
  const show = () => put(button, root.dataset.theme === "dark" ? "☾" : "☀");
  button.addEventListener("click", () => {
    root.dataset.theme = root.dataset.theme === "dark" ? "light" : "dark";
    localStorage.setItem("theme", root.dataset.theme);
    show();
    changed();
  });
  show();
}

async function start() {
  const forms = await (await fetch("forms.json")).json();
  const halves = [left(document.getElementById("left"), forms), right(document.getElementById("right"), forms), recording()];
  const speed = speeds();
  theme(() => halves[0].recolour());
  const online = document.getElementById("online");
  listen((update) => {
    if ("connected" in update) {
      attribute(online, "data-on", String(update.connected));
      put(online, update.connected ? "live" : "lost, trying again");
      return;
    }
    if (update.tree?.about) {
      document.body.classList.toggle("no-boxes", !tree.about.boxes);
      document.body.classList.toggle("no-central", !tree.about.central);
    }
    if (!selected() && Object.keys(tree.boxes).length) choose(Object.keys(tree.boxes)[0]);
    for (const half of halves) half.update(update);
    speed();
  });
  connect();
}

start().catch((error) => toast(error.message, true));
