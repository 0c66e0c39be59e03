// A whole release on one deck, so that its tracks follow each other without a gap. To the player
// it is a deck like any other, whose track changes under way.

import { Deck } from "./deck.js";

// Albums are played so by what can cut media to the sample (see engines/windows.js).
const GAPLESS_ENGINES = ["shaka-dash"];

/** Whether an engine plays releases in one piece here. */
export const playsReleases = (engineId) => GAPLESS_ENGINES.includes(engineId);

export class ReleaseDeck extends Deck {
  #tracks; // as the page knows them, in the queue's order
  #onTrack;
  #isOpen = false;

  /**
   * @param tracks the tracks of the release, in order; @param first the one to begin with
   * @param hooks those of a deck, and onTrack(track) when another one is heard
   */
  constructor(tracks, first, engineId, ask, hooks) {
    super(first, engineId, ask, hooks);
    this.#tracks = tracks;
    this.#onTrack = hooks.onTrack;
    this.audio.addEventListener("timeupdate", () => this.#follow());
    this.audio.addEventListener("seeking", () => this.#follow());
  }

  get offset() {
    return this.#described(this.track)?.start_s ?? 0;
  }

  /** The newest answer for the release, and in it what is of the track that is heard. */
  get playback() {
    return this.access.playback && { ...this.access.playback, ...this.#described(this.track) };
  }

  /** Whether the deck can go to a track by itself. */
  holds(track) {
    return this.#tracks.includes(track) && this.#described(track) !== undefined;
  }

  goTo(track) {
    this.#select(track);
    this.position = 0;
  }

  async opened() {
    await super.opened();
    if (!this.#described(this.track)) throw new Error("the release has no such track");
    this.#isOpen = true;
    this.#select(this.track);
  }

  #described(track) {
    return this.access.playback?.tracks.find(({ track_id: id }) => id === track.id);
  }

  #select(track) {
    this.track = track;
    this.audio.dataset.track = track.id;
    this.audio.dataset.offset = this.offset;
  }

  #follow() {
    const tracks = this.access.playback?.tracks;
    // A seek to a start may arrive a microsecond before it.
    const heard = tracks?.findLast(({ start_s: start }) => start <= this.audio.currentTime + 0.001);
    if (!this.#isOpen || !heard || heard.track_id === this.track.id) return;
    const track = this.#tracks.find(({ id }) => id === heard.track_id);
    if (!track) return;
    this.#select(track);
    this.#onTrack(track);
  }
}
