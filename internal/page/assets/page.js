"use strict";
// What is chosen stands in the address after #, so that the back button goes
// back and an address can be passed on.
const $ = (id) => document.getElementById(id);
const el = (name, props = {}, ...children) => {
  const e = document.createElement(name);
  for (const [k, v] of Object.entries(props)) k in e ? (e[k] = v) : e.setAttribute(k, v);
  e.append(...children);
  return e;
};
const VIEWS = ["flame", "top", "calls"];
const MOST_VALUES = 200; // of a label that is offered as a filter
const filterLabels = profile.labels.filter((l) => { const n = valuesOf(l).length; return n > 1 && n <= MOST_VALUES; });

function readState() {
  const p = new URLSearchParams(location.hash.slice(1));
  const type = profile.types.findIndex((t) => t.type === p.get("type"));
  const filters = {};
  for (const l of filterLabels) if (p.has("is." + l)) filters[l] = p.get("is." + l);
  const fn = Number(p.get("fn") ?? -1);
  return {
    view: VIEWS.includes(p.get("view")) ? p.get("view") : "flame",
    type: type < 0 ? profile.default : type,
    filters,
    group: filterLabels.includes(p.get("group")) ? p.get("group") : "",
    color: p.get("color") === "package" || !hasStates ? "package" : "state",
    q: p.get("q") || "",
    zoom: p.get("zoom") || "",
    fn: profile.functions[fn] ? fn : -1,
    sort: p.get("sort") || "cum",
    all: p.get("all") === "1",
  };
}

function addressOf(s) {
  const p = new URLSearchParams();
  if (s.view !== "flame") p.set("view", s.view);
  if (s.type !== profile.default) p.set("type", profile.types[s.type].type);
  for (const [k, v] of Object.entries(s.filters)) p.set("is." + k, v);
  if (s.group) p.set("group", s.group);
  if (hasStates && s.color !== "state") p.set("color", s.color);
  if (s.q) p.set("q", s.q);
  if (s.zoom) p.set("zoom", s.zoom);
  if (s.fn >= 0) p.set("fn", s.fn);
  if (s.sort !== "cum") p.set("sort", s.sort);
  if (s.all) p.set("all", "1");
  return "#" + p;
}

let state = readState();
let chart = null, drawn = "", byKey = new Map();

// go changes what is chosen: a step that the back button takes back, unless it
// replaces the last one, as each letter of a search does.
function go(change, replace = false) {
  const to = addressOf({ ...state, ...change });
  if (to === addressOf(state)) return;
  if (replace) history.replaceState(null, "", to);
  else history.pushState(null, "", to);
  state = readState();
  render();
}
addEventListener("popstate", () => { state = readState(); render(); });

// match tells whether a function's name is searched for; null if none is.
let match = null;

function readSearch() {
  match = null;
  let bad = false;
  try {
    const re = new RegExp(state.q, /[A-Z]/.test(state.q) ? "" : "i");
    if (state.q) match = (name) => re.test(name);
  } catch {
    bad = true;
  }
  $("search").classList.toggle("bad", bad);
}

const color = (name) => getComputedStyle(document.documentElement).getPropertyValue("--" + name).trim();

function frameColor(d) {
  if (match && d.data.fn >= 0 && match(d.data.name)) return color("mark");
  if (d.data.fn < 0) return color("unknown");
  if (state.color === "state" && hasStates) {
    const top = Object.entries(d.data.states).sort((a, b) => b[1] - a[1])[0];
    return color(top && STATES.includes(top[0]) ? top[0] : "unknown");
  }
  let h = 0;
  for (const c of packageOf(d.data.fn)) h = (Math.imul(h, 31) + c.codePointAt(0)) >>> 0;
  return `hsl(${h % 360} ${color("sat")} ${color("lum")})`;
}

const unit = () => profile.types[state.type].unit;

function render() {
  document.querySelectorAll("#views a").forEach((a) => a.dataset.view === state.view ? a.setAttribute("aria-current", "page") : a.removeAttribute("aria-current"));
  for (const v of VIEWS) $(v).hidden = v !== state.view;
  $("type").value = state.type;
  $("group").value = state.group;
  $("color").value = state.color;
  $("group-label").hidden = state.view !== "flame" || filterLabels.length === 0;
  $("color-label").hidden = state.view !== "flame" || !hasStates;
  if (document.activeElement !== $("search")) $("search").value = state.q;
  document.querySelectorAll("#filters select").forEach((s) => {
    s.value = state.filters[s.dataset.label] ?? "";
    s.classList.toggle("set", s.value !== "");
  });
  readSearch();
  renderStates();
  ({ flame: renderFlame, top: renderTop, calls: renderCalls })[state.view]();
}

