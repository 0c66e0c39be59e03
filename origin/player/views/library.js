// The library: all albums as a grid of covers, one album, all songs.

import { h } from "../dom.js";
import { count, length } from "../format.js";
import { icon } from "../icons.js";
import { cover, tint } from "./cover.js";
import { paged } from "./pages.js";
import { trackList } from "./tracklist.js";

const year = (release) => release.date?.slice(0, 4) ?? null;

/** Give a track its release, from which the now-playing views take cover and title. */
const within = (release, tracks) => tracks.map((track) => ({ ...track, release }));

function empty(text) {
  return h("p", { class: "empty" }, text);
}

export async function albumsView({ api, player }) {
  const grid = h("ul", { class: "grid" });
  const end = await paged(
    async (cursor) => {
      const { releases, next } = await api.releases(cursor);
      return { items: releases, next };
    },
    (releases) => grid.append(...releases.map((release) => card(release, api, player))),
  );
  return h(
    "section",
    { class: "page" },
    h("h1", {}, "Albums"),
    grid.childElementCount
      ? grid
      : empty("Nothing is published yet. Ingest an album and it appears here."),
    end,
  );
}

function card(release, api, player) {
  const playAll = async () => {
    const { tracks } = await api.release(release.id);
    await player.play(within(release, tracks));
  };
  return h(
    "li",
    { class: "card" },
    h(
      "a",
      { href: `#/releases/${release.id}` },
      h("span", { class: "frame" }, cover(release, "(max-width: 759px) 46vw, 220px")),
      h("span", { class: "title" }, release.title),
      h("span", { class: "by" }, release.artist),
    ),
    h(
      "button",
      { type: "button", class: "round play", "aria-label": `Play ${release.title}`, onclick: playAll },
      icon("play"),
    ),
  );
}

export async function albumView({ api, player }, id) {
  const release = await api.release(id);
  const tracks = within(release, release.tracks);
  const play = (index = 0) => player.play(tracks, index);
  const facts = [year(release), count(tracks.length, "track"), length(total(tracks))];
  const page = h(
    "section",
    { class: "page album" },
    h("a", { class: "back", href: "#/" }, icon("back"), "Albums"),
    h(
      "header",
      { class: "album-head" },
      h("span", { class: "frame" }, cover(release, "(max-width: 759px) 70vw, 280px")),
      h(
        "div",
        { class: "album-names" },
        h("h1", {}, release.title),
        h("p", { class: "by" }, release.artist),
        h("p", { class: "facts" }, facts.filter(Boolean).join(" · ")),
        h(
          "button",
          { type: "button", class: "pill primary", onclick: () => play() },
          icon("play"),
          "Play",
        ),
      ),
    ),
    ...discs(tracks, play, release),
    release.copyright ? h("p", { class: "copyright" }, release.copyright) : null,
  );
  tint(page, release);
  return page;
}

/** One list, or one under a heading for each disc of several. */
function discs(tracks, play, release) {
  const numbers = [...new Set(tracks.map((track) => track.disc ?? 1))];
  return numbers.flatMap((disc) => {
    const first = tracks.findIndex((track) => (track.disc ?? 1) === disc);
    const list = trackList(
      tracks.filter((track) => (track.disc ?? 1) === disc),
      (index) => play(first + index),
      { artist: release.artist },
    );
    return numbers.length > 1 ? [h("h2", { class: "disc" }, `Disc ${disc}`), list] : [list];
  });
}

const total = (tracks) => tracks.reduce((sum, track) => sum + track.duration_s, 0);

export async function songsView({ api, player }) {
  const tracks = [];
  const lists = h("div");
  const end = await paged(
    async (cursor) => {
      const page = await api.tracks(cursor);
      return { items: page.tracks, next: page.next };
    },
    (items) => {
      tracks.push(...items);
      lists.replaceChildren(
        trackList(tracks, (index) => player.play(tracks, index), { numbered: false }),
      );
    },
  );
  return h(
    "section",
    { class: "page" },
    h("h1", {}, "Songs"),
    tracks.length ? lists : empty("Nothing is published yet."),
    end,
  );
}
