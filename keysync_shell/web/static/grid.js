// The grid: keys down, systems across. Only what can be seen is in the page; rows come from the server as they are needed.

import { get } from "./api.js";
import { find, make, number, shown } from "./dom.js";
import { firstRow, height, scrollTop, selectors } from "./words.js";

const ROW = 28;
const WINDOW = 200;

export const grid = {
  systems: [],
  total: 0,
  first: 0,
  fitting: 10,
  loaded: { offset: 0, keys: [] },
  focus: { key: null, row: 0, column: 0 }, // column 0 is the key itself
  marked: new Set(),
  filter: { search: "", kind: "", pattern: "" },
  at: null, // the operation that is looked at; null: now
  carrying: null, // what somebody moves by keyboard or mouse
  flashing: new Set(),
  dragging: false,
};

let body, scroller, asked = 0, timer = null;
const doing = {};

/** Build the grid; `actions` are told what somebody wants: toggle, drop, preview, select. */
export function build(systems, actions) {
  Object.assign(doing, actions);
  grid.systems = systems;
  const names = systems.map((name, i) =>
    make("span", { role: "columnheader", class: "system", "data-system": name, "aria-colindex": i + 2 }, name),
  );
  const head = make("div", { role: "row", class: "row head", "aria-rowindex": 1 },
    make("span", { role: "columnheader", "aria-colindex": 1 }, "Key"), ...names,
    make("span", { role: "columnheader", "aria-colindex": systems.length + 2 }, "Findings"));
  body = make("div", { role: "rowgroup", class: "rows" });
  scroller = make("div", { class: "scroller", role: "presentation" }, make("div", { class: "space", role: "presentation" }, body));
  const foot = make("div", { role: "row", class: "row foot", id: "sums" });
  find("grid").replaceChildren(make("div", { role: "rowgroup" }, head), scroller, make("div", { role: "rowgroup" }, foot));
  find("grid").style.setProperty("--systems", systems.length);
  scroller.addEventListener("scroll", scrolled);
  scroller.addEventListener("wheel", wheeled, { passive: false });
  find("grid").addEventListener("keydown", pressed);
  body.addEventListener("click", clicked);
  dragging();
  new ResizeObserver(resized).observe(scroller);
}

/** The sums below the grid. */
export function sums(state) {
  const cells = state.systems.map((one) => make("span", { role: "gridcell" }, number(one.rows)));
  const wrong = Object.entries(state.discrepancies).filter(([, count]) => count).map(([name, count]) => `${name} ${number(count)}`);
  find("sums").replaceChildren(make("span", { role: "rowheader" }, `${number(grid.total)} keys`), ...cells,
    make("span", { role: "gridcell" }, wrong.join(", ") || "in sync"));
}

/** Load the window anew; it stays at the key that is first, wherever its row is now. */
export async function reload(key = grid.loaded.keys[grid.first - grid.loaded.offset]?.key, place = 0) {
  if (key === undefined || grid.first === 0 && place === 0) return load(0, 0);
  const page = await fetchWindow({ around: key, limit: WINDOW });
  if (page) put(page, Math.max(0, (page.row ?? page.offset) - place));
}

/** Show a key, focused; false if the filter leaves it out. */
export async function goTo(key) {
  const page = await fetchWindow({ around: key, limit: WINDOW });
  if (!page || page.row === null) return false;
  grid.focus = { ...grid.focus, key, row: page.row };
  put(page, Math.max(0, page.row - Math.floor(grid.fitting / 2)));
  focusCell();
  return true;
}

/** Another filter: from the first row on. */
export async function filtered(filter) {
  Object.assign(grid.filter, filter);
  grid.marked.clear();
  await load(0, 0);
}

/** Flash the keys that were just changed. */
export function flash(keys) {
  for (const key of keys) grid.flashing.add(key);
  setTimeout(() => {
    for (const key of keys) grid.flashing.delete(key);
    paint();
  }, 1500);
}

/** The keys that an action is about: the marked ones, or the one that has the focus. */
export const chosen = () => (grid.marked.size ? [...grid.marked] : [grid.focus.key]);

async function load(offset, first) {
  const page = await fetchWindow({ offset, limit: WINDOW });
  if (page) put(page, first);
}

async function fetchWindow(place) {
  const turn = (asked += 1);
  const query = new URLSearchParams(place);
  for (const word of selectors(grid.filter.search)) query.append("keys", word);
  if (grid.filter.kind) query.append("kinds", grid.filter.kind);
  if (grid.filter.pattern) query.set("pattern", grid.filter.pattern);
  if (grid.at !== null) query.set("at", grid.at);
  try {
    const page = (await get(`/keys?${query}`)).data;
    return turn === asked ? page : null; // somebody scrolled on meanwhile
  } catch (problem) {
    if (turn === asked) doing.trouble(problem);
    return null;
  }
}

