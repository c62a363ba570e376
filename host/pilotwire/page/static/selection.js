// Which wallbox, or charger, is looked at: one for both halves of the page.

let current = null;
const listeners = new Set();

export const selected = () => current;
export const onSelect = (listener) => listeners.add(listener);

export function choose(identity) {
  if (identity === current) return;
  current = identity;
  for (const listener of listeners) listener(identity);
}
