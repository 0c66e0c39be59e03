// The origin's JSON API. Answers are plain objects; refusals are thrown as `Problem`.

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
  releases(cursor = null) {
    return this.#json("GET", `releases${query(cursor)}`);
  }

  release(id) {
    return this.#json("GET", `releases/${encodeURIComponent(id)}`);
  }

  /** A page of tracks: `{tracks, next}`. */
  tracks(cursor = null) {
    return this.#json("GET", `tracks${query(cursor)}`);
  }

  /** The way to a track's media, and how many milliseconds it is good for. */
  async playback(trackId) {
    const response = await this.#fetch("POST", `playback/${encodeURIComponent(trackId)}`);
    const playback = await response.json();
    // Against the server's own clock, so that a wrong one here does not matter.
    const now = Date.parse(response.headers.get("Date")) || Date.now();
    return { playback, lifeMs: Math.max(0, Date.parse(playback.expires_at) - now) };
  }

  async #json(method, path) {
    return (await this.#fetch(method, path)).json();
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

function query(cursor) {
  return cursor === null ? "" : `?after=${encodeURIComponent(cursor)}`;
}
