// Records what one does as a scenario: the button in the header, and the dialog with the file.

import { attribute, h, put, toast } from "./dom.js";
import { record, tree } from "./live.js";
import { selected } from "./selection.js";

export function recording() {
  const button = document.getElementById("record");
  const dialog = document.getElementById("scenario");
  button.addEventListener("click", async () => {
    try {
      if (!tree.recording) {
        await record(selected());
        toast(`recording what you do with ${selected()}`);
      } else show(dialog, await record(null));
    } catch (error) {
      toast(error.message, true);
    }
  });
  return { update: () => {
    attribute(button, "aria-pressed", tree.recording ? "true" : "false");
    put(button.querySelector("span"), tree.recording ? `Recording ${tree.recording.box}` : "Record");
  } };
}

function show(dialog, text) {
  const area = h("textarea", { class: "mono", rows: "16", spellcheck: "false", "aria-label": "scenario" });
  area.value = text;
  const name = h("input", { value: "recorded.scn", "aria-label": "file name" });
  const save = () => {
    const link = h("a", { href: "data:text/plain;charset=utf-8," + encodeURIComponent(area.value), download: name.value });
    document.body.append(link);
    link.click();
    link.remove();
  };
  const copy = async () => {
    await navigator.clipboard.writeText(area.value);
    toast("copied");
  };
  dialog.replaceChildren(h("h3", {}, "What you did, as a scenario"), h("p", { class: "hint" }, "Play it without a page: ", h("code", {}, "pilotwire play recorded.scn")), area,
    h("div", { class: "row" }, name, h("button", { type: "button", class: "primary", onclick: save }, "Save"), h("button", { type: "button", onclick: copy }, "Copy"), h("button", { type: "button", class: "quiet", onclick: () => dialog.close() }, "Close")));
  dialog.showModal();
}
