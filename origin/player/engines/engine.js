// What the three adapters share. An engine plays one track on the page's audio element:
//
//   const engine = new ShakaEngine(audio, access, hooks)
//   await engine.load(seconds)        manifest loaded, media on its way, from that position
//   engine.names()                    the renditions it can play, by name
//   engine.choose(name | null)        one rendition, or null: adapt to the network
//   engine.bandwidth()                estimated throughput in bits per second, or null
//   await engine.destroy()
//
// Hooks: onRendition(name) when another rendition is heard, onError({code, message}) when the
// engine gave up. Renditions are known by the names that the playback answer gives them.

/** Seconds of media that every engine keeps ahead, so that they can be compared. */
export const BUFFER_S = 30;

/** The status of an answer to a token that is dead. */
export const REFUSED = 401;

/** The last path component of a URL without its extension: "aac-128k" of ".../aac-128k.m3u8". */
function stem(url) {
  const path = url.split(/[?#]/)[0];
  return path.slice(path.lastIndexOf("/") + 1).replace(/\.[^.]*$/, "");
}

/**
 * The name of the rendition that an engine describes in its own words.
 *
 * A representation's id is its name; an HLS variant is known by its playlist's URL.
 */
export function renditionName(playback, { id, url }) {
  const names = playback.renditions.map((rendition) => rendition.name);
  const first = id?.split(",")[0]; // Shaka joins the ids of a release's Periods
  return [first, url && stem(url), id && stem(id)].find((name) => names.includes(name)) ?? null;
}

/** A wrapper that drops calls that come after an engine was destroyed. */
export function whileAlive(hooks) {
  let alive = true;
  return {
    onRendition: (name) => alive && name && hooks.onRendition(name),
    onError: (error) => alive && hooks.onError(error),
    end: () => {
      alive = false;
    },
  };
}
