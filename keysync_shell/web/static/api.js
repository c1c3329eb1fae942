// The API: the token of the fragment, calls, and events that go on by themselves after a break.

const token = new URLSearchParams(location.hash.slice(1)).get("token") ?? "";
const base = "/api/v1";
export const hasToken = token !== "";

/** A problem as RFC 9457 has it. */
export class Problem extends Error {
  constructor(data) {
    super(data.detail);
    Object.assign(this, data);
  }
}

const OFFLINE = { detail: "The server does not answer.", hint: "Is `keysync-shell serve` running?", kind: "offline" };

/** The whole answer of a call. Raises Problem. */
export async function call(method, path, body, headers = {}) {
  const upload = body instanceof Blob;
  const sent = { Authorization: `Bearer ${token}`, Prefer: "return=text", ...headers };
  if (body !== undefined && !upload) sent["Content-Type"] = "application/json";
  let answer;
  try {
    const content = body === undefined || upload ? body : JSON.stringify(body);
    answer = await fetch(base + path, { method, headers: sent, body: content, cache: "no-store" });
  } catch {
    throw new Problem(OFFLINE);
  }
  const data = await answer.json().catch(() => ({ detail: `The server said ${answer.status}.`, hint: "" }));
  if (!answer.ok) throw new Problem({ ...data, kind: (data.type ?? "").split(":").pop() });
  return data;
}

export const get = (path) => call("GET", path);

/** A change: sent again with the same key until somebody answers, so it is done once. */
export async function change(path, body, tries = 3) {
  const headers = { "Idempotency-Key": crypto.randomUUID() };
  for (let left = tries; ; left -= 1) {
    try {
      return await call("POST", path, body, headers);
    } catch (problem) {
      if (problem.kind !== "offline" || left <= 1) throw problem;
      await new Promise((done) => setTimeout(done, 700));
    }
  }
}

/** A file of the API, for saving. */
export async function download(path, name) {
  const answer = await fetch(base + path, { headers: { Authorization: `Bearer ${token}` } });
  const link = document.createElement("a");
  link.href = URL.createObjectURL(await answer.blob());
  link.download = name;
  link.click();
  URL.revokeObjectURL(link.href);
}

/** Listen for ever. `heard(kind, data)` takes events; `online(yes)` says whether somebody is there. */
export async function listen(heard, online) {
  const client = crypto.randomUUID();
  for (let last = null, pause = 250; ; pause = Math.min(pause * 2, 5000)) {
    try {
      const headers = { Authorization: `Bearer ${token}`, "X-Client-Id": client };
      if (last !== null) headers["Last-Event-ID"] = last;
      const answer = await fetch(`${base}/events`, { headers, cache: "no-store" });
      if (answer.ok) {
        online(true);
        pause = 250;
        last = await read(answer.body, heard, last);
      }
    } catch {
      // the server is gone, or not there yet: try again
    }
    online(false);
    await new Promise((done) => setTimeout(done, pause));
  }
}

async function read(stream, heard, last) {
  const reader = stream.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return last;
      const blocks = (rest + value).split("\n\n");
      rest = blocks.pop();
      for (const block of blocks) {
        const fields = Object.fromEntries(block.split("\n").map((line) => line.split(/: (.*)/s, 2)));
        if (fields.id) last = fields.id;
        if (fields.event) heard(fields.event, JSON.parse(fields.data));
      }
    }
  } catch {
    return last;
  }
}
