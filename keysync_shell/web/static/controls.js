// The buttons for what the shell can do: each asks for what it needs, and tells the line that does it there.

import { call, download, get } from "./api.js";
import { ask, complain, look, perform, tell } from "./acting.js";
import { button, find, make, number } from "./dom.js";
import { chosen, grid } from "./grid.js";
import { literal, pasted } from "./words.js";

const field = (label, name, attributes = {}) => make("label", {}, `${label} `, make("input", { name, ...attributes }));
const area = (label, name) => make("label", {}, label, make("textarea", { name, rows: 5, spellcheck: "false" }));

function choice(label, name, values, chosenValue) {
  const options = values.map((value) => make("option", { value, selected: value === chosenValue }, value));
  return make("label", {}, `${label} `, make("select", { name }, ...options));
}

function systems(label = "Systems", some = grid.systems) {
  const boxes = grid.systems.map((name) => make("label", {}, make("input", { type: "checkbox", name: "systems", value: name, checked: some.includes(name) }), ` ${name}`));
  return make("fieldset", {}, make("legend", {}, label), ...boxes);
}

const values = (form) => Object.fromEntries(new FormData(form));
const named = (form) => new FormData(form).getAll("systems").join(",");

/** What a field says as KEYS: lines are keys as they are; where keys are looked up, they may be patterns. */
const keysOf = (text, lookedUp) => pasted(text).map((line) => (lookedUp && /[*?[]|\.\.|^\w+:| [-|&] /.test(line) ? line : literal(line)));

const marked = () => (grid.focus.key === null ? "" : chosen().join("\n"));

function keysField(lookedUp) {
  const made = area(lookedUp ? "Keys, one a line; also CUST-0*, gap:D, 'A - D'" : "Keys, one a line; paste a list", "keys");
  if (lookedUp) made.querySelector("textarea").value = marked();
  return made;
}

async function initialize() {
  const given = await ask("Initialize: the same keys in every system", [
    field("How many keys", "keys", { type: "number", value: 1000, min: 1 }),
    field("They look like", "key_format", { value: "CUST-{n:05}" }),
    choice("Drifted apart as real systems", "scenario", ["no", "normal", "drift", "failure", "recovery"], "no"),
  ], "Initialize", values);
  if (!given) return;
  const keys = Number(given.keys);
  if (given.scenario === "no") await perform("init", { keys, key_format: given.key_format });
  else await perform("mock", { keys, scenario: given.scenario });
}

async function reset() {
  const given = await ask("Reset", [choice("To", "to", ["the keys of the last init, in sync", "no keys at all"])], "Reset", values);
  if (given) await perform("reset", { empty: given.to === "no keys at all" });
}

async function save() {
  const given = await ask("Save all systems as a snapshot", [field("Name", "name", { required: true }), field("Note", "note")], "Save", values);
  if (given) await look("save-state", given);
}

async function load() {
  const { snapshots } = (await get("/snapshots")).data;
  if (!snapshots.length) return complain({ detail: "There are no snapshots yet.", hint: "Save one first." });
  const names = snapshots.map((one) => one.name);
  const zip = button("Download", () => download(`/snapshots/${zip.form.elements.name.value}`, `${zip.form.elements.name.value}.zip`));
  const given = await ask("Load a snapshot", [choice("Snapshot", "name", names), zip], "Load", values);
  if (given) await perform("load-state", { name: given.name });
}

async function add() {
  const given = await ask("Add keys", [keysField(false), systems()], "Add", (form) => ({ keys: keysOf(values(form).keys, false), systems: named(form) }));
  if (given) await perform("add-key", given);
}

async function remove() {
  const given = await ask("Remove keys", [keysField(true), systems()], "Remove", (form) => ({ keys: keysOf(values(form).keys, true), systems: named(form) }));
  if (given) await perform("remove-key", given);
}

async function modify() {
  const ways = { "this spelling": "to", "other capitals": "case", "a space": "space" };
  const given = await ask("Modify keys", [
    keysField(true), choice("With", "way", Object.keys(ways)),
    field("Spelling; or upper, lower, title, swap; or leading, trailing, both, inner", "value"), systems(),
  ], "Modify", (form) => ({ keys: keysOf(values(form).keys, true), systems: named(form), [ways[values(form).way]]: values(form).value }));
  if (given) await perform("modify-key", given);
}

const DAMAGE = ["case", "space", "tab", "nbsp", "delimiter", "zero-pad", "homoglyph", "truncate", "transpose", "junk", "empty", "control", "repeat"];

async function corrupt() {
  const given = await ask("Damage keys as real systems do", [
    choice("How", "kind", DAMAGE), field("Keys in each system", "count", { type: "number", value: 5, min: 1 }), systems("Systems", grid.systems.slice(1)),
  ], "Corrupt", (form) => ({ kind: values(form).kind, count: Number(values(form).count), systems: named(form) }));
  if (given) await perform("corrupt", given);
}

async function plan() {
  const answer = await call("POST", "/commands/plan", {}).catch(complain);
  if (!answer) return;
  const go = await ask("What a reconciliation would do", [make("pre", {}, [answer.text, ...answer.said].join("\n"))], "Carry it out");
  if (go) await perform("apply", {});
}

const CONTROLS = [
  ["Initialize", initialize], ["Reset", reset], ["Save", save], ["Load", load],
  ["Add keys", add], ["Remove keys", remove], ["Modify keys", modify], ["Corrupt", corrupt],
  ["Plan", plan], ["Predict", () => look("predict")], ["Reconcile", () => look("reconcile")],
  ["Compare", () => look("compare")], ["Report", () => look("report")],
];

/** The row of buttons. */
export function controls() {
  const safely = (work) => async () => {
    try {
      await work();
    } catch (problem) {
      complain(problem);
    }
  };
  find("controls").replaceChildren(...CONTROLS.map(([name, work]) => button(name, safely(work))));
}

/** Undo and redo, with what they would take back. */
export async function travel() {
  const said = (await get("/travel")).data;
  const held = find("travel").contains(document.activeElement) ? document.activeElement.textContent : null;
  const buttons = ["undo", "redo"].map((way) => {
    const what = said[way] ?? `There is nothing to ${way}.`;
    const name = way[0].toUpperCase() + way.slice(1);
    return button(name, () => perform(way, {}), { title: what, "aria-label": `${name}: ${what}`, disabled: said[way] === null });
  });
  find("travel").replaceChildren(...buttons);
  buttons.find((one) => one.textContent === held)?.focus();
}

/** Replace a system by a CSV that somebody dropped on it. */
export async function upload(file, system) {
  const answer = await perform("import", {}, (more) => {
    const query = new URLSearchParams(more);
    return call("PUT", `/systems/${system}?${query}`, new Blob([file], { type: "text/csv" }), { "Content-Type": "text/csv" });
  });
  if (answer) tell({ said: [`${file.name}: ${number(file.size)} bytes`], line: answer.line });
}
