// A track of an album and a lone song in each mode of volume leveling: what the element plays at.

import { openAlbum, openPage, playedPast } from "../browser.mjs";

export async function run(browser, { session }) {
  const page = await openPage(browser, { engine: "hls" });
  const answers = [];
  page.on("response", async (response) => {
    if (response.url().includes("/api/v1/playback/")) answers.push(await response.json());
  });
  await openAlbum(page, session);
  await page.locator(".track").first().click();
  await playedPast(page, 0.5);
  await page.locator(".bar .what").click();
  await setVolume(page, 1);
  const loud = await heardInEachMode(page);
  // Half way up there is room for a gain above 0 dB.
  await setVolume(page, 0.5);
  const album = await heardInEachMode(page);
  await page.locator(".panel .close").click();

  // The same song from the list of songs, which is in another order than the album.
  await page.locator("[data-tab=songs]").click();
  await page.locator("h1", { hasText: "Songs" }).waitFor();
  await page.locator(`.track[data-track="${answers[0].track_id}"]`).click();
  await playedPast(page, 0.5);
  await page.locator(".bar .what").click();
  const song = await heardInEachMode(page);

  await page.reload();
  await page.locator(".track").first().click();
  await playedPast(page, 0.2);
  await page.locator(".bar .what").click();
  const kept = await page.locator("#normalization").inputValue();
  return { answer: answers[0], loud, album, song, kept, seen: page.seen };
}

async function heardInEachMode(page) {
  const heard = {};
  for (const mode of ["track", "off", "album"]) {
    await page.locator("#normalization").selectOption(mode);
    heard[mode] = await heardNow(page);
  }
  return heard;
}

function setVolume(page, volume) {
  return page.locator(".bar .slider.loudness").fill(String(volume));
}

function heardNow(page) {
  return page.evaluate(() => ({
    volume: document.querySelector("audio[data-current]").volume,
    gain: document.querySelector("[data-fact=gain]").textContent,
  }));
}