function renderStates() {
  $("states").hidden = !hasStates;
  if (!hasStates) return;
  const parts = sumStates(state);
  const total = parts.reduce((a, p) => a + p.value, 0);
  $("states-bar").replaceChildren();
  $("states-legend").replaceChildren();
  for (const p of parts) {
    const name = p.reason && p.reason !== p.state ? p.state + " " + p.reason : p.state;
    const on = state.filters.state === p.state && (state.filters.reason ?? "") === (p.reason || "");
    const toggle = () => {
      const filters = { ...state.filters };
      delete filters.state;
      delete filters.reason;
      if (!on && filterLabels.includes("state")) filters.state = p.state;
      if (!on && p.reason && filterLabels.includes("reason")) filters.reason = p.reason;
      go({ filters, zoom: "" });
    };
    const fill = STATES.includes(p.state) ? `var(--${p.state})` : "var(--unknown)";
    const text = `${name} ${show(p.value, unit())}, ${percent(p.value, total)}`;
    const b = el("button", { type: "button", title: text, onclick: toggle, "aria-label": text });
    b.style.flexGrow = total ? p.value / total : 0;
    b.style.background = fill;
    if (p.value > 0) $("states-bar").append(b);
    const dot = el("i");
    dot.style.background = fill;
    $("states-legend").append(el("button", { type: "button", onclick: toggle, "aria-pressed": String(on) }, dot, el("span", {}, name), el("span", { className: "num" }, `${show(p.value, unit())} · ${percent(p.value, total)}`)));
  }
}

function tip() {}
tip.show = (event, d) => {
  const f = profile.functions[d.data.fn];
  const root = byKey.get("").data.value;
  const rows = [["in all", d.data.value], ["itself", d.data.self], ...Object.entries(d.data.states)];
  const body = el("tbody", {}, ...rows.map(([name, v]) => el("tr", {}, el("td", {}, name), el("td", { className: "num" }, show(v, unit())), el("td", { className: "num" }, percent(v, root)))));
  $("tip").replaceChildren(el("b", {}, d.data.name), ...(f?.f ? [el("small", {}, f.f + (f.l ? ":" + f.l : ""))] : []), el("table", {}, body));
  $("tip").hidden = false;
  const box = $("tip").getBoundingClientRect();
  const x = event.clientX + 14, y = event.clientY + 16;
  $("tip").style.left = Math.max(4, Math.min(x, innerWidth - box.width - 8)) + "px";
  $("tip").style.top = (y + box.height > innerHeight ? Math.max(4, event.clientY - box.height - 10) : y) + "px";
};
tip.hide = () => { $("tip").hidden = true; };

function renderFlame() {
  const width = $("chart").clientWidth;
  const what = JSON.stringify([state.type, state.filters, state.group, width]);
  if (what !== drawn) {
    drawn = what;
    chart?.destroy();
    const tree = buildTree(state);
    $("chart").replaceChildren();
    chart = flamegraph.default().width(width).cellHeight(20).inverted(true).minFrameSize(0.6).getName((d) => shortName(d.data.name))
      .transitionDuration(0)
      .tooltip(tip).setDetailsHandler(() => {}).setSearchHandler(() => {})
      .setColorMapper(frameColor);
    d3.select("#chart").datum(tree).call(chart);
    byKey = new Map();
    d3.select("#chart").datum().each((d) => byKey.set(d.data.key, d));
    chart.onClick((d) => go({ zoom: d.data.key }));
  }
  const root = byKey.get("");
  const at = byKey.get(state.zoom) || root;
  const clicked = chart.onClick();
  chart.onClick(null); // this zoom follows the address, and is no step of its own
  chart.zoomTo(at);
  chart.onClick(clicked);
  chart.transitionDuration(matchMedia("(prefers-reduced-motion: reduce)").matches ? 0 : 180); // the first drawing stands, what follows moves
  d3.selectAll("#chart g.frame").classed("marked", (d) => Boolean(match && d.data.fn >= 0 && match(d.data.name)));
  renderCrumbs(at);
  say(root.data.value === 0 ? "Nothing of this sample type is chosen." : match ? marks(root.data) : `${show(root.data.value, unit())} ${profile.types[state.type].type} in all. Click a frame to zoom, / searches.`);
}

