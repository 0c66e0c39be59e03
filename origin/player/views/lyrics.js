// The lyrics of the track that plays: they follow the music, and a click on a line goes there.

import { h, setText } from "../dom.js";
import { parseText, parseVtt, preferred } from "../lyrics.js";

const FOLLOW_AGAIN_MS = 4000; // after the listener has scrolled
const REST_AT = 0.36; // how far down the current line comes to rest

const names = new Intl.DisplayNames(navigator.languages, { type: "language", fallback: "code" });
const languageName = (tag) => (tag === "und" ? "Lyrics" : names.of(tag));

export class Lyrics {
  #lines = []; // {start, end, words, element, wordElements}
  #current = -1;
  #source = null; // what is loaded, or on its way
  #chosen = null; // a language, if the listener picked one
  #scrolledAt = -Infinity; // when the listener last did so by hand
  #frame = 0;

  constructor(player) {
    this.player = player;
    this.list = h("ol", { class: "lines" });
    this.note = h("p", { class: "empty", hidden: true });
    this.language = h("select", {
      "aria-label": "Language of the lyrics",
      hidden: true,
      onchange: () => {
        this.#chosen = this.language.value;
        this.#load();
      },
    });
    this.scroller = h("div", { class: "lyrics-scroller", tabindex: "0" }, this.list, this.note);
    this.element = h(
      "section",
      { class: "lyrics", "aria-label": "Lyrics", hidden: true },
      this.language,
      this.scroller,
    );
    const scrolled = () => {
      this.#scrolledAt = performance.now();
    };
    for (const kind of ["wheel", "touchmove", "keydown"]) {
      this.scroller.addEventListener(kind, scrolled, { passive: true });
    }
    player.addEventListener("change", () => this.update());
  }

  /** The texts there are, as the playback answer lists them. */
  get available() {
    return this.player.deck?.playback?.lyrics ?? [];
  }

  /** Whether there is something to show, or the origin has not yet said that there is not. */
  get expected() {
    return !this.player.deck?.playback || this.available.length > 0;
  }

  show(visible) {
    this.element.hidden = !visible;
    this.update();
    if (visible) this.#follow(true);
  }

  update() {
    if (this.element.hidden) return;
    this.#load();
    this.#tick();
  }

  async #load() {
    const { track, deck } = this.player;
    const chosen =
      this.available.find(({ language }) => language === this.#chosen) ?? preferred(this.available);
    const source = `${track?.id} ${chosen?.language ?? ""}`;
    if (source === this.#source) return;
    this.#source = source;
    this.#offer(chosen);
    this.#fill([], "");
    if (!chosen) {
      // Until the origin has answered nobody knows.
      this.#fill([], deck?.playback ? "There are no lyrics for this song." : "");
      return;
    }
    try {
      const response = await fetch(await deck.access.url(chosen.url));
      if (!response.ok) throw new Error(`status ${response.status}`);
      const text = await response.text();
      if (source !== this.#source) return;
      this.#fill(chosen.synced ? parseVtt(text) : parseText(text.trim()), "", chosen);
    } catch {
      if (source === this.#source) this.#fill([], "The lyrics could not be loaded.");
    }
  }

  #offer(chosen) {
    const options = this.available.map(({ language }) =>
      h("option", { value: language }, languageName(language)),
    );
    this.language.replaceChildren(...options);
    this.language.hidden = options.length < 2;
    if (chosen) this.language.value = chosen.language;
  }

  #fill(lines, note, { language = "", synced = false } = {}) {
    this.#current = -1;
    this.#scrolledAt = -Infinity;
    this.#lines = lines.map((line, index) => this.#line(line, lines[index - 1]));
    this.list.replaceChildren(...this.#lines.map(({ element }) => h("li", {}, element)));
    this.list.classList.toggle("synced", synced);
    if (language && language !== "und") this.list.lang = language;
    else this.list.removeAttribute("lang");
    setText(this.note, note);
    this.note.hidden = note === "";
    this.scroller.scrollTop = 0;
    this.#tick();
  }

  #line(line, before) {
    const wordElements = line.words.map(({ text }) => h("span", { class: "word" }, text));
    if (line.start === null) {
      return { ...line, wordElements, element: h("p", { class: "line" }, wordElements) };
    }
    // A name only where somebody else begins.
    const voice =
      line.voice && line.voice !== before?.voice ? h("span", { class: "voice" }, line.voice) : null;
    const element = h(
      "button",
      { type: "button", class: "line", onclick: () => this.#goTo(line.start) },
      voice,
      wordElements,
    );
    return { ...line, wordElements, element };
  }

  #goTo(start) {
    this.#scrolledAt = -Infinity;
    this.player.seek(start);
  }

  /** Mark what is sung now; again with every frame for as long as it plays in sight. */
  #tick() {
    cancelAnimationFrame(this.#frame);
    if (this.element.hidden || !this.list.classList.contains("synced")) return;
    const now = this.player.position;
    const current = this.#lines.findLastIndex(({ start }) => start <= now);
    if (current !== this.#current) this.#mark(current);
    const line = this.#lines[current];
    line?.words.forEach(({ start }, index) => {
      line.wordElements[index].classList.toggle("sung", start <= now);
    });
    // Between two verses nothing is sung.
    line?.element.classList.toggle("over", line.end <= now);
    if (this.player.playing) this.#frame = requestAnimationFrame(() => this.#tick());
  }

  #mark(current) {
    const before = this.#current;
    this.#current = current;
    this.#lines.forEach(({ element }, index) => {
      element.classList.toggle("past", index < current);
      if (index === current) element.setAttribute("aria-current", "true");
      else element.removeAttribute("aria-current");
    });
    // A jump is not scrolled through.
    this.#follow(Math.abs(current - before) > 3);
  }

  #follow(atOnce) {
    const line = this.#lines[this.#current];
    if (!line || performance.now() - this.#scrolledAt < FOLLOW_AGAIN_MS) return;
    const { scroller } = this;
    const offset =
      line.element.getBoundingClientRect().top - scroller.getBoundingClientRect().top;
    const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
    scroller.scrollTo({
      top: scroller.scrollTop + offset - scroller.clientHeight * REST_AT,
      behavior: atOnce || still ? "instant" : "smooth",
    });
  }
}
