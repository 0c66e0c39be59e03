// The player: a queue of tracks, the deck that plays one of them, and the deck that waits.
// It knows nothing of the page; views listen to its "change" event and read its state.

import { Problem } from "./api.js";
import { Deck } from "./deck.js";
import { ENGINES, engineById } from "./engines/index.js";
import { DEFAULT_MODE, gainDb, isAlbum, MODES, volumeWith } from "./normalization.js";
import { preference, setPreference } from "./preferences.js";
import { playsReleases, ReleaseDeck } from "./releasedeck.js";

// How long before the end the next track is made ready: time for its manifest and first segment
// on a slow network, and little wasted when a listener turns elsewhere.
const PREPARE_NEXT_S = 12;
// "Previous" within a track starts it again once this much of it has been heard.
const RESTART_AFTER_S = 3;

/** An engine's own words are for engineers: a listener gets a sentence, and the code to report. */
function readable(error) {
  if (error instanceof Problem) return error;
  return new Error(`This track could not be played (${error.code ?? error.message}).`, {
    cause: error,
  });
}

export class Player extends EventTarget {
  #ask; // {track, release}: each (id) => Promise<{playback, lifeMs}>
  #waitingDeck = null;
  #unready = null; // the next track, when it could not be made ready
  #inPieces = new Set(); // releases that could not be played as one

  constructor(ask) {
    super();
    this.#ask = ask;
    this.queue = [];
    this.index = -1;
    this.deck = null;
    this.error = null;
    this.engineId = engineById(preference("engine", ENGINES[0].id)).id;
    this.gapless = preference("gapless", true);
    this.quality = preference("quality", null); // a rendition's name, or null: adapt
    this.volume = preference("volume", 1);
    const mode = preference("normalization", DEFAULT_MODE);
    this.normalization = MODES.some(({ id }) => id === mode) ? mode : DEFAULT_MODE;
    this.muted = false;
  }

  get track() {
    return this.queue[this.index] ?? null;
  }

  get playing() {
    return this.deck !== null && !this.deck.audio.paused;
  }

  get position() {
    return this.deck?.position ?? 0;
  }

  get duration() {
    return this.deck?.duration ?? this.track?.duration_s ?? 0;
  }

  /** How much louder or softer than its master the track is played, in dB. */
  get gain() {
    return gainDb(this.deck?.playback, this.normalization, isAlbum(this.queue));
  }

  get hasNext() {
    return this.index + 1 < this.queue.length;
  }

  /** Play a list of tracks from one of them on. */
  play(tracks, index = 0) {
    this.queue = [...tracks];
    this.#inPieces.clear();
    return this.#go(index);
  }

  async toggle() {
    if (this.error) return this.retry();
    if (!this.deck) return undefined;
    return this.playing ? this.deck.audio.pause() : this.deck.play();
  }

  next() {
    return this.hasNext ? this.#go(this.index + 1) : undefined;
  }

  previous() {
    const restart = this.position > RESTART_AFTER_S || this.index <= 0;
    return restart ? this.seek(0) : this.#go(this.index - 1);
  }

  seek(seconds) {
    if (!this.deck) return;
    this.deck.position = Math.min(Math.max(0, seconds), this.duration);
    this.#changed();
  }

  setVolume(volume) {
    this.volume = volume;
    this.muted = false;
    setPreference("volume", volume);
    this.#applyVolume();
  }

  toggleMute() {
    this.muted = !this.muted;
    this.#applyVolume();
  }

  /** Level loudness by "album", by "track", or not at all ("off"). */
  chooseNormalization(mode) {
    this.normalization = mode;
    setPreference("normalization", mode);
    this.#applyVolume();
  }

  /** Keep to one rendition by name, or adapt to the network (null). */
  chooseQuality(name) {
    this.quality = name;
    setPreference("quality", name);
    this.deck?.choose(name);
    this.#waitingDeck?.choose(name);
    this.#changed();
  }

  /** Go on with another engine, at the same position. */
  chooseEngine(id) {
    this.engineId = engineById(id).id;
    setPreference("engine", this.engineId);
    return this.#reload();
  }

  /** Play albums in one piece, where the engine can, or track by track. */
  chooseGapless(gapless) {
    this.gapless = gapless;
    setPreference("gapless", gapless);
    this.#inPieces.clear();
    return this.#reload();
  }

  retry() {
    return this.#reload(true);
  }

  stop() {
    this.#dropWaiting();
    this.deck?.destroy();
    this.deck = null;
    this.queue = [];
    this.index = -1;
    this.#changed();
  }

