// The lyrics and the chapters of a release, in players that know nothing of us.

import { openAlbum, openPage } from "../browser.mjs";

const SCRIPTS = { hls: "hls", dash: "dash", "shaka-dash": "shaka-player", "shaka-hls": "shaka-player" };

export async function run(browser, { session, release, engines }) {
  const one = async (engine) => {
    const page = await openPage(browser, { bypassCSP: true });
    await openAlbum(page, session);
    await page.addScriptTag({ url: `/player/vendor/${SCRIPTS[engine]}.js` });
    const found = await page.evaluate(words, { engine, release });
    return [engine, { ...found, refusals: page.seen.refusals, outside: page.seen.outside }];
  };
  return Object.fromEntries(await Promise.all(engines.map(one)));
}

/** Runs in the page: the lines of the first track, and of the last after one that has none. */
async function words({ engine, release }) {
  const response = await fetch(`/api/v1/playback/releases/${release}`, {
    method: "POST",
    headers: { Authorization: `Bearer ${sessionStorage.getItem("headwater.session")}` },
  });
  const playback = await response.json();
  const media = document.createElement("video");
  media.muted = true;
  document.body.append(media);
  let chapters = null;

  if (engine.startsWith("shaka")) {
    const player = new shaka.Player();
    await player.attach(media);
    player.configure({ drm: { servers: { "org.w3.clearkey": playback.license } } });
    await player.load(engine === "shaka-dash" ? playback.dash : playback.hls);
    player.selectTextTrack(player.getTextTracks()[0]);
    const found = await player.getChaptersAsync("und");
    chapters = found.map(({ title, startTime, endTime, images }) => ({
      title,
      start: startTime,
      end: endTime,
      images: images?.length ?? 0,
    }));
  } else if (engine === "hls") {
    const hls = new Hls({
      enableWorker: false,
      emeEnabled: true,
      drmSystems: { "org.w3.clearkey": { licenseUrl: playback.license } },
    });
    await new Promise((resolve) => {
      hls.once(Hls.Events.SUBTITLE_TRACKS_UPDATED, resolve);
      hls.loadSource(playback.hls);
      hls.attachMedia(media);
    });
    hls.subtitleTrack = 0;
  } else {
    const player = dashjs.MediaPlayer().create();
    player.initialize(media, null, false);
    player.updateSettings({ debug: { logLevel: dashjs.Debug.LOG_LEVEL_NONE } });
    player.setProtectionData({ "org.w3.clearkey": { serverURL: playback.license } });
    player.attachSource(playback.dash);
    await new Promise((resolve) => {
      // It forgets the choice at the end of each Period.
      player.on(dashjs.MediaPlayer.events.TEXT_TRACKS_ADDED, () => {
        player.setTextTrack(0);
        resolve();
      });
    });
  }
  await media.play();

  const lines = (from) =>
    [...media.textTracks]
      .filter(({ mode }) => mode !== "disabled")
      .flatMap((track) => [...(track.cues ?? [])])
      .filter(({ startTime }) => startTime >= from)
      .map(({ startTime, text }) => ({ at: startTime - from, text: text.replace(/<[^>]*>/g, "") }));
  /** Wait for some lines from a time on; what there is in the end, if they do not come. */
  const wait = async (from) => {
    for (let tries = 0; tries < 60 && lines(from).length < 2; tries += 1) {
      await new Promise((resolve) => setTimeout(resolve, 250));
    }
    return lines(from).slice(0, 2);
  };
  const first = await wait(0);
  const { start_s: start } = playback.tracks[2];
  media.currentTime = start - 1; // in the track without lyrics
  const last = await wait(start);
  media.remove();
  return { chapters, first, last, starts: playback.tracks.map((track) => track.start_s) };
}
