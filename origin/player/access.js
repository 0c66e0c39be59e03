// The right to one track: where its manifests are and the token that opens them, kept fresh.
//
// Every request of an engine passes through here. Once three quarters of the token's life are
// over, or of the time that the page's stream keeps its place, the next request asks the origin for
// a new one and goes on with the old; only a request that finds the token already dead (a laptop
// that slept) has to wait. So nothing is renewed for a page that is paused, and nothing stalls in
// one that plays. A renewal that is refused (too many streams) ends it. A request that is refused
// all the same (a machine that slept while it was on its way) is told here, and tried again.

const RENEW_AFTER = 0.75; // of that time
const RETRY_MS = 1000; // after a renewal that failed while the old token was still good
const MOST_REFUSALS = 3; // of requests within a minute: more are not the token's age
const REFUSALS_MS = 60_000;
const TOKEN_IN_PATH = /\/v1\/t\/[^/]+\//;

/** The same place whatever the token: equal for two answers that open the same bytes. */
function place(playback) {
  return playback.hls.replace(TOKEN_IN_PATH, "/") + playback.dash.replace(TOKEN_IN_PATH, "/");
}

export class Access {
  #ask; // () => Promise<{playback, lifeMs, renewMs}>
  #onMoved;
  #renewal = null;
  #renewAt = 0;
  #expiresAt = 0;
  #refusals = []; // when, by performance.now()

  /**
   * @param ask asks the origin for the track: `() => Promise<{playback, lifeMs, renewMs}>`
   * @param onMoved called when a renewal answers with other media (a new revision, other tiers):
   *   what is loaded cannot go on under the new token and has to be loaded again
   */
  constructor(ask, onMoved = () => {}) {
    this.#ask = ask;
    this.#onMoved = onMoved;
    this.playback = null;
    this.problem = null; // why the last renewal failed, if it did
  }

  /** Ask for the track a first time; throws the API's problem. */
  async open() {
    this.#accept(await this.#ask());
    return this.playback;
  }

  /** The URL that a media, manifest or key request has to use now. */
  async url(url) {
    await this.#fresh();
    return url.replace(TOKEN_IN_PATH, `/v1/t/${this.playback.token}/`);
  }

  /** The URL that a license request has to use now. */
  async license() {
    await this.#fresh();
    return this.playback.license;
  }

  /**
   * A request was answered as if its token were dead (401): the next one waits for another token.
   * Whether to try again.
   */
  refused() {
    if (this.#expiresAt === 0) return true; // for which the next one waits already
    const now = performance.now();
    this.#refusals = this.#refusals.filter((at) => now - at < REFUSALS_MS);
    if (this.#refusals.push(now) > MOST_REFUSALS) return false;
    this.#renewAt = 0;
    this.#expiresAt = 0;
    return true;
  }

  #accept({ playback, lifeMs, renewMs }) {
    // Instants by the local clock, lengths by the origin's: a wrong clock here does no harm.
    // Date.now() and not performance.now(), which may stand still while a machine sleeps.
    const now = Date.now();
    this.#expiresAt = now + lifeMs;
    this.#renewAt = now + renewMs * RENEW_AFTER;
    this.playback = playback;
  }

  async #fresh() {
    const now = Date.now();
    if (now < this.#renewAt) return;
    this.#renewal ??= this.#renew().finally(() => {
      this.#renewal = null;
    });
    if (now >= this.#expiresAt) await this.#renewal;
    else this.#renewal.catch(() => {}); // a later request tries again
  }

  async #renew() {
    const before = this.playback;
    try {
      this.#accept(await this.#ask());
      this.problem = null;
    } catch (error) {
      this.problem = error;
      this.#renewAt = Date.now() + RETRY_MS;
      if (error.status === 403) this.#expiresAt = 0; // what comes next waits, and is told
      throw error;
    }
    if (place(before) !== place(this.playback)) this.#onMoved();
  }
}
