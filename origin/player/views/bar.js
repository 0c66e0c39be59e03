// The bar at the foot of the page: what is playing, and its controls.

import { h, setText } from "../dom.js";
import { codec, names } from "../format.js";
import { icon } from "../icons.js";
import { cover } from "./cover.js";
import { Buttons, Seek, Volume } from "./transport.js";

export class Bar {
  #shown = {};

  /** @param openPanel (view | null) => void: "lyrics", "quality", or whatever it showed last */
  constructor(player, openPanel) {
    this.player = player;
    this.buttons = new Buttons(player);
    this.seek = new Seek(player);
    this.volume = new Volume(player);
    this.cover = h("span", { class: "frame" });
    this.title = h("span", { class: "title" });
    this.by = h("span", { class: "by" });
    this.open = h(
      "button",
      { type: "button", class: "what", "aria-label": "Now playing", onclick: () => openPanel(null) },
      this.cover,
      h("span", { class: "names" }, this.title, this.by),
    );
    this.quality = h("span", {});
    this.signal = h(
      "button",
      { type: "button", class: "pill quality", onclick: () => openPanel("quality") },
      icon("signal"),
      this.quality,
    );
    this.lyrics = h(
      "button",
      {
        type: "button",
        class: "round words",
        "aria-label": "Lyrics",
        onclick: () => openPanel("lyrics"),
      },
      icon("lyrics"),
    );
    this.element = h(
      "footer",
      { class: "bar", "aria-label": "Player", hidden: true },
      this.open,
      h("div", { class: "middle" }, this.buttons.element, this.seek.element),
      h("div", { class: "right" }, this.lyrics, this.signal, this.volume.element),
    );
    player.addEventListener("change", () => this.update());
  }

  update() {
    const { player } = this;
    const { track } = player;
    this.element.hidden = track === null;
    document.body.classList.toggle("has-bar", track !== null);
    if (track === null) return;
    const { track: shown, release } = this.#shown;
    if (track !== shown || track.release !== release) this.#show(track);
    this.element.classList.toggle("failed", player.error !== null);
    setText(this.by, player.error ? player.error.message : names(track.artists ?? []));
    this.buttons.update();
    this.seek.update();
    this.volume.update();
    this.lyrics.hidden = !player.deck?.playback?.lyrics?.length;
    const heard = player.deck?.heard;
    setText(this.quality, heard ? codec(heard) : "Quality");
    const mode = player.quality === null ? "adaptive" : "fixed";
    this.signal.setAttribute("aria-label", `Quality: ${heard ? codec(heard) : "starting"}, ${mode}`);
  }

  #show(track) {
    this.#shown = { track, release: track.release };
    this.cover.replaceChildren(cover(track.release ?? { title: track.title }, "52px"));
    setText(this.title, track.title);
  }
}
