// How much louder or softer a track is played, so that songs follow each other at one loudness.
// Pure: the playback answer's measurements in, decibels out.

export const MODES = [
  { id: "album", name: "Album, keeps its quiet songs quiet" },
  { id: "track", name: "Track, every song alike" },
  { id: "off", name: "Off" },
];

export const DEFAULT_MODE = "album";

const TARGET_LUFS = -14; // what most streaming services play at
// Nothing is made so loud that its peaks come closer to full scale than this: a lossy coding may
// overshoot what was measured of the master.
const CEILING_DBTP = -1;

/** Whether a queue is a release from its first song to its last, as far as it goes. */
export function isAlbum(queue) {
  const place = (track) => [track.disc ?? 1, track.number ?? 0];
  const follows = ([disc, number], [nextDisc, nextNumber]) =>
    nextDisc > disc || (nextDisc === disc && nextNumber > number);
  return queue.every((track, index) => {
    if (!track.release_id || track.release_id !== queue[0].release_id) return false;
    return index === 0 || follows(place(queue[index - 1]), place(track));
  });
}

/**
 * The gain of a track in dB; 0 where its loudness is not known.
 *
 * @param playback the playback answer, with `loudness` and `album_loudness`; or null
 * @param mode "album": the album's, when one is played in order, else the track's; "track"; "off"
 */
export function gainDb(playback, mode, inOrder) {
  if (mode === "off" || !playback) return 0;
  const { loudness, album_loudness: album } = playback;
  const measured = mode === "album" && inOrder && known(album) ? album : loudness;
  if (!known(measured)) return 0;
  const wanted = TARGET_LUFS - measured.integrated_lufs;
  const peak = measured.true_peak_dbtp;
  return Number.isFinite(peak) ? Math.min(wanted, CEILING_DBTP - peak) : Math.min(wanted, 0);
}

/** An element's volume for the listener's own (0 to 1) and a gain; no element plays above 1. */
export function volumeWith(volume, gain) {
  return Math.min(1, volume * 10 ** (gain / 20));
}

const known = (measured) => Number.isFinite(measured?.integrated_lufs);