function put(page, first) {
  grid.total = page.total;
  grid.loaded = { offset: page.offset, keys: page.keys };
  grid.first = Math.min(first, Math.max(0, page.total - grid.fitting));
  scroller.firstChild.style.height = `${height(grid.total, ROW)}px`;
  find("grid").setAttribute("aria-rowcount", grid.total + 2);
  scroller.scrollTop = scrollTop(grid.first, grid.total, ROW, grid.fitting);
  const at = page.keys.findIndex((row) => row.key === grid.focus.key);
  if (at >= 0) grid.focus.row = page.offset + at;
  paint();
  doing.painted?.();
}

function scrolled() {
  const first = firstRow(scroller.scrollTop, grid.total, ROW, grid.fitting);
  if (Math.abs(scrollTop(grid.first, grid.total, ROW, grid.fitting) - scroller.scrollTop) < 1) return;
  show(first);
}

function wheeled(event) {
  if (event.ctrlKey || event.deltaY === 0) return;
  const rows = Math.sign(event.deltaY) * Math.max(1, Math.round(Math.abs(event.deltaY) / ROW));
  const first = Math.min(Math.max(0, grid.first + rows), Math.max(0, grid.total - grid.fitting));
  if (first === grid.first) return; // let the page scroll
  event.preventDefault();
  scroller.scrollTop = scrollTop(first, grid.total, ROW, grid.fitting);
  show(first);
}

function show(first) {
  grid.first = first;
  paint();
  const { offset, keys } = grid.loaded;
  if (first < offset || Math.min(first + grid.fitting, grid.total) > offset + keys.length) {
    clearTimeout(timer);
    timer = setTimeout(() => load(Math.max(0, first - Math.floor(WINDOW / 2)), grid.first), 10);
  }
}

function resized() {
  find("grid").style.setProperty("--scrollbar", `${scroller.offsetWidth - scroller.clientWidth}px`);
  grid.fitting = Math.max(3, Math.floor(scroller.clientHeight / ROW));
  if (grid.systems.length) show(Math.min(grid.first, Math.max(0, grid.total - grid.fitting)));
}

/** Draw the rows that can be seen. */
export function paint() {
  if (grid.dragging) return; // a drag ends where its element leaves the page
  const held = body.contains(document.activeElement);
  const rows = [];
  for (let at = grid.first; at < Math.min(grid.total, grid.first + grid.fitting); at += 1) {
    const row = grid.loaded.keys[at - grid.loaded.offset];
    rows.push(row ? rowOf(row, at) : make("div", { role: "row", class: "row", "aria-rowindex": at + 2 }, make("span", { role: "gridcell" }, "…")));
  }
  body.replaceChildren(...rows);
  if (!body.querySelector("[tabindex='0']")) body.querySelector("[data-column]")?.setAttribute("tabindex", 0);
  if (held) focusCell();
}

/** Show where what is carried would go. */
export function aim() {
  for (const cell of body.querySelectorAll(".dot")) {
    const { row } = cell.parentElement;
    cell.classList.toggle("target", grid.carrying?.row === row?.key && grid.carrying?.target === cell.dataset.system);
  }
}

function rowOf(row, at) {
  const marked = grid.marked.has(row.key);
  const focused = (column) => (grid.focus.row === at && grid.focus.column === column ? 0 : -1);
  const name = make("span", { role: "rowheader", class: "key", "data-column": 0, tabindex: focused(0), title: shown(row.key) }, shown(row.key));
  const dots = grid.systems.map((system, i) => dot(row, system, i + 1, focused(i + 1)));
  const wrong = Object.entries(row.findings).map(([kind, systems]) => make("span", { class: `mark ${kind}` }, `${kind} ${systems.join("")}`));
  const flags = `row${marked ? " marked" : ""}${grid.flashing.has(row.key) ? " flash" : ""}`;
  const element = make("div", { role: "row", class: flags, "aria-rowindex": at + 2, "aria-selected": String(marked) },
    name, ...dots, make("span", { role: "gridcell", class: "marks" }, ...wrong));
  element.row = row;
  element.at = at;
  return element;
}

function dot(row, system, column, tabindex) {
  const holds = row.systems.includes(system);
  const twice = row.repeats.includes(system);
  const lacks = row.findings.gap?.includes(system);
  const sign = holds ? (twice ? "◉" : "●") : lacks ? "○" : "·";
  const carried = grid.carrying && grid.carrying.row === row.key && grid.carrying.target === system;
  const label = `${system}: ${holds ? (twice ? "several rows" : "holds it") : lacks ? "a gap" : "does not"}`;
  return make("span", {
    role: "gridcell", class: `dot${holds ? " on" : lacks ? " gap" : ""}${carried ? " target" : ""}`, "data-column": column,
    "data-system": system, tabindex, draggable: holds && grid.at === null ? "true" : null, "aria-label": label,
  }, sign);
}

