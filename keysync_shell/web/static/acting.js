// Doing something: previews what would lose rows, tells what was done, and never drops what somebody typed.

import { call, change } from "./api.js";
import { button, find, make } from "./dom.js";

const KEPT = 30; // entries of what was done

/** Carry a command out; asks first where the server wants an approval. The answer, or null if it was not done. */
export async function perform(command, body, send = (more) => change(`/commands/${command}`, { ...body, ...more })) {
  let more = {};
  for (;;) {
    try {
      const answer = await send(more);
      tell(answer);
      return answer;
    } catch (problem) {
      if (!problem.preview) {
        complain(problem);
        return null;
      }
      if (!(await approved(problem))) return null;
      more = { approved: problem.preview.data.digest };
    }
  }
}

/** Without an operation of its own, so without a key: looks, runs, snapshots. */
export const look = (command, body = {}) => perform(command, body, () => call("POST", `/commands/${command}`, body));

async function approved(problem) {
  const title = problem.kind === "approval-needed" ? "Do it?" : "It is another change now. Do it?";
  return ask(title, [make("pre", {}, problem.preview.said.join("\n"))], "Do it", true);
}

/** A dialog; what `read` gives, or null if it was closed. */
export function ask(title, content, verb, read = () => true) {
  const dialog = find("dialog");
  return new Promise((done) => {
    const form = make("form", { method: "dialog" });
    const said = make("button", { value: "yes", class: "main" }, verb);
    const row = make("div", { class: "buttons" }, said, button("Cancel", () => dialog.close("")));
    form.append(make("h2", { id: "dialog-title" }, title), ...content, row);
    dialog.replaceChildren(form);
    dialog.returnValue = "";
    dialog.onclose = () => done(dialog.returnValue === "yes" ? (typeof read === "function" ? read(form) : read) : null);
    dialog.showModal();
  });
}

/** What was done, with the line that does it in the shell. */
export function tell(answer) {
  const words = [...(answer.said ?? []), ...(answer.warnings ?? []).map((one) => `warning: ${one}`)];
  const item = make("li", {}, line(answer.line), make("pre", {}, [answer.text?.trimEnd(), ...words].filter(Boolean).join("\n")));
  const list = find("told");
  list.prepend(item);
  while (list.children.length > KEPT) list.lastChild.remove();
  say(words[0] ?? "Done.");
}

function line(text) {
  const copy = button("Copy", async () => {
    await navigator.clipboard.writeText(text);
    copy.textContent = "Copied";
  });
  copy.setAttribute("aria-label", `Copy ${text}`);
  return make("p", { class: "line" }, make("code", {}, text), copy);
}

/** A problem, with what to do next. */
export function complain(problem) {
  const text = [problem.detail ?? String(problem), problem.hint].filter(Boolean).join(" ");
  const banner = find("banner");
  banner.replaceChildren(make("span", {}, text), button("Close", () => (banner.hidden = true)));
  banner.hidden = false;
}

/** For eyes and for screen readers. */
export function say(text) {
  find("words").textContent = text;
}
