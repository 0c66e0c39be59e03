// One track on one audio element with one engine. Every track gets a deck of its own, so that the
// next one can be made ready while this one plays, and no engine inherits another's media keys.

import { Access } from "./access.js";
import { engineById } from "./engines/index.js";

// So close to the end, with all of it loaded, a player that waits has nothing to wait for.
const LAST_S = 0.15;

export class Deck {
  #engine = null;
  #loaded = false;
  #quality = null; // the rendition wanted, by name
  #hooks;
  #destroyed = false;

  /**
   * @param hooks onChange() when anything shown may differ, onEnded(), onError({code, message}),
   *   onMoved() when the track's media has been replaced at the origin
   */
  constructor(track, engineId, ask, hooks) {
    this.track = track;
    this.engine = engineById(engineId);
    this.rendition = null; // the one that is heard, by name
    this.switches = 0;
    this.waiting = true;
    this.#hooks = hooks;
    this.access = new Access(ask, () => hooks.onMoved());
    this.audio = document.createElement("audio");
    this.audio.preload = "auto";
    this.audio.dataset.track = track.id;
    document.body.append(this.audio);
    this.#listen();
  }

  /** Get the media flowing, paused at a position; throws the API's problem or the engine's. */
  async prepare(position, quality) {
    this.#quality = quality;
    await this.opened();
    const Engine = await this.engine.module();
    if (this.#destroyed) return;
    this.#engine = new Engine(this.audio, this.access, {
      onRendition: (name) => this.#heard(name),
      onError: (error) => this.#fail(error),
    });
    await this.#engine.load(this.offset + position);
    if (this.#destroyed) return;
    this.#loaded = true;
    if (this.#quality !== null) this.choose(this.#quality); // which may be a newer wish
  }

  /** Ask for the media. */
  opened() {
    return this.access.open();
  }

  /** Where the track begins in what the engine plays, seconds. */
  get offset() {
    return 0;
  }

  /** The playback answer of the track; null before it came. */
  get playback() {
    return this.access.playback;
  }

  /** Seconds into the track. */
  get position() {
    return this.audio.currentTime - this.offset;
  }

  set position(seconds) {
    this.audio.currentTime = this.offset + seconds;
  }

  async play() {
    try {
      await this.audio.play();
    } catch (error) {
      // Paused or replaced before it began, or the browser wants a click first: all show as paused.
      if (!["AbortError", "NotAllowedError"].includes(error.name)) throw error;
    }
  }

  /** Keep to one rendition by name, or adapt (null, or a name that this track lacks). */
  choose(name) {
    this.#quality = name;
    if (!this.#loaded) return; // an engine that is still loading would forget it
    this.#engine.choose(this.#engine.names().includes(name) ? name : null);
  }

  /** The renditions that the engine can play here, as the playback answer describes them. */
  get renditions() {
    const names = this.#loaded ? this.#engine.names() : [];
    const all = this.playback?.renditions ?? [];
    return all.filter((rendition) => names.includes(rendition.name));
  }

  get heard() {
    return this.renditions.find((rendition) => rendition.name === this.rendition) ?? null;
  }

  get bandwidth() {
    return this.#loaded ? this.#engine.bandwidth() : null;
  }

  get duration() {
    return this.playback?.duration_s ?? this.track.duration_s;
  }

  /** Where the media that is loaded without a hole from here on ends, seconds into the track. */
  get bufferedTo() {
    const { buffered, currentTime } = this.audio;
    for (let i = 0; i < buffered.length; i += 1) {
      // A hair before the first frame still counts: an edit list may start a track at 0.02 s.
      if (buffered.start(i) <= currentTime + 0.1 && currentTime <= buffered.end(i)) {
        return buffered.end(i) - this.offset;
      }
    }
    return this.position;
  }

  async destroy() {
    this.#destroyed = true;
    this.#loaded = false;
    this.audio.pause();
    this.audio.remove();
    await this.#engine?.destroy();
  }

  #listen() {
    const changed = () => !this.#destroyed && this.#hooks.onChange();
    for (const kind of ["play", "pause", "timeupdate", "progress", "durationchange", "seeking"]) {
      this.audio.addEventListener(kind, changed);
    }
    for (const [kind, waiting] of [["waiting", true], ["canplay", false], ["playing", false]]) {
      this.audio.addEventListener(kind, () => {
        this.waiting = waiting;
        changed();
      });
    }
    this.audio.addEventListener("ended", () => this.#ended());
    this.audio.addEventListener("waiting", () => this.#isOver() && this.#ended());
  }

  /**
   * Whether nothing more will be heard although the element has not said "ended". It never says so
   * where dash.js 5.2.1 (which looks every 200 ms) is earlier to see the end, and seeks there; and
   * after a change of renditions Chromium may wait for a last frame that is not there.
   */
  #isOver() {
    const { buffered, currentTime, duration } = this.audio;
    const loaded = buffered.length === 0 ? 0 : buffered.end(buffered.length - 1);
    return duration - Math.min(currentTime, loaded) < LAST_S;
  }

  #ended() {
    if (!this.#destroyed) this.#hooks.onEnded();
  }

  #heard(name) {
    if (name === this.rendition) return;
    if (this.rendition !== null) this.switches += 1;
    this.rendition = name;
    this.#hooks.onChange();
  }

  #fail(error) {
    // When the origin refused a new token, that is the cause and the engine's words are not.
    this.#hooks.onError(this.access.problem ?? error);
  }
}
