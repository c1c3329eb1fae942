// Pictures: which systems hold how many keys together, and discrepancies over the history.

import { draw, find, make, number } from "./dom.js";

/** The rows of the matrix; a click filters the grid. */
export function matrix(rows, systems, chosen, pick) {
  const most = Math.max(1, ...rows.map((row) => row.keys));
  const items = rows.map((row) => {
    const dots = systems.map((name) => make("span", { class: row.members.includes(name) ? "on" : "off" }, row.members.includes(name) ? "●" : "·"));
    const bar = make("span", { class: "bar" });
    bar.style.inlineSize = `${Math.max(1, (row.keys / most) * 100)}%`;
    return make("button", { type: "button", class: "pattern", "aria-pressed": String(row.pattern === chosen), click: () => pick(row.pattern === chosen ? "" : row.pattern) },
      make("span", { class: "members", "aria-hidden": "true" }, ...dots), make("span", { class: "meaning" }, row.meaning),
      make("span", { class: "count" }, number(row.keys)), make("span", { class: "track", "aria-hidden": "true" }, bar));
  });
  find("matrix").replaceChildren(...(items.length ? items : [make("p", { class: "small" }, "No keys.")]));
}

const WIDE = 400, HIGH = 90, EDGE = 8;

/** Discrepancies after each operation as a step line; a click looks at that moment. */
export function history(operations, at, look, tell) {
  const points = [...operations].reverse().filter((one) => one.discrepancies.length === 2)
    .map((one) => ({ number: one.number, line: one.line || one.kind, total: sum(one.discrepancies[1]) }));
  if (!points.length) return find("history").replaceChildren(make("p", { class: "small" }, "No operations yet."));
  const most = Math.max(1, ...points.map((one) => one.total));
  const x = (i) => EDGE + (points.length === 1 ? 0 : (i / (points.length - 1)) * (WIDE - 2 * EDGE));
  const y = (total) => HIGH - EDGE - (total / most) * (HIGH - 2 * EDGE);
  const steps = points.map((one, i) => `${i ? `H${x(i)}V` : `M${x(i)},`}${y(one.total)}`).join("");
  const marks = points.map((one, i) => draw("circle", { cx: x(i), cy: y(one.total), r: one.number === at ? 5 : 3, class: one.number === at ? "here" : "" }));
  const picture = draw("svg", { viewBox: `0 0 ${WIDE} ${HIGH}`, "aria-hidden": "true", click: (event) => {
    const box = picture.getBoundingClientRect();
    const way = ((event.clientX - box.left) / box.width) * WIDE;
    const nearest = points.reduce((best, one, i) => (Math.abs(x(i) - way) < Math.abs(x(best) - way) ? i : best), 0);
    look(points[nearest].number);
  } }, draw("path", { d: steps }), ...marks);
  const select = make("select", { "aria-label": "Look at an operation", change: () => look(select.value === "" ? null : Number(select.value)) },
    make("option", { value: "" }, "now"),
    ...[...points].reverse().map((one) => make("option", { value: one.number, selected: one.number === at }, `@${one.number} ${one.line} (${number(one.total)})`)));
  find("history").replaceChildren(picture, make("div", { class: "buttons" }, select, ...tell));
}

const sum = (counts) => Object.values(counts).reduce((total, one) => total + one, 0);
