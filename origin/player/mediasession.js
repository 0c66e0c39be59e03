// The lock screen, the headset's buttons and the keyboard's media keys.

import { names } from "./format.js";

export function connectMediaSession(player) {
  const session = navigator.mediaSession;
  if (!session) return;
  const actions = {
    play: () => player.toggle(),
    pause: () => player.toggle(),
    previoustrack: () => player.previous(),
    nexttrack: () => player.next(),
    seekto: ({ seekTime }) => player.seek(seekTime),
  };
  for (const [action, handler] of Object.entries(actions)) {
    session.setActionHandler(action, handler);
  }
  let shown = null;
  player.addEventListener("change", () => {
    session.playbackState = player.playing ? "playing" : "paused";
    if (player.track === shown) return;
    shown = player.track;
    session.metadata = shown && new MediaMetadata(describe(shown));
  });
}

function describe({ title, artists, release }) {
  return {
    title,
    artist: names(artists ?? []),
    album: release?.title ?? "",
    artwork: release?.cover_url ? [{ src: release.cover_url }] : [],
  };
}
