// The controls of the player, made twice: in the bar, and in the panel that covers a phone.

import { h, setText } from "../dom.js";
import { clock } from "../format.js";
import { icon, setIcon } from "../icons.js";
import { Slider } from "./slider.js";

function button(name, label, onclick, className = "") {
  return h("button", { type: "button", class: `round ${className}`, "aria-label": label, onclick }, icon(name));
}

/** Previous, play or pause, next. */
export class Buttons {
  constructor(player) {
    this.player = player;
    this.previous = button("previous", "Previous", () => player.previous());
    this.toggle = button("play", "Play", () => player.toggle(), "toggle");
    this.next = button("next", "Next", () => player.next());
    this.element = h("div", { class: "buttons" }, this.previous, this.toggle, this.next);
  }

  update() {
    const { player } = this;
    setIcon(this.toggle, player.playing ? "pause" : "play");
    this.toggle.setAttribute("aria-label", player.playing ? "Pause" : "Play");
    this.toggle.classList.toggle("busy", player.playing && player.deck.waiting);
    this.next.disabled = !player.hasNext;
  }
}

/** The position in the track, to read and to drag. */
export class Seek {
  constructor(player) {
    this.player = player;
    this.now = h("span", { class: "time" }, clock(0));
    this.end = h("span", { class: "time" }, clock(0));
    this.slider = new Slider({
      label: "Position",
      step: "any",
      className: "seek",
      onInput: (value) => setText(this.now, clock(value)),
      onCommit: (value) => player.seek(value),
      say: (value) => `${clock(value)} of ${clock(player.duration)}`,
    });
    // The browser's own step of "any" is too small for arrow keys.
    this.slider.element.addEventListener("keydown", (event) => {
      const by = { ArrowLeft: -5, ArrowDown: -5, ArrowRight: 5, ArrowUp: 5 }[event.key];
      if (!by) return;
      event.preventDefault();
      player.seek(player.position + by);
    });
    this.element = h("div", { class: "seekbar" }, this.now, this.slider.element, this.end);
  }

  update() {
    const { player } = this;
    this.slider.show(player.position, {
      max: player.duration,
      loaded: player.deck?.bufferedTo ?? 0,
    });
    setText(this.now, clock(this.slider.value));
    setText(this.end, clock(player.duration));
  }
}

/** Mute, and loudness. */
export class Volume {
  constructor(player) {
    this.player = player;
    this.mute = button("loud", "Mute", () => player.toggleMute());
    this.slider = new Slider({
      label: "Volume",
      step: 0.01,
      className: "loudness",
      onInput: (value) => player.setVolume(value),
      say: (value) => `${Math.round(value * 100)} percent`,
    });
    // Letting go does no more than each movement did.
    this.element = h("div", { class: "volume" }, this.mute, this.slider.element);
  }

  update() {
    const { player } = this;
    const silent = player.muted || player.volume === 0;
    setIcon(this.mute, silent ? "mute" : "loud");
    this.mute.setAttribute("aria-label", player.muted ? "Unmute" : "Mute");
    this.slider.show(silent ? 0 : player.volume);
  }
}
