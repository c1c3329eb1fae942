// One key in full: rename it in place, and set the other columns of its rows. What somebody typed is never thrown away.

import { get } from "./api.js";
import { perform, complain } from "./acting.js";
import { button, find, make, shown } from "./dom.js";
import { literal } from "./words.js";

const open = { key: null, seen: 0, at: null };

const dirty = () => [...find("detail").querySelectorAll("input")].some((one) => one.value !== one.defaultValue);

/** Show a key; `focus` puts the focus on its name. */
export async function detail(key, seen, focus = false) {
  if (key === null || (key !== open.key && dirty() && !leave())) return;
  const [rows, told] = await Promise.all([get(`/rows?key=${encodeURIComponent(key)}`), get(`/explanation?key=${encodeURIComponent(key)}`).catch(() => null)]);
  if (key === open.key && dirty()) return; // what is being typed stays; the note above the fields says what happened
  Object.assign(open, { key, seen });
  draw(rows.data, told);
  if (focus) find("detail").querySelector("input")?.focus();
}

/** An operation came in: show the key anew, but keep what is being typed. */
export function changed(event, newest) {
  if (open.key === null) return;
  if (event.keys && !event.keys.includes(open.key)) {
    return;
  }
  if (!dirty()) return void detail(open.key, newest).catch(complain);
  find("detail").querySelector(".stale").replaceChildren(
    `${event.user} changed this key in @${event.number}. What you typed is still here. `,
    button("Show theirs", () => { reset(); detail(open.key, newest).catch(complain); }),
    button("Keep mine", () => { open.seen = newest; find("detail").querySelector(".stale").replaceChildren(); }));
}

function leave() {
  complain({ detail: `What you typed for ${shown(open.key)} is not saved.`, hint: "Press Enter to save it, or Escape to drop it." });
  find("detail").querySelector("input")?.focus();
  return false;
}

const reset = () => { for (const one of find("detail").querySelectorAll("input")) one.value = one.defaultValue; };

function draw(data, told) {
  const holders = Object.entries(data.rows).filter(([, rows]) => rows.length);
  const name = make("input", { value: data.key, "aria-label": "Rename", spellcheck: "false", autocomplete: "off", keydown: (event) => keys(event, () => rename(name.value)) });
  const lines = holders.flatMap(([system, rows]) => rows.map((row, i) => make("fieldset", { class: "of-system" }, make("legend", {}, system),
    ...data.columns[system].filter((one) => one !== "key").map((column) => cell(system, column, row, rows.length > 1, i)))));
  find("detail").hidden = false;
  find("detail").replaceChildren(
    make("h2", { id: "detail-title" }, shown(data.key)),
    make("p", { class: "stale", role: "status" }),
    make("label", { class: "wide" }, "Spelling in every system that holds it ", name),
    ...(lines.length ? lines : [make("p", {}, "No system holds this very spelling.")]),
    make("details", {}, make("summary", {}, "All about it"), make("pre", {}, told ? [told.text, ...told.said].join("\n") : "")));
}

function cell(system, column, row, several, i) {
  const input = make("input", { value: row[column], "aria-label": `${column} in ${system}${several ? `, row ${i + 1}` : ""}`, title: several ? "Set in every row of the key" : null,
    spellcheck: "false", keydown: (event) => keys(event, () => set(system, column, input)) });
  return make("label", {}, `${column} `, input);
}

function keys(event, save) {
  if (event.key === "Enter") save();
  else if (event.key === "Escape") event.target.value = event.target.defaultValue;
}

async function set(system, column, input) {
  const answer = await perform("set-value", { system, key: literal(open.key), column, value: input.value, seen: open.seen });
  if (!answer) return;
  input.defaultValue = input.value;
  open.seen = answer.data.operation ?? open.seen;
}

async function rename(to) {
  const answer = await perform("modify-key", { keys: [literal(open.key)], to, seen: open.seen });
  if (!answer) return;
  reset();
  await detail(to, answer.data.operation ?? open.seen);
}
