// Lyrics, as the players' own text tracks and in the page's panel.

import { join } from "node:path";

import { openAlbum, openPage, playedPast } from "../browser.mjs";

const PHONE = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true };
const DESKTOP = { viewport: { width: 1280, height: 800 } };

export async function run(browser, { session, pictures, track }) {
  // All of them listen in the same seconds, two at a time.
  const inEngine = async (engine) => [engine, await inPlayer(browser, session, engine, track)];
  const dash = await Promise.all(["shaka-dash", "dash"].map(inEngine));
  const hls = await Promise.all(["shaka-hls", "hls"].map(inEngine));
  const [desktop, phone] = await Promise.all([
    inPanel(browser, session, { ...DESKTOP, colorScheme: "light" }, pictures, "desktop"),
    inPanel(browser, session, { ...PHONE, colorScheme: "dark" }, pictures, "phone"),
  ]);
  return { engines: Object.fromEntries([...dash, ...hls]), desktop, phone };
}

const SCRIPTS = { hls: "hls", dash: "dash", "shaka-dash": "shaka-player", "shaka-hls": "shaka-player" };
const isText = (request) => /\/(lyrics|segments)-/.test(request);

/** What a player of its own, on an element of its own, makes of the text tracks. */
async function inPlayer(browser, session, engine, track) {
  // The page's policy is for its own engines, which show no text: others put an empty track into
  // the element from a data: URL.
  const page = await openPage(browser, { bypassCSP: true });
  await openAlbum(page, session);
  await page.addScriptTag({ url: `/player/vendor/${SCRIPTS[engine]}.js` });
  const found = await page.evaluate(textTracks, { engine, track });
  return { ...found, seen: { ...page.seen, requests: page.seen.requests.filter(isText) } };
}

/** Runs in the page: plays for a moment, with the first text track shown. */
async function textTracks({ engine, track }) {
  const response = await fetch(`/api/v1/playback/${track}`, {
    method: "POST",
    headers: { Authorization: `Bearer ${sessionStorage.getItem("headwater.session")}` },
  });
  const playback = await response.json();
  const media = document.createElement("video");
  media.muted = true;
  document.body.append(media);

  const players = {
    async shaka(url, drm) {
      const player = new shaka.Player();
      await player.attach(media);
      player.configure(drm);
      await player.load(url);
      const tracks = player.getTextTracks();
      player.selectTextTrack(tracks[0]);
      return tracks.map(({ language, label }) => ({ language, name: label }));
    },
    async hls() {
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
      return hls.subtitleTracks.map(({ lang, name }) => ({ language: lang, name }));
    },
    async dash() {
      const player = dashjs.MediaPlayer().create();
      player.initialize(media, null, false);
      // It reports on the way to the keys what it then finds elsewhere.
      player.updateSettings({ debug: { logLevel: dashjs.Debug.LOG_LEVEL_NONE } });
      player.setProtectionData({ "org.w3.clearkey": { serverURL: playback.license } });
      player.attachSource(playback.dash);
      const { TEXT_TRACKS_ADDED } = dashjs.MediaPlayer.events;
      await new Promise((resolve) => player.on(TEXT_TRACKS_ADDED, resolve));
      player.setTextTrack(0);
      return player.getTracksFor("text").map(({ lang }) => ({ language: lang }));
    },
  };
  const start = {
    "shaka-dash": () =>
      players.shaka(playback.dash, { drm: { servers: { "org.w3.clearkey": playback.license } } }),
    "shaka-hls": () => players.shaka(playback.hls, {}),
    hls: players.hls,
    dash: players.dash,
  };
  const listed = await start[engine]();
  await media.play();
  const cues = new Map();
  for (let i = 0; i < 80 && media.currentTime < 5; i += 1) {
    await new Promise((resolve) => setTimeout(resolve, 100));
    for (const { startTime, endTime, text } of [...media.textTracks].flatMap((each) => [
      ...(each.cues ?? []),
    ])) {
      cues.set(`${startTime} ${text}`, { startTime, endTime, text });
    }
  }
  const last = [...media.textTracks].flatMap((each) => [...(each.cues ?? [])]);
  const twice = last.length - new Set(last.map(({ startTime, text }) => `${startTime} ${text}`)).size;
  return { listed, cues: [...cues.values()], twice, currentTime: media.currentTime };
}

/** A listener who opens the lyrics, clicks on a line and listens. */
async function inPanel(browser, session, screen, pictures, name) {
  const page = await openPage(browser, { engine: "hls", ...screen });
  await openAlbum(page, session);
  await page.locator(".track").first().click();
  await playedPast(page, 0.5);
  if (screen.isMobile) {
    await page.locator(".bar .what").click();
    await page.locator(".switch button", { hasText: "Lyrics" }).click();
  } else {
    await page.locator(".bar .words").click();
  }
  await page.locator(".synced .line").first().waitFor();
  const lines = await page.locator(".synced .line").allTextContents();
  const followed = [];
  for (let i = 0; i < 2; i += 1) {
    followed.push(await nextLine(page, followed.at(-1)?.text ?? ""));
  }
  await page.locator(".synced .line").nth(3).click();
  const jumped = await nextLine(page, followed.at(-1).text);
  await page.waitForTimeout(700);
  await page.screenshot({ path: join(pictures, `${name}-lyrics.png`) });
  const artwork = await page.evaluate(() =>
    navigator.mediaSession.metadata.artwork.map(({ sizes }) => sizes),
  );
  const inSight = await page.evaluate(() => {
    const line = document.querySelector(".line[aria-current]").getBoundingClientRect();
    const area = document.querySelector(".lyrics-scroller").getBoundingClientRect();
    return line.top >= area.top && line.bottom <= area.bottom;
  });
  return { lines, followed, jumped, inSight, artwork, seen: page.seen };
}

/** The next line that is highlighted: its text, and where the music is then. */
async function nextLine(page, after) {
  await page.waitForFunction(
    (text) => (document.querySelector(".line[aria-current]")?.textContent ?? text) !== text,
    after,
    { timeout: 20_000, polling: "raf" },
  );
  return page.evaluate(() => ({
    text: document.querySelector(".line[aria-current]").textContent,
    sung: document.querySelectorAll(".line[aria-current] .sung").length,
    time: document.querySelector("audio[data-current]").currentTime,
  }));
}
