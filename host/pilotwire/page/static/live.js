// The live connection: keeps the tree of everything that is to be seen, says what came in, and carries orders.

export const tree = { about: {}, boxes: {}, chargers: {}, central: null };
const listeners = new Set();
const answers = new Map();
let socket = null;
let number = 0;
let wait = 250;

// listener({tree: patch, messages, events, samples}) after each update; {connected} when that changes.
export const listen = (listener) => listeners.add(listener);

function merge(target, patch) {
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) delete target[name];
    else if (typeof value === "object" && !Array.isArray(value) && typeof target[name] === "object" && target[name] !== null && !Array.isArray(target[name])) merge(target[name], value);
    else target[name] = value;
  }
}

function tell(update) {
  for (const listener of listeners) listener(update);
}

export function connect() {
  socket = new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/live`);
  socket.onopen = () => {
    wait = 250;
    for (const name of Object.keys(tree)) delete tree[name];
    Object.assign(tree, { about: {}, boxes: {}, chargers: {}, central: null });
    tell({ connected: true });
  };
  socket.onmessage = (event) => {
    const began = performance.now();
    const update = JSON.parse(event.data);
    if ("re" in update) {
      const settle = answers.get(update.re);
      answers.delete(update.re);
      if (settle) settle(update);
      return;
    }
    if (update.tree) merge(tree, update.tree);
    tell(update);
    measured(performance.now() - began);
  };
  socket.onclose = () => {
    for (const settle of answers.values()) settle({ ok: false, error: "the connection to the bench is lost" });
    answers.clear();
    tell({ connected: false });
    setTimeout(connect, wait);
    wait = Math.min(wait * 2, 5000);
  };
}

function ask(order) {
  return new Promise((resolve, reject) => {
    if (!socket || socket.readyState !== WebSocket.OPEN) return reject(new Error("not connected to the bench"));
    const n = ++number;
    answers.set(n, (reply) => (reply.ok ? resolve(reply.answer) : reject(new Error(reply.error))));
    socket.send(JSON.stringify({ n, ...order }));
  });
}

// Every order is a word of a scenario: what the page can do, a file can.
export const order = (box, word, fields = {}) => ask({ box, word, fields });
export const record = (box) => ask({ record: box });
export const bundle = (version) => ask({ bundle: version });
export const diagnostics = (name) => ask({ diagnostics: name });

// Time that updates take, for the bench: `pilotwire.updates` is [count, ms in all, longest ms].
const updates = [0, 0, 0];
function measured(ms) {
  updates[0] += 1;
  updates[1] += ms;
  updates[2] = Math.max(updates[2], ms);
}
window.pilotwire = { updates, tree };
