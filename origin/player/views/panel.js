// The now-playing panel: the whole screen of a phone, a drawer at the side of a desktop.

import { h, setText } from "../dom.js";
import { names } from "../format.js";
import { icon } from "../icons.js";
import { preference, setPreference } from "../preferences.js";
import { cover, tint } from "./cover.js";
import { Lyrics } from "./lyrics.js";
import { Signal } from "./signal.js";
import { Buttons, Seek } from "./transport.js";

const PHONE = "(max-width: 759px)";

export class Panel {
  #shown = {};

  constructor(player, meter) {
    this.player = player;
    this.buttons = new Buttons(player);
    this.seek = new Seek(player);
    this.cover = h("span", { class: "frame" });
    this.title = h("h2", { class: "title" });
    this.by = h("p", { class: "by" });
    this.lyrics = new Lyrics(player);
    this.signal = new Signal(player, meter).element;
    this.switch = Object.fromEntries(
      [
        ["lyrics", "Lyrics"],
        ["quality", "Quality"],
      ].map(([view, label]) => [
        view,
        h("button", { type: "button", onclick: () => this.#choose(view) }, label),
      ]),
    );
    this.album = h("a", { class: "album-link", onclick: () => this.close() });
    const close = h(
      "button",
      { type: "button", class: "round close", "aria-label": "Close", onclick: () => this.close() },
      icon("down"),
    );
    this.element = h(
      "dialog",
      { class: "panel", "aria-label": "Now playing" },
      h(
        "div",
        { class: "panel-top" },
        close,
        this.album,
        h("div", { class: "switch" }, Object.values(this.switch)),
      ),
      h(
        "div",
        { class: "panel-what" },
        this.cover,
        h("div", { class: "panel-names" }, this.title, this.by),
      ),
      h("div", { class: "panel-controls" }, this.seek.element, this.buttons.element),
      this.lyrics.element,
      this.signal,
    );
    // A drawer is not modal, so the browser does not close it by itself.
    this.element.addEventListener("keydown", (event) => {
      if (event.key === "Escape") this.close();
    });
    player.addEventListener("change", () => this.update());
    // Turned or resized, an open panel becomes the other kind.
    matchMedia(PHONE).addEventListener("change", () => {
      if (this.element.open) this.open();
    });
  }

  /** Open it with a view, or with the one that it had; close it where it shows that already. */
  toggle(view = null) {
    const shown = this.#view;
    if (view !== null) this.#choose(view);
    if (!this.element.open) this.open();
    else if (view === null || view === shown) this.close();
  }

  open() {
    this.element.close();
    if (matchMedia(PHONE).matches) this.element.showModal();
    else this.element.show();
    document.body.classList.toggle("has-panel", true);
    this.element.scrollTop = 0;
    this.#arrange();
  }

  /** What is shown below the track's name: lyrics where that was chosen and there are any. */
  get #view() {
    const chosen = preference("panel", "quality");
    return chosen === "lyrics" && this.lyrics.expected ? "lyrics" : "quality";
  }

  #choose(view) {
    setPreference("panel", view);
    this.#arrange();
  }

  #arrange() {
    const view = this.#view;
    this.element.classList.toggle("with-lyrics", view === "lyrics");
    this.signal.hidden = view === "lyrics";
    for (const [name, button] of Object.entries(this.switch)) {
      button.setAttribute("aria-pressed", String(name === view));
      button.parentElement.hidden = !this.lyrics.expected;
    }
    const visible = view === "lyrics" && this.element.open;
    if (visible === this.lyrics.element.hidden) this.lyrics.show(visible);
  }

  close() {
    this.element.close();
    document.body.classList.toggle("has-panel", false);
    this.#arrange();
  }

  update() {
    const { track, error } = this.player;
    if (track === null) {
      if (this.element.open) this.close();
      return;
    }
    const { track: shown, release } = this.#shown;
    if (track !== shown || track.release !== release) this.#show(track);
    setText(this.by, error ? error.message : names(track.artists ?? []));
    this.element.classList.toggle("failed", error !== null);
    this.buttons.update();
    this.seek.update();
    this.#arrange();
  }

  #show(track) {
    this.#shown = { track, release: track.release };
    this.cover.replaceChildren(
      cover(track.release ?? { title: track.title }, "(max-width: 759px) 90vw, 104px"),
    );
    setText(this.title, track.title);
    setText(this.album, track.release?.title ?? "");
    this.album.hidden = !track.release;
    if (track.release) this.album.href = `#/releases/${track.release.id}`;
    tint(this.element, track.release);
  }
}