// marks tells how much of all is in functions that match, each moment once.
function marks(root) {
  const names = new Set();
  let sum = 0;
  const walk = [[root, false]];
  while (walk.length) {
    const [n, within] = walk.pop();
    const hit = n.fn >= 0 && match(n.name);
    if (hit) names.add(n.fn);
    if (hit && !within) sum += n.value;
    for (const c of n.children) walk.push([c, within || hit]);
  }
  return names.size === 0 ? "No function matches." : `${names.size} function${names.size === 1 ? " matches" : "s match"}: ${show(sum, unit())}, ${percent(sum, root.value)} of all.`;
}

function renderCrumbs(at) {
  const path = at.ancestors().reverse();
  $("crumbs").replaceChildren();
  path.forEach((d, i) => {
    if (i > 0) $("crumbs").append(el("span", {}, "›"));
    $("crumbs").append(el("button", { type: "button", title: d.data.name, onclick: () => go({ zoom: d.data.key }) }, d.data.name));
  });
}

const ROWS = 300;

function nameCell(fn, name) {
  const f = profile.functions[fn];
  const cell = el("td", { className: "name" }, el("span", {}, name ?? f.n));
  if (f?.f) cell.append(el("small", { title: f.f }, f.f.split("/").pop() + (f.l ? ":" + f.l : "")));
  return cell;
}

const amount = (v, total) => {
  if (!v) return el("td", { className: "dim" }, "·");
  const td = el("td", { className: "meter" }, show(v, unit()));
  td.style.setProperty("--share", (100 * v) / total + "%");
  return td;
};
const share = (v, total) => el("td", { className: "dim" }, v ? percent(v, total) : "·");

function renderTop() {
  const { total, rows } = listFunctions(state);
  const states = hasStates ? STATES.filter((s) => rows.some((r) => r.states[s])) : [];
  const value = { flat: (r) => r.flat, cum: (r) => r.cum, name: (r) => r.flat };
  for (const s of states) value[s] = (r) => r.states[s] || 0;
  const by = value[state.sort] || value.cum;
  const name = (r) => profile.functions[r.fn].n;
  rows.sort(state.sort === "name" ? (a, b) => (name(a) < name(b) ? -1 : 1) : (a, b) => by(b) - by(a) || b.cum - a.cum || (name(a) < name(b) ? -1 : 1));
  const found = match ? rows.filter((r) => match(name(r))) : rows;
  const head = (key, text, cls = "") => {
    const th = el("th", { className: cls, scope: "col" }, el("button", { type: "button", onclick: () => go({ sort: key }) }, text));
    if (state.sort === key) th.setAttribute("aria-sort", key === "name" ? "ascending" : "descending");
    return th;
  };
  const body = el("tbody");
  for (const r of state.all ? found : found.slice(0, ROWS)) {
    const tr = el("tr", { className: "row" + (match ? " marked" : ""), onclick: () => go({ view: "calls", fn: r.fn }) }, amount(r.flat, total), share(r.flat, total), amount(r.cum, total), share(r.cum, total));
    for (const s of states) tr.append(el("td", { className: "dim" }, r.states[s] ? show(r.states[s], unit()) : "·"));
    tr.append(nameCell(r.fn));
    body.append(tr);
  }
  const heads = [head("flat", "flat"), el("th", { scope: "col" }, "flat %"), head("cum", "cum"), el("th", { scope: "col" }, "cum %"), ...states.map((s) => head(s, s)), head("name", "function", "name")];
  $("top").replaceChildren(el("table", { className: "list" }, el("thead", {}, el("tr", {}, ...heads)), body));
  if (!state.all && found.length > ROWS) $("top").append(el("button", { type: "button", className: "more", onclick: () => go({ all: true }, true) }, `${found.length - ROWS} more`));
  say(`${found.length} of ${rows.length} functions; ${show(total, unit())} ${profile.types[state.type].type} in all. cum is what a function and all that it calls took${states.length ? "; the states are of cum" : ""}. Click one for its callers.`);
}

