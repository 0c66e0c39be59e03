// The origin's JSON API: the one module that knows how its answers are spelled. Refusals are
// thrown as `Problem`.

const UNREACHABLE = "The server cannot be reached. Look at your connection, and try again.";

/** An RFC 9457 problem, or what is left of an answer that was none. */
export class Problem extends Error {
  constructor(status, body) {
    super(body.detail || body.title || `The server answered ${status}.`);
    this.status = status;
    this.reason = body.reason ?? "";
  }
}

// What a request may take from when it leaves an engine until it arrives, and no less than twice
// what the question for the token took: a busy machine is slow at moments.
const SLACK_MS = 5000;

export class Api {
  #token;
  #session = randomName(); // of this page's stream: whatever it plays is one
  #isCounted = false;

  constructor(token) {
    this.#token = token;
  }

  /** A page of releases: `{releases, next}`; `next` is the cursor of the following page. */
  async releases(cursor = null) {
    const { releases, next } = await this.#json(`releases${query(cursor)}`);
    return { releases: releases.map(release), next };
  }

  /** A release with its `tracks`. */
  async release(id) {
    const answer = await this.#json(`releases/${encodeURIComponent(id)}`);
    return { ...release(answer), tracks: answer.tracks.map(track) };
  }

  /** A page of tracks: `{tracks, next}`. */
  async tracks(cursor = null) {
    const { tracks, next } = await this.#json(`tracks${query(cursor)}`);
    return { tracks: tracks.map(track), next };
  }

  /** The way to a track's media: `{playback, lifeMs, renewMs}`, how long it is good for and how
   * soon to ask again so that the page's stream keeps its place. */
  playback(trackId) {
    return this.#playback(encodeURIComponent(trackId));
  }

  /** The same of a whole release, with the times of its `tracks`. */
  releasePlayback(releaseId) {
    return this.#playback(`releases/${encodeURIComponent(releaseId)}`);
  }

  /** Free the place of the page's stream; for a page that goes away. */
  stop() {
    if (!this.#isCounted) return;
    this.#fetch("DELETE", `playback/sessions/${this.#session}`, { keepalive: true }).catch(() => {});
  }

  async #playback(what) {
    const body = JSON.stringify({ session: this.#session });
    const asked = performance.now();
    const response = await this.#fetch("POST", `playback/${what}`, { body });
    const tripMs = performance.now() - asked;
    const playback = await response.json(); // {hls, dash, license, token, renditions, ...}
    // Against the server's own clock, so that a wrong one here does not matter; it tells whole
    // seconds, and the one that may have begun is not counted. Nor is the way of this answer and
    // of a last request, which leaves in time and has to arrive in time.
    const now = Date.parse(response.headers.get("Date")) || Date.now();
    const wholeMs = Math.max(0, Date.parse(playback.expires_at) - now - 1000);
    const lifeMs = wholeMs - Math.min(Math.max(SLACK_MS, 2 * tripMs), wholeMs / 4);
    this.#isCounted = playback.renew_within_s !== null;
    const renewMs = this.#isCounted ? Math.min(lifeMs, playback.renew_within_s * 1000) : lifeMs;
    return { playback, lifeMs, renewMs };
  }

  async #json(path) {
    return (await this.#fetch("GET", path)).json();
  }

  async #fetch(method, path, options = {}) {
    const response = await fetch(`/api/v1/${path}`, {
      ...options,
      method,
      headers: { Authorization: `Bearer ${this.#token}`, Accept: "application/json" },
      cache: "no-store",
    }).catch(() => {
      throw new Problem(0, { detail: UNREACHABLE });
    });
    if (response.ok) return response;
    throw new Problem(response.status, await response.json().catch(() => ({})));
  }
}

const release = (answer) => ({
  ...answer,
  id: answer.release_id,
  cover_url: answer.cover,
  covers: answer.covers ?? [], // {url, width, height}, smallest first
});

const track = (answer) => ({ ...answer, id: answer.track_id });

/** 12 characters of base64url. */
function randomName() {
  const bytes = String.fromCharCode(...crypto.getRandomValues(new Uint8Array(9)));
  return btoa(bytes).replaceAll("+", "-").replaceAll("/", "_");
}

function query(cursor) {
  return cursor === null ? "" : `?after=${encodeURIComponent(cursor)}`;
}
