// A long list that grows at its end: bounded, follows the end while one looks there, stands still while one reads above.

import { h } from "./dom.js";

export class Rows {
  constructor(name, most, make) {
    this.most = most;
    this.make = make;
    this.element = h("div", { class: "rows", role: "list", "aria-label": name, tabindex: "0" });
  }

  fill(lines) {
    this.element.replaceChildren();
    this.add(lines.slice(-this.most));
    this.element.scrollTop = this.element.scrollHeight;
  }

  add(lines) {
    if (!lines.length) return;
    const element = this.element;
    const following = element.scrollHeight - element.scrollTop - element.clientHeight < 40;
    element.append(...lines.slice(-this.most).map(this.make));
    const over = element.childElementCount - this.most;
    for (let k = 0; k < over; k++) element.firstElementChild.remove();
    if (following) element.scrollTop = element.scrollHeight;
  }
}
