"use strict";
// What the page shows, from what the file holds. Every function here takes
// choice = {type, filters: {label: value}, group: label or ""}.
const profile = JSON.parse(document.getElementById("data").textContent);
const stride = 2 + profile.types.length;
const STATES = ["running", "runnable", "blocked", "syscall", "unknown"];

// labelsOf are the sets of labels as objects.
const labelsOf = profile.sets.map((set) => {
  const o = {};
  for (let i = 0; i < set.length; i += 2) o[profile.labels[set[i]]] = profile.values[set[i + 1]];
  return o;
});
const hasStates = labelsOf.some((l) => STATES.includes(l.state));

// valuesOf returns the values of a label, numbers within them in their order.
function valuesOf(label) {
  const all = new Set();
  for (const l of labelsOf) if (l[label] !== undefined) all.add(l[label]);
  return [...all].sort((a, b) => a.localeCompare(b, "en", { numeric: true }));
}

// each calls f(node, labels, value) for the samples that are chosen.
function each(choice, f) {
  const keep = labelsOf.map((l) => Object.entries(choice.filters).every(([k, v]) => l[k] === v));
  const s = profile.samples;
  for (let i = 0; i < s.length; i += stride) {
    const v = s[i + 2 + choice.type];
    if (v !== 0 && keep[s[i + 1]]) f(s[i], labelsOf[s[i + 1]], v);
  }
}

// buildTree returns the root of the flame graph: {name, value, self, fn, key,
// states, children}. key names a node across renderings.
function buildTree(choice) {
  const root = { name: "all", value: 0, self: 0, fn: -1, key: "", states: {}, children: [] };
  const groups = new Map(); // value of the grouping label -> nodes by number
  each(choice, (node, labels, v) => {
    const group = choice.group ? labels[choice.group] || "(none)" : "";
    let g = groups.get(group);
    if (!g) {
      const top = choice.group ? { name: choice.group + ": " + group, value: 0, self: 0, fn: -1, key: group + "|", states: {}, children: [] } : root;
      if (top !== root) root.children.push(top);
      groups.set(group, (g = { top, nodes: new Map() }));
    }
    const state = labels.state || "";
    const add = (n) => {
      n.value += v;
      if (state) n.states[state] = (n.states[state] || 0) + v;
    };
    add(root);
    if (g.top !== root) add(g.top);
    let first = true;
    for (let at = node; at >= 0; at = profile.nodes[2 * at]) {
      const n = nodeOf(g, group, at);
      add(n);
      if (first) n.self += v;
      first = false;
    }
  });
  const all = [root]; // grows as it is gone through: stacks may be too deep for recursion
  for (const n of all) {
    n.children.sort((a, b) => b.value - a.value || (a.name < b.name ? -1 : 1));
    for (const c of n.children) all.push(c);
  }
  return root;

  function nodeOf(g, group, at) {
    let n = g.nodes.get(at);
    if (n) return n;
    // From the root on: a node is put into its parent's children.
    const path = [];
    for (let i = at; i >= 0 && !g.nodes.has(i); i = profile.nodes[2 * i]) path.push(i);
    for (const i of path.reverse()) {
      const fn = profile.nodes[2 * i + 1];
      n = { name: profile.functions[fn].n, value: 0, self: 0, fn, key: group + "|" + i, states: {}, children: [] };
      g.nodes.set(i, n);
      const parent = profile.nodes[2 * i];
      (parent < 0 ? g.top : g.nodes.get(parent)).children.push(n);
    }
    return n;
  }
}

// listFunctions returns {total, rows}: for each function what was spent in it
// (flat) and in it and what it calls (cum, once for a recursive one).
function listFunctions(choice) {
  const rows = new Map();
  let total = 0;
  each(choice, (node, labels, v) => {
    total += v;
    const seen = new Set();
    for (let at = node; at >= 0; at = profile.nodes[2 * at]) {
      const fn = profile.nodes[2 * at + 1];
      let r = rows.get(fn);
      if (!r) rows.set(fn, (r = { fn, flat: 0, cum: 0, states: {} }));
      if (at === node) r.flat += v;
      if (seen.has(fn)) continue;
      seen.add(fn);
      r.cum += v;
      if (labels.state) r.states[labels.state] = (r.states[labels.state] || 0) + v;
    }
  });
  return { total, rows: [...rows.values()] };
}

