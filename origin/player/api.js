// The origin's JSON API: the one module that knows how its answers are spelled. Refusals are
// thrown as `Problem`.

/** An RFC 9457 problem, or what is left of an answer that was none. */
export class Problem extends Error {
  constructor(status, body) {
    super(body.detail || body.title || `The server answered ${status}.`);
    this.status = status;
    this.reason = body.reason ?? "";
  }
}

export class Api {
  #token;

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

  /** The way to a track's media, and how many milliseconds it is good for. */
  playback(trackId) {
    return this.#playback(encodeURIComponent(trackId));
  }

  /** The same of a whole release, with the times of its `tracks`. */
  releasePlayback(releaseId) {
    return this.#playback(`releases/${encodeURIComponent(releaseId)}`);
  }

  async #playback(what) {
    const response = await this.#fetch("POST", `playback/${what}`);
    const playback = await response.json(); // {hls, dash, license, token, renditions, ...}
    // Against the server's own clock, so that a wrong one here does not matter; it tells whole
    // seconds, and the one that may have begun is not counted.
    const now = Date.parse(response.headers.get("Date")) || Date.now();
    const lifeMs = Date.parse(playback.expires_at) - now - 1000;
    return { playback, lifeMs: Math.max(0, lifeMs) };
  }

  async #json(path) {
    return (await this.#fetch("GET", path)).json();
  }

  async #fetch(method, path) {
    const response = await fetch(`/api/v1/${path}`, {
      method,
      headers: { Authorization: `Bearer ${this.#token}`, Accept: "application/json" },
      cache: "no-store",
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

function query(cursor) {
  return cursor === null ? "" : `?after=${encodeURIComponent(cursor)}`;
}
