// The page that masters are sent in from: tus-js-client for the bytes, then the job's own events.

import { h, setText } from "./dom.js";

const KEY = "headwater.uploads";
const FRAGMENT = /^#session=([^&]+)/;
const ENDPOINT = "/api/v1/uploads";
const CHUNK_BYTES = 64 << 20;
const RETRY_MS = [0, 1000, 3000, 5000, 10000, 20000];
const STAGES = {
  start: "Waits for its turn",
  probe: "Is looked at",
  encode: "Is encoded",
  package: "Is packaged",
  store: "Is stored",
  publish: "Is published",
};

const one = (selector) => document.querySelector(selector);
const session = one("#session");
const said = one("#said");

function token() {
  const handed = FRAGMENT.exec(location.hash);
  if (handed) {
    sessionStorage.setItem(KEY, decodeURIComponent(handed[1]));
    history.replaceState(null, "", location.pathname);
  }
  return sessionStorage.getItem(KEY);
}

function showSession() {
  const known = Boolean(token());
  session.hidden = known;
  said.hidden = !known;
}

/** What the form says; what is of one recording only where one is sent. */
function fields(isAlone) {
  const values = [...new FormData(said)].filter(([, text]) => typeof text === "string" && text.trim());
  return Object.fromEntries(values.filter(([name]) => isAlone || !["title", "isrc"].includes(name)));
}

class Row {
  constructor(name) {
    this.title = h("span", { class: "title" }, name);
    this.button = h("button", { class: "pill", type: "button" }, "Cancel");
    this.bar = h("progress", { max: "1", value: "0", "aria-label": name });
    this.state = h("span", { class: "state" }, "Begins");
    this.element = h("li", {}, this.title, this.button, this.bar, this.state);
    this.name = name;
    one("#sent").prepend(this.element);
  }

  tell(text, part) {
    setText(this.state, text);
    if (part !== undefined) this.bar.value = part;
  }

  end(text, kind) {
    this.element.classList.add(kind);
    this.button.remove();
    this.tell(text, kind === "done" ? 1 : 0);
    setText(one("#announcer"), `${this.name}: ${text}`);
  }
}

function send(file, isAlone) {
  const row = new Row(file.name);
  const upload = new window.tus.Upload(file, {
    endpoint: ENDPOINT,
    chunkSize: CHUNK_BYTES,
    retryDelays: RETRY_MS,
    removeFingerprintOnSuccess: true,
    metadata: { filename: file.name, ...fields(isAlone) },
    onBeforeRequest: (request) => request.setHeader("Authorization", `Bearer ${token()}`),
    onProgress: (sent, all) =>
      row.tell(sent < all ? `${percent(sent / all)} sent of ${size(all)}` : "Has come, is checked", sent / all),
    onError: (error) => row.end(reason(error), "failed"),
    onSuccess: ({ lastResponse }) => {
      row.button.remove();
      watch(lastResponse.getHeader("Headwater-Job"), row);
    },
  });
  row.button.addEventListener("click", async () => {
    await upload.abort(true).catch(() => {}); // what came of it expires in any case
    row.end("Canceled", "failed");
  });
  begin(upload, row);
}

/** Go on with what came of the same file with the same words, or begin. */
async function begin(upload, row) {
  const words = JSON.stringify(upload.options.metadata);
  const before = await upload.findPreviousUploads().catch(() => []);
  const same = before.find(({ metadata }) => JSON.stringify(metadata) === words);
  if (same) upload.resumeFromPreviousUpload(same);
  if (row.button.isConnected) upload.start(); // it may have been canceled by now
}

/** Follow a job to its end. */
async function watch(url, row) {
  row.tell("Is a job now", 0);
  const headers = { Authorization: `Bearer ${token()}` };
  const answer = await fetch(new URL(url).pathname, { headers }).catch(() => null);
  if (!answer?.ok) {
    const why = answer ? answer.status : "the origin cannot be reached";
    row.end(`It came whole and is worked on; its job cannot be looked at (${why}).`, "failed");
    return;
  }
  const job = await answer.json();
  const { pathname, search } = new URL(job.events);
  const events = new EventSource(pathname + search);
  const show = ({ data }) => {
    const now = JSON.parse(data);
    row.tell(cause(now) ?? `${STAGES[now.stage] ?? now.stage} · ${percent(now.progress)}`, now.progress);
    return now;
  };
  events.onmessage = show;
  events.onerror = () => {
    // It tries again by itself, unless it was refused.
    if (events.readyState !== EventSource.CLOSED) row.tell("Is worked on; the connection is made again");
    else row.end("It is worked on, but can be followed no longer: send nothing again.", "failed");
  };
  events.addEventListener("end", (event) => {
    events.close();
    const ended = show(event);
    if (ended.state === "done") row.end("Can be listened to", "done");
    else row.end(cause(ended) ?? ended.state, "failed");
  });
}

/** Why a job does not go on, without the file's name: the row has it. */
const cause = ({ error }) => error?.replace(/^.*?\.\w{2,5}: /, "");

function reason(error) {
  try {
    const problem = JSON.parse(error.originalResponse.getBody());
    if (problem.status === 401) {
      sessionStorage.removeItem(KEY);
      one("#token").value = "";
      showSession();
    }
    return problem.detail ?? problem.title;
  } catch {
    return "The origin cannot be reached. Choose the file again to go on.";
  }
}

const percent = (part) => `${Math.round(part * 100)}%`;
const size = (bytes) => (bytes < 1e6 ? `${Math.ceil(bytes / 1e3)} kB` : `${(bytes / 1e6).toFixed(1)} MB`);

function take(files) {
  for (const file of files) send(file, files.length === 1);
  for (const name of ["title", "isrc"]) said.elements[name].value = ""; // the next one has others
}

session.addEventListener("submit", (event) => {
  event.preventDefault();
  sessionStorage.setItem(KEY, one("#token").value.trim());
  showSession();
});
one("#files").addEventListener("change", (event) => {
  take([...event.target.files]);
  event.target.value = "";
});
const drop = one("#drop");
for (const name of ["dragover", "dragleave", "drop"]) {
  drop.addEventListener(name, (event) => {
    event.preventDefault();
    drop.classList.toggle("over", name === "dragover");
    if (name === "drop") take([...event.dataTransfer.files]);
  });
}
// Dropped beside the place for it, a file would take the page's place, and end what is sent.
for (const name of ["dragover", "drop"]) {
  window.addEventListener(name, (event) => event.preventDefault());
}
said.addEventListener("submit", (event) => event.preventDefault());
window.addEventListener("hashchange", showSession); // a link with a session, opened in this tab
showSession();
