// The page: what is where, what an event makes anew, and what a person can do with a key.

import { call, change, get, hasToken, listen } from "./api.js";
import { complain, perform, say } from "./acting.js";
import { controls, travel, upload } from "./controls.js";
import { changed as detailChanged, detail } from "./detail.js";
import * as diff from "./diff.js";
import { button, find, make, number, shown } from "./dom.js";
import * as rows from "./grid.js";
import { history, matrix } from "./pictures.js";
import * as scenarios from "./scenarios.js";
import { literal } from "./words.js";

const { grid } = rows;
const page = { newest: 0, built: false, online: false, state: null, operations: [], pending: false };
const STEPS = 100; // operations in the picture

/** What a carried dot would do, as the server works it out. */
async function preview(target, copy) {
  const carrying = grid.carrying;
  if (!carrying || (carrying.target === target && carrying.copy === copy)) return;
  Object.assign(carrying, { target, copy, digest: null });
  rows.aim();
  try {
    const answer = await call("POST", `/commands/${command(carrying)}`, { ...body(carrying), dry_run: true });
    if (grid.carrying !== carrying || carrying.target !== target) return;
    carrying.digest = answer.data.digest;
    say(answer.said.map((line) => line.trim()).join(" · ").replace(" (a dry run: nothing was changed)", ""));
  } catch (problem) {
    say(problem.detail);
  }
}

const command = (carrying) => (carrying.copy ? "copy-key" : "move-key");
const body = ({ keys, source, target }) => ({ keys: keys.map(literal), source, targets: target });

const actions = {
  async toggle(row, system) {
    if (!row || grid.at !== null) return;
    const name = row.systems.includes(system) ? "remove-key" : "add-key";
    const asked = { keys: [literal(row.key)], systems: system, seen: page.newest };
    await perform(name, name === "remove-key" ? { ...asked, yes: true } : asked);
  },
  lift(source, copy) {
    const keys = grid.marked.has(grid.focus.key) ? [...grid.marked] : [grid.focus.key];
    grid.carrying = { row: grid.focus.key, keys, source, target: null, copy, digest: null };
    const what = keys.length === 1 ? shown(keys[0]) : `${number(keys.length)} keys`;
    say(`${copy ? "Copying" : "Moving"} ${what} from ${source}. Choose a system.`);
  },
  over(target, copy = grid.carrying.copy) {
    preview(target, copy);
  },
  async drop() {
    const carrying = grid.carrying;
    if (!carrying?.target) return actions.letGo();
    grid.carrying = null;
    rows.paint();
    const name = command(carrying);
    const first = carrying.digest ? { approved: carrying.digest } : {};
    await perform(name, {}, (more) => change(`/commands/${name}`, { ...body(carrying), ...first, ...more }));
  },
  letGo() {
    grid.carrying = null;
    say("Put back; nothing was changed.");
    rows.paint();
  },
  select(key, focus = false) {
    detail(key, page.newest, focus).catch(complain);
  },
  upload: (file, system) => upload(file, system),
  trouble: complain,
  painted: () => page.state && rows.sums(page.state),
};

/** Everything that depends on the newest operation. */
async function refresh() {
  if (page.pending) return;
  page.pending = true;
  try {
    const at = grid.at === null ? "" : `?at=${grid.at}`;
    const [state, log] = await Promise.all([get(`/state${at}`), get(`/operations?limit=${STEPS}`)]);
    page.state = state.data;
    page.operations = log.data.operations;
    page.newest = page.operations[0]?.number ?? 0;
    if (!page.built) await build();
    rows.sums(page.state);
    status();
    kinds();
    await Promise.all([rows.reload(), pictures(), diff.refresh()]);
    travel().catch(complain);
  } catch (problem) {
    waiting(problem);
  } finally {
    page.pending = false;
  }
}

async function build() {
  page.built = true;
  const names = page.state.systems.map((one) => one.name);
  rows.build(names, actions);
  diff.build(show, names);
  await scenarios.build();
  const { snapshots } = (await get("/snapshots")).data;
  diff.offer(names, snapshots.map((one) => one.name), page.operations);
}