// listCalls returns who calls fn and whom it calls, with what was spent there
// under fn. Of a recursive function the outermost call counts for its callers,
// the innermost for what it calls.
function listCalls(choice, fn) {
  const callers = new Map(), callees = new Map();
  let flat = 0, cum = 0, total = 0;
  const add = (m, k, v) => m.set(k, (m.get(k) || 0) + v);
  each(choice, (node, labels, v) => {
    total += v;
    let outermost = -1, below = -1, innermost = -1;
    for (let at = node, last = -1; at >= 0; last = profile.nodes[2 * at + 1], at = profile.nodes[2 * at]) {
      if (profile.nodes[2 * at + 1] !== fn) continue;
      outermost = at;
      if (innermost < 0) { innermost = at; below = last; }
    }
    if (outermost < 0) return;
    cum += v;
    const parent = profile.nodes[2 * outermost];
    add(callers, parent < 0 ? -1 : profile.nodes[2 * parent + 1], v);
    if (innermost === node) flat += v;
    else add(callees, below, v);
  });
  const sorted = (m) => [...m].map(([f, v]) => ({ fn: f, value: v })).sort((a, b) => b.value - a.value || a.fn - b.fn);
  return { flat, cum, total, callers: sorted(callers), callees: sorted(callees) };
}

// sumStates returns [{state, reason, value}], the largest first, of what the
// filters but those of state and reason leave.
function sumStates(choice) {
  const filters = { ...choice.filters };
  delete filters.state;
  delete filters.reason;
  const sums = new Map();
  each({ ...choice, filters }, (node, labels, v) => {
    if (!labels.state) return;
    const k = labels.state + "\n" + (labels.reason || "");
    sums.set(k, (sums.get(k) || 0) + v);
  });
  return [...sums].map(([k, value]) => ({ state: k.split("\n")[0], reason: k.split("\n")[1], value })).sort((a, b) => STATES.indexOf(a.state) - STATES.indexOf(b.state) || b.value - a.value);
}

// packageOf is what a frame's colour stands for: Go's package, else the file.
function packageOf(fn) {
  if (fn < 0) return "";
  const f = profile.functions[fn];
  const slash = f.n.lastIndexOf("/");
  const dot = f.n.indexOf(".", slash + 1);
  if (dot > 0 && !f.f?.endsWith(".py")) return f.n.slice(0, dot);
  return f.f || f.n;
}

// shortName leaves out the folders of import paths and files, as a frame has
// little room.
function shortName(name) {
  return name.replace(/(?:[\w.~@%+-]*\/)+(?=[\w.])/g, "");
}

const SCALES = {
  nanoseconds: [["s", 1e9], ["ms", 1e6], ["µs", 1e3], ["ns", 1]],
  bytes: [["GiB", 2 ** 30], ["MiB", 2 ** 20], ["KiB", 2 ** 10], ["B", 1]],
};
const TO_BASE = { nanosecond: ["nanoseconds", 1], microsecond: ["nanoseconds", 1e3], millisecond: ["nanoseconds", 1e6], second: ["nanoseconds", 1e9], byte: ["bytes", 1], kilobyte: ["bytes", 1024], megabyte: ["bytes", 2 ** 20] };

// show writes a value with three significant digits and its unit.
function show(v, unit) {
  const base = TO_BASE[unit.replace(/s$/, "")];
  if (!base) return v.toLocaleString("en-US") + (unit && unit !== "count" ? " " + unit : "");
  v *= base[1];
  if (v === 0) return "0";
  for (const [name, size] of SCALES[base[0]]) {
    if (Math.abs(v) >= size || size === 1) {
      const x = v / size;
      return x.toFixed(size === 1 || Math.abs(x) >= 99.95 ? 0 : Math.abs(x) >= 9.995 ? 1 : 2) + " " + name;
    }
  }
}

function percent(v, total) {
  if (!total) return "–";
  const p = (100 * v) / total;
  if (v !== 0 && p < 0.05) return "<0.1 %";
  return p.toFixed(1) + " %";
}
