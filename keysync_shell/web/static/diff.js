// The difference between any two of now, operations, snapshots and systems; it follows what happens.

import { get } from "./api.js";
import { button, find, make, number, shown } from "./dom.js";

const MOST = 200;
const sides = { left: "", right: "now" };
let rows = [], place = -1, goTo;

/** Build the form; `go` shows a key in the grid. */
export function build(go, systems) {
  goTo = go;
  sides.left = systems[0];
  sides.right = systems[1] ?? "now";
  const input = (side) => make("input", { value: sides[side], list: "sides", "aria-label": side === "left" ? "From" : "To", size: 10, spellcheck: "false",
    change: (event) => { sides[side] = event.target.value.trim(); refresh(); } });
  find("diff").replaceChildren(
    make("datalist", { id: "sides" }),
    make("div", { class: "buttons" }, input("left"), "→", input("right"), button("Previous", () => step(-1)), button("Next", () => step(1))),
    make("p", { id: "diff-said", role: "status" }), make("ol", { id: "diff-rows" }));
}

/** Compare anew. */
export async function refresh() {
  const said = find("diff-said");
  try {
    const query = new URLSearchParams({ ...sides, limit: MOST });
    const { counts, differences } = (await get(`/diff?${query}`)).data;
    rows = differences;
    const total = counts.added + counts.removed + counts.altered;
    said.textContent = total ? `+${number(counts.added)} −${number(counts.removed)} ~${number(counts.altered)}${total > MOST ? `; the first ${MOST} are here` : ""}` : "No difference.";
  } catch (problem) {
    rows = [];
    said.textContent = [problem.detail, problem.hint].filter(Boolean).join(" ");
  }
  place = Math.min(place, rows.length - 1);
  find("diff-rows").replaceChildren(...rows.map((one, i) => make("li", {}, button(`${one.sign} ${one.system ?? ""} ${shown(one.key)}${one.became ? ` → ${shown(one.became)}` : ""}`, () => at(i), { "aria-current": i === place ? "true" : null }))));
}

/** What the sides may be. */
export function offer(systems, snapshots, operations) {
  const words = ["now", ...systems, ...snapshots, ...operations.map((one) => `@${one.number}`)];
  find("sides").replaceChildren(...words.map((value) => make("option", { value })));
}

/** The next difference by key, or the one before. */
export function step(by) {
  if (rows.length) at((place + by + rows.length) % rows.length);
}

function at(i) {
  place = i;
  [...find("diff-rows").querySelectorAll("button")].forEach((one, j) => (j === i ? one.setAttribute("aria-current", "true") : one.removeAttribute("aria-current")));
  goTo(rows[i].key);
}