async function show(key) {
  if (!(await rows.goTo(key))) {
    await filter({ search: "", kind: "", pattern: "" });
    if (!(await rows.goTo(key))) say(`No system holds ${shown(key)} any more.`);
  }
}

async function pictures() {
  const found = (await get("/matrix")).data.rows;
  matrix(found, grid.systems, grid.filter.pattern, (pattern) => filter({ pattern }));
  const back = grid.at === null ? [] : [button("Restore", () => restore(grid.at)), button("Back to now", () => lookAt(null))];
  history(page.operations, grid.at, lookAt, back);
}

async function restore(at) {
  await lookAt(null);
  await perform("restore", { number: at });
}

async function lookAt(at) {
  grid.at = at;
  document.body.classList.toggle("past", at !== null);
  await refresh();
  say(at === null ? "This is now." : `This is how it was after @${at}; it cannot be changed.`);
}

function status() {
  const wrong = Object.values(page.state.discrepancies).reduce((total, one) => total + one, 0);
  const when = grid.at === null ? `@${page.newest}` : `as it was after @${grid.at}`;
  find("state").textContent = `${number(page.state.keys)} keys, ${number(page.state.in_sync)} in sync, ${number(wrong)} discrepancies · ${when}${page.online ? "" : " · offline"}`;
}

const KINDS = { gaps: "gap", unauthorized: "unauthorized", duplicates: "duplicate", variants: "variant", malformed: "malformed" };

function kinds() {
  const options = Object.entries(page.state.discrepancies).map(([plural, count]) => make("option", { value: KINDS[plural] ?? plural }, `${plural} (${number(count)})`));
  find("kind").replaceChildren(make("option", { value: "" }, "any"), ...options);
  find("kind").value = grid.filter.kind;
}

async function filter(more) {
  Object.assign(grid.filter, more);
  find("search").value = grid.filter.search;
  find("kind").value = grid.filter.kind;
  find("pattern").hidden = !grid.filter.pattern;
  find("pattern").textContent = `${grid.filter.pattern} ✕`;
  find("pattern").setAttribute("aria-label", `Pattern ${grid.filter.pattern}: show all`);
  await rows.filtered({});
  await pictures();
}

function waiting(problem) {
  if (problem.kind === "starting") {
    find("state").textContent = `Reading the sandbox: ${problem.progress}…`;
    setTimeout(refresh, 300);
  } else if (problem.kind === "offline") {
    online(false);
  } else {
    complain(problem);
  }
}

function online(yes) {
  const back = yes && !page.online;
  page.online = yes;
  document.body.classList.toggle("offline", !yes);
  if (page.state) status();
  else if (!yes) find("state").textContent = "The server does not answer; this page tries again by itself.";
  if (back) refresh();
}

function heard(kind, event) {
  if (kind === "operation") {
    page.newest = event.number;
    if (event.keys) rows.flash(event.keys);
    detailChanged(event, event.number);
    refresh().then(() => page.newest > (page.operations[0]?.number ?? 0) && refresh());
  } else if (kind === "changing") say("A file of the systems is being changed outside…");
  else if (kind === "trouble") complain({ detail: event.message, hint: event.hint });
  else if (kind === "scenario") scenarios.heard(event);
}

function start() {
  if (!hasToken) {
    find("state").textContent = "Open the whole address that `keysync-shell serve` printed: the token is missing.";
    return;
  }
  controls();
  let typing = null;
  find("search").addEventListener("input", () => {
    clearTimeout(typing);
    typing = setTimeout(() => filter({ search: find("search").value }), 150);
  });
  find("kind").addEventListener("change", () => filter({ kind: find("kind").value }));
  find("pattern").addEventListener("click", () => filter({ pattern: "" }));
  document.addEventListener("keydown", (event) => {
    if (event.target.closest("input, select, textarea, dialog") || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "n") diff.step(1);
    if (event.key === "p") diff.step(-1);
  });
  refresh();
  listen(heard, online);
}

start();
