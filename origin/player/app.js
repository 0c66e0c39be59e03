// Where the page starts: a session, then the player and the views, then the address bar's wishes.

import { Api, Problem } from "./api.js";
import { h, setText } from "./dom.js";
import { names } from "./format.js";
import { connectMediaSession } from "./mediasession.js";
import { Meter } from "./meter.js";
import { Player } from "./player.js";
import { currentSession, endSession, saveSession } from "./session.js";
import { connectShortcuts } from "./shortcuts.js";
import { Bar } from "./views/bar.js";
import { albumsView, albumView, songsView } from "./views/library.js";
import { Panel } from "./views/panel.js";
import { signInView } from "./views/signin.js";
import { markCurrent } from "./views/tracklist.js";

const main = document.getElementById("main");
const announcer = document.getElementById("announcer");

let api = null;
let navigation = 0; // the latest wish; an answer to an earlier one is dropped

const player = new Player({
  track: (id) => api.playback(id),
  release: (id) => api.releasePlayback(id),
});
const panel = new Panel(player, new Meter(player));
const bar = new Bar(player, (view) => panel.toggle(view));
document.body.append(bar.element, panel.element);
connectMediaSession(player);
connectShortcuts(player);

const context = {
  player,
  get api() {
    return api;
  },
};

const ROUTES = [
  { pattern: /^#\/releases\/([^/]+)$/, tab: "albums", view: (id) => albumView(context, id) },
  { pattern: /^#\/songs$/, tab: "songs", view: () => songsView(context) },
  { pattern: /^/, tab: "albums", view: () => albumsView(context) },
];

// What a refusal of the server means to a listener, where its own words are for programs.
const PLAINLY = {
  404: "This is not here, or not any more.",
  429: "Too much was asked for at once. Wait a moment, and try again.",
};

function askForSession(why = null) {
  navigation += 1;
  endSession();
  player.stop();
  api = null;
  document.body.classList.add("signed-out");
  main.replaceChildren(
    signInView(why, (token) => {
      saveSession(token);
      start();
    }),
  );
}

/** Show what went wrong in place of the view; a dead session asks for another. */
function failed(error) {
  if (error instanceof Problem && error.status === 401) {
    askForSession("Your session has ended. Open the link again, or paste a new access token.");
    return;
  }
  const isGone = error.status === 404;
  const text = PLAINLY[error.status] ?? error.message;
  const onward = isGone
    ? h("a", { class: "pill", href: "#/" }, "All albums")
    : h("button", { type: "button", class: "pill", onclick: () => show() }, "Try again");
  main.replaceChildren(
    h("section", { class: "page" }, h("p", { class: "empty", role: "alert" }, text), onward),
  );
}

async function show() {
  navigation += 1;
  const wish = navigation;
  const { pattern, tab, view } = ROUTES.find((route) => route.pattern.test(location.hash));
  for (const link of document.querySelectorAll("[data-tab]")) {
    if (link.dataset.tab === tab) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  main.setAttribute("aria-busy", "true");
  try {
    const element = await view(...(pattern.exec(location.hash).slice(1).map(decodeURIComponent)));
    if (wish !== navigation) return;
    const hadFocus = main.contains(document.activeElement);
    main.replaceChildren(element);
    if (hadFocus) main.focus({ preventScroll: true }); // it would fall back to the page's beginning
    markCurrent(main, player);
    window.scrollTo(0, 0);
  } catch (error) {
    if (wish === navigation) failed(error);
  } finally {
    if (wish === navigation) main.removeAttribute("aria-busy");
  }
}

function start() {
  const token = currentSession();
  if (!token) {
    askForSession();
    return;
  }
  api = new Api(token);
  document.body.classList.remove("signed-out");
  show();
}

const completed = new WeakSet();

/** A song from a list of songs knows its release by id only: find the title and the cover. */
async function complete(track) {
  if (!track?.release_id || track.release || completed.has(track)) return;
  completed.add(track);
  try {
    track.release = await api.release(track.release_id);
    player.dispatchEvent(new Event("change"));
  } catch {
    // It plays on under the stand-in cover.
  }
}

player.addEventListener("change", () => {
  markCurrent(main, player);
  const { track } = player;
  complete(track);
  document.title = track ? `${track.title} · ${names(track.artists ?? [])}` : "Headwater";
  setText(announcer, track ? `Now playing ${track.title}` : "");
});
player.addEventListener("failure", () => {
  const { error } = player;
  if (error instanceof Problem && error.status === 401) failed(error);
  else setText(announcer, `Playback failed: ${error.message}`);
});
// A button whose request was refused has no place of its own to say so.
window.addEventListener("unhandledrejection", ({ reason }) => {
  if (reason instanceof Problem) failed(reason);
});
window.addEventListener("pagehide", () => api?.stop());
window.addEventListener("hashchange", () => {
  if (location.hash.startsWith("#session=")) start();
  else if (api) show();
});

start();