function renderCalls() {
  let fn = state.fn;
  if (fn < 0) fn = listFunctions(state).rows.sort((a, b) => b.flat - a.flat)[0]?.fn ?? -1;
  if (fn < 0) {
    $("calls").replaceChildren();
    return say("Nothing of this sample type is chosen.");
  }
  const c = listCalls(state, fn);
  const f = profile.functions[fn];
  const list = (title, rows, none) => {
    const body = el("tbody");
    for (const r of rows) {
      const name = r.fn < 0 ? none : profile.functions[r.fn].n;
      const tr = el("tr", { className: (r.fn < 0 ? "" : "row") + (match && r.fn >= 0 && match(name) ? " marked" : "") }, amount(r.value, c.cum), share(r.value, c.cum), nameCell(r.fn, name));
      if (r.fn >= 0) tr.onclick = () => go({ fn: r.fn });
      body.append(tr);
    }
    return el("div", {}, el("h3", {}, title), el("table", { className: "list" }, body));
  };
  const callees = c.flat ? [{ fn: -1, value: c.flat }, ...c.callees].sort((a, b) => b.value - a.value) : c.callees;
  $("calls").replaceChildren(
    el("div", { className: "chosen" }, el("b", {}, f.n), el("div", {}, el("small", {}, f.f ? f.f + (f.l ? ":" + f.l : "") : "")),
      el("div", { className: "num" }, `${show(c.cum, unit())} in all (${percent(c.cum, c.total)}), ${show(c.flat, unit())} itself`),
      el("button", { type: "button", className: "more", onclick: () => go({ view: "flame", zoom: "", q: "^" + f.n.replace(/[.*+?^${}()|[\]\\]/g, "\\$&") + "$" }) }, "Mark in the flame graph")),
    el("div", { className: "pair" }, list("called by", c.callers, "(nobody: it is a root)"), list("spent in", callees, "(itself)")));
  say("Click a function to go on from it.");
}

function say(text) {
  const missing = profile.negative[state.type];
  $("status").textContent = text + (missing ? ` Not shown: negative values, ${show(missing, unit())} in all.` : "") + (profile.cut ? ` Not whole: ${profile.cut}.` : "");
}

function setTheme(name) {
  document.documentElement.dataset.theme = name;
  document.documentElement.style.colorScheme = name;
  if (chart && state.view === "flame") chart.update();
}

function setUp() {
  profile.types.forEach((t, i) => $("type").append(el("option", { value: i }, t.unit && t.unit !== "count" ? `${t.type} (${t.unit})` : t.type)));
  $("type").onchange = () => go({ type: Number($("type").value) });
  $("group").append(el("option", { value: "" }, "nothing"));
  for (const l of filterLabels) {
    $("group").append(el("option", { value: l }, l));
    const s = el("select", {}, el("option", { value: "" }, "all"), ...valuesOf(l).map((v) => el("option", { value: v }, v)));
    s.dataset.label = l;
    s.onchange = () => {
      const filters = { ...state.filters };
      if (s.value) filters[l] = s.value;
      else delete filters[l];
      go({ filters, zoom: "" });
    };
    $("filters").append(el("label", {}, l + " ", s));
  }
  $("group").onchange = () => go({ group: $("group").value, zoom: "" });
  $("color").onchange = () => go({ color: $("color").value });
  $("search").oninput = () => go({ q: $("search").value }, state.q !== "" && $("search").value !== "");
  for (const a of document.querySelectorAll("#views a")) a.onclick = (e) => { e.preventDefault(); go({ view: a.dataset.view }); };
  addEventListener("keydown", (e) => {
    if (e.key === "/" && document.activeElement !== $("search")) { e.preventDefault(); $("search").focus(); }
    if (e.key === "Escape") { $("search").value = ""; $("search").blur(); go({ q: "", zoom: "" }); }
  });
  let waiting = 0;
  addEventListener("resize", () => { clearTimeout(waiting); waiting = setTimeout(() => state.view === "flame" && render(), 100); });
  const dl = el("dl");
  const line = (name, text) => text && dl.append(el("dt", {}, name), el("dd", {}, text));
  line("file", profile.title);
  line("begins", profile.begins);
  line("lasts", profile.lasts ? show(profile.lasts, "nanoseconds") : "");
  line("sample types", profile.types.map((t) => `${t.type} (${t.unit})`).join(", "));
  for (const c of profile.comments || []) line("comment", c);
  line("drawn by", "d3-flame-graph (Apache-2.0) and d3 (ISC), whose licences are in this page's source");
  $("about").append(dl);
  $("about-button").onclick = () => { $("about").hidden = !$("about").hidden; $("about-button").setAttribute("aria-expanded", String(!$("about").hidden)); };
  const dark = matchMedia("(prefers-color-scheme: dark)");
  setTheme(dark.matches ? "dark" : "light");
  dark.addEventListener("change", () => setTheme(dark.matches ? "dark" : "light"));
  $("theme").onclick = () => setTheme(document.documentElement.dataset.theme === "dark" ? "light" : "dark");
}

setUp();
render();
