// Scenarios: run one, step by step or at once; its checkpoints go green or red.

import { call, get } from "./api.js";
import { complain, say } from "./acting.js";
import { button, find, make } from "./dom.js";

const SIGNS = { passed: "✓", failed: "✗", trouble: "!", skipped: "·" };
const run = { number: null, under_way: false };

/** Build the controls. */
export async function build() {
  const { scenarios } = (await get("/scenarios")).data;
  const options = scenarios.filter((one) => !one.fault).map((one) => make("option", { value: one.name, title: one.description }, one.name));
  const name = make("select", { "aria-label": "Scenario", change: () => about(scenarios, name.value) }, ...options);
  const acts = [
    ["Run", () => begin(name.value, false)], ["Step", () => (run.number && !run.under_way ? act("step") : begin(name.value, true))],
    ["Pause", () => act("pause")], ["Resume", () => act("resume")], ["Abort", () => act("abort").then(show)],
  ];
  find("scenarios").replaceChildren(make("div", { class: "buttons" }, name, ...acts.map(([text, work]) => button(text, () => work()?.catch?.(complain), { id: `scenario-${text.toLowerCase()}` }))),
    make("p", { id: "scenario-about", class: "small" }), make("p", { id: "scenario-said", role: "status" }), make("ol", { id: "steps" }));
  about(scenarios, name.value);
  buttons();
}

function about(scenarios, name) {
  const one = scenarios.find((each) => each.name === name);
  find("scenario-about").textContent = one ? one.description : "There are no scenarios.";
}

/** A run has moved. */
export function heard(event) {
  if (event.run !== run.number) return;
  run.under_way = event.verdict === "running";
  buttons();
  show().catch(complain);
}

async function begin(name, step) {
  run.number = null;
  const answer = await call("POST", "/scenario-runs", { names: [name], step });
  run.number = answer.data.run;
  await show();
}

async function act(what) {
  const answer = await call("POST", `/scenario-runs/${run.number}/${what}`, {});
  say(`${what}: run ${run.number}`);
  return answer;
}

async function show() {
  const [report] = (await get(`/scenario-runs/${run.number}`)).data.reports;
  find("scenario-said").textContent = `Run ${run.number}, ${report.name}: ${report.verdict}${report.reason ? `. ${report.reason}` : ""}`;
  find("steps").replaceChildren(...report.played.map((one) => make("li", { class: `${one.word} ${one.result}` }, `${SIGNS[one.result]} ${one.text}`,
    ...one.mismatches.map((miss) => make("p", { class: "small" }, `expected ${miss.expected}, ${miss.actual}`)))));
  run.open = report.verdict === "paused";
  buttons();
}

function buttons() {
  find("scenario-pause").disabled = !run.under_way;
  for (const name of ["resume", "abort"]) find(`scenario-${name}`).disabled = run.under_way || !run.open;
}
