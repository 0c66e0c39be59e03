// What the engines report of listening: Common Media Client Data, CTA-5004-A. A few words with each
// request for media, which a CDN sees, and events to where the playback answer says.

export const VERSION = 2;

/** In requests: session, what is asked for, how much is in the buffer, and how that is going. */
export const KEYS = ["sid", "sf", "ot", "d", "br", "bl", "mtp", "su", "bs", "sta", "msd", "v"];

/** In events: what of it says how listening goes, what the event is, when, and of what. */
export const EVENT_KEYS = [...KEYS, "e", "ts", "sn", "url", "rc", "cdn"];

/** Another state (it plays, waits for media, ...), errors, what was received, and now and then. */
export const EVENTS = ["ps", "e", "rr", "t"];
export const INTERVAL_S = 10;
export const MOST_AT_ONCE = 5;