/** Put the focus on the cell that has it. */
export function focusCell() {
  for (const element of body.querySelectorAll("[tabindex='0']")) element.setAttribute("tabindex", -1);
  const row = [...body.children].find((one) => one.at === grid.focus.row);
  const cell = row?.querySelector(`[data-column='${grid.focus.column}']`);
  cell?.setAttribute("tabindex", 0);
  cell?.focus({ preventScroll: true });
  if (row?.row) grid.focus.key = row.row.key;
}

function move(rows, columns) {
  const row = Math.min(Math.max(0, grid.focus.row + rows), grid.total - 1);
  const column = Math.min(Math.max(0, grid.focus.column + columns), grid.systems.length);
  grid.focus = { ...grid.focus, row, column };
  if (row < grid.first) goToRow(row);
  else if (row >= grid.first + grid.fitting) goToRow(row - grid.fitting + 1);
  focusCell();
  if (rows) doing.select(grid.focus.key);
}

function goToRow(first) {
  scroller.scrollTop = scrollTop(first, grid.total, ROW, grid.fitting);
  show(first);
}

const WAYS = {
  ArrowDown: [1, 0], ArrowUp: [-1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1],
  PageDown: [20, 0], PageUp: [-20, 0], Home: [-Infinity, 0], End: [Infinity, 0],
};

function pressed(event) {
  if (event.target.closest("input, select, textarea") || event.ctrlKey || event.altKey || event.metaKey) return;
  const system = grid.systems[grid.focus.column - 1];
  if (grid.carrying) return carried(event);
  if (WAYS[event.key]) move(...WAYS[event.key]);
  else if (event.key === " ") system ? doing.toggle(rowAt(), system) : doing.select(grid.focus.key);
  else if (event.key === "Enter") doing.select(grid.focus.key, true);
  else if (event.key === "x") mark(grid.focus.key);
  else if ((event.key === "m" || event.key === "c") && system && rowAt()?.systems.includes(system)) doing.lift(system, event.key === "c");
  else return;
  event.preventDefault();
}

function carried(event) {
  const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
  const { systems, carrying } = grid;
  if (step) {
    let at = systems.indexOf(carrying.target ?? carrying.source);
    do at = (at + step + systems.length) % systems.length; while (systems[at] === carrying.source);
    doing.over(systems[at]);
  } else if (event.key === "Enter") doing.drop();
  else if (event.key === "Escape") doing.letGo();
  else return;
  event.preventDefault();
}

const rowAt = () => grid.loaded.keys[grid.focus.row - grid.loaded.offset];

function mark(key) {
  if (!grid.marked.delete(key)) grid.marked.add(key);
  paint();
}

function clicked(event) {
  const cell = event.target.closest("[data-column]");
  const element = cell?.parentElement;
  if (!element?.row) return;
  grid.focus = { key: element.row.key, row: element.at, column: Number(cell.dataset.column) };
  focusCell();
  if (cell.dataset.system) doing.toggle(element.row, cell.dataset.system);
  else if (event.ctrlKey || event.metaKey || event.shiftKey) mark(element.row.key);
  else doing.select(element.row.key);
}

function dragging() {
  const element = find("grid");
  element.addEventListener("dragstart", (event) => {
    const cell = event.target.closest("[data-system]");
    const row = cell?.parentElement.row;
    if (!row) return;
    grid.focus = { key: row.key, row: cell.parentElement.at, column: Number(cell.dataset.column) };
    event.dataTransfer.setData("text/plain", row.key);
    event.dataTransfer.effectAllowed = "copyMove";
    grid.dragging = true;
    doing.lift(cell.dataset.system, event.ctrlKey);
  });
  element.addEventListener("dragover", (event) => {
    const system = event.target.closest("[data-system]")?.dataset.system;
    if (!system) return;
    event.preventDefault();
    if (grid.carrying && system !== grid.carrying.source) doing.over(system, event.ctrlKey);
  });
  element.addEventListener("drop", (event) => {
    event.preventDefault();
    grid.dragging = false;
    const [file] = event.dataTransfer.files;
    const system = event.target.closest("[data-system]")?.dataset.system;
    if (file && system) doing.upload(file, system);
    else if (grid.carrying?.target && system === grid.carrying.target) doing.drop();
    else doing.letGo();
  });
  element.addEventListener("dragend", () => {
    grid.dragging = false;
    if (grid.carrying) doing.letGo();
  });
}