  #reload(play = this.playing) {
    this.#dropWaiting();
    return this.deck ? this.#start(this.#makeDeck(this.track), this.position, play) : undefined;
  }

  #go(index) {
    this.index = index;
    this.#unready = null;
    if (!this.error && this.deck instanceof ReleaseDeck && this.deck.holds(this.track)) {
      this.#dropWaiting();
      this.deck.goTo(this.track);
      this.#applyVolume();
      return this.deck.play();
    }
    const ready = this.#waitingDeck;
    if (ready?.track === this.track) {
      this.#waitingDeck = null;
      return this.#start(ready, 0, true, ready.ready);
    }
    this.#dropWaiting();
    return this.#start(this.#makeDeck(this.track), 0, true);
  }

  async #start(deck, position, play, prepared = null) {
    this.deck?.destroy();
    this.deck = deck;
    this.error = null;
    deck.audio.dataset.current = "";
    this.#applyVolume();
    try {
      await (prepared ?? deck.prepare(position, this.quality));
      this.#applyVolume(); // its loudness is known from here on
      if (this.deck === deck && play) await deck.play();
    } catch (error) {
      if (deck === this.deck && deck instanceof ReleaseDeck) {
        // In pieces it may play: not every release has something in common in its tracks.
        this.#inPieces.add(deck.track.release_id);
        return this.#start(this.#makeTrackDeck(deck.track), position, play);
      }
      this.#fail(deck, deck.access.problem ?? error);
    }
    return this.#changed();
  }

  #makeDeck(track) {
    const whole =
      this.gapless &&
      playsReleases(this.engineId) &&
      !this.#inPieces.has(track.release_id) &&
      this.queue.length > 1 &&
      isAlbum(this.queue);
    return whole ? this.#makeReleaseDeck(track) : this.#makeTrackDeck(track);
  }

  #makeTrackDeck(track) {
    const deck = new Deck(
      track,
      this.engineId,
      () => this.#ask.track(track.id),
      this.#hooks(() => deck),
    );
    return deck;
  }

  #makeReleaseDeck(track) {
    const deck = new ReleaseDeck(
      this.queue,
      track,
      this.engineId,
      () => this.#ask.release(track.release_id),
      { ...this.#hooks(() => deck), onTrack: (heard) => this.#moved(deck, heard) },
    );
    return deck;
  }

  #hooks(self) {
    return {
      onChange: () => this.#progress(self()),
      onEnded: () => self() === this.deck && this.#ended(),
      onError: (error) => this.#fail(self(), error),
      onMoved: () => self() === this.deck && this.#reload(),
    };
  }

  /** A deck of a release has come to another of its tracks. */
  #moved(deck, track) {
    if (deck !== this.deck) return;
    this.index = this.queue.indexOf(track);
    this.#applyVolume();
  }

  #progress(deck) {
    if (deck !== this.deck) return;
    if (this.playing && this.duration - this.position < PREPARE_NEXT_S) this.#prepareNext();
    this.#changed();
  }

  #prepareNext() {
    const track = this.queue[this.index + 1];
    if (!track || track === this.#unready || this.#waitingDeck?.track === track) return;
    if (this.deck instanceof ReleaseDeck && this.deck.holds(track)) return;
    this.#dropWaiting();
    const deck = this.#makeDeck(track);
    deck.ready = deck.prepare(0, this.quality);
    deck.ready.catch(() => {
      // Left alone here; when its turn comes it is tried again and fails in the open.
      if (this.#waitingDeck !== deck) return;
      this.#dropWaiting();
      this.#unready = track;
    });
    this.#waitingDeck = deck;
  }

  #dropWaiting() {
    this.#waitingDeck?.destroy();
    this.#waitingDeck = null;
  }

  #ended() {
    if (this.hasNext) this.next();
    else this.#changed();
  }

  #fail(deck, error) {
    if (deck === this.#waitingDeck) this.#dropWaiting();
    if (deck !== this.deck) return;
    deck.audio.pause();
    this.error = readable(error);
    this.dispatchEvent(new Event("failure"));
    this.#changed();
  }

  #applyVolume() {
    if (this.deck) {
      // Not Web Audio: what it does to encrypted media is each browser's own, and it wants a click.
      this.deck.audio.volume = volumeWith(this.volume, this.gain);
      this.deck.audio.muted = this.muted;
    }
    this.#changed();
  }

  #changed() {
    this.dispatchEvent(new Event("change"));
  }
}
