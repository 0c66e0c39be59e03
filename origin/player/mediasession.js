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
  let shown = {};
  player.addEventListener("change", () => {
    session.playbackState = player.playing ? "playing" : "paused";
    const { track } = player;
    if (track === shown.track && track?.release === shown.release) return;
    shown = { track, release: track?.release };
    session.metadata = track && new MediaMetadata(describe(track));
  });
}

function describe({ title, artists, release }) {
  return {
    title,
    artist: names(artists ?? []),
    album: release?.title ?? "",
    artwork: artwork(release),
  };
}

/** Every size that there is: the system takes the one that fits its lock screen or its watch. */
function artwork(release) {
  if (release?.covers?.length) {
    return release.covers.map(({ url, width, height }) => ({
      src: url,
      sizes: `${width}x${height}`,
      type: "image/jpeg",
    }));
  }
  return release?.cover_url ? [{ src: release.cover_url }] : [];
}
