// The now-playing panel: the whole screen of a phone, a drawer at the side of a desktop.

import { h, setText } from "../dom.js";
import { names } from "../format.js";
import { icon } from "../icons.js";
import { cover, tint } from "./cover.js";
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
    this.album = h("a", { class: "album-link", onclick: () => this.close() });
    const close = h(
      "button",
      { type: "button", class: "round close", "aria-label": "Close", onclick: () => this.close() },
      icon("down"),
    );
    this.element = h(
      "dialog",
      { class: "panel", "aria-label": "Now playing" },
      h("div", { class: "panel-top" }, close, this.album),
      h(
        "div",
        { class: "panel-what" },
        this.cover,
        h("div", { class: "panel-names" }, this.title, this.by),
      ),
      h("div", { class: "panel-controls" }, this.seek.element, this.buttons.element),
      new Signal(player, meter).element,
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

  toggle() {
    if (this.element.open) this.close();
    else this.open();
  }

  open() {
    this.element.close();
    if (matchMedia(PHONE).matches) this.element.showModal();
    else this.element.show();
    document.body.classList.toggle("has-panel", true);
    this.element.scrollTop = 0;
  }

  close() {
    this.element.close();
    document.body.classList.toggle("has-panel", false);
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
  }

  #show(track) {
    this.#shown = { track, release: track.release };
    this.cover.replaceChildren(cover(track.release ?? { title: track.title }));
    setText(this.title, track.title);
    setText(this.album, track.release?.title ?? "");
    this.album.hidden = !track.release;
    if (track.release) this.album.href = `#/releases/${track.release.id}`;
    tint(this.element, track.release);
  }
}
