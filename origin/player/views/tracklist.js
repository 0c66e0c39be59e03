// A list of tracks, each row a button that plays it; the row of the current track is marked.

import { h } from "../dom.js";
import { clock, names } from "../format.js";
import { icon } from "../icons.js";

/**
 * @param tracks what is listed, and what plays on after the one that was clicked
 * @param play (index) => void
 * @param options.artist the album's artist, not repeated in every row
 */
export function trackList(tracks, play, { artist = null, numbered = true } = {}) {
  const rows = tracks.map((track, index) => row(track, index, play, { artist, numbered }));
  return h("ol", { class: "tracks" }, rows);
}

function row(track, index, play, { artist, numbered }) {
  const by = names(track.artists ?? []);
  const number = numbered ? (track.number ?? index + 1) : index + 1;
  return h(
    "li",
    {},
    h(
      "button",
      {
        type: "button",
        class: "track",
        "data-track": track.id,
        "aria-label": `Play ${track.title}${by ? ` by ${by}` : ""}, ${clock(track.duration_s)}`,
        onclick: () => play(index),
      },
      h(
        "span",
        { class: "mark", "aria-hidden": "true" },
        h("span", { class: "number" }, String(number)),
        icon("play"),
        h("span", { class: "bars" }, h("i"), h("i"), h("i")),
      ),
      h(
        "span",
        { class: "names" },
        h("span", { class: "title" }, track.title),
        by && by !== artist ? h("span", { class: "by" }, by) : null,
      ),
      h("span", { class: "time" }, clock(track.duration_s)),
    ),
  );
}

/** Mark the rows of the track that the player is at. */
export function markCurrent(root, player) {
  for (const button of root.querySelectorAll(".track")) {
    const current = button.dataset.track === player.track?.id;
    button.classList.toggle("current", current);
    button.classList.toggle("playing", current && player.playing);
    if (current) button.setAttribute("aria-current", "true");
    else button.removeAttribute("aria-current");
  }
}
