// An account that may play one stream plays it in one page; another page is told, until it ends.

import { audio, openAlbum, openPage, playedPast } from "../browser.mjs";

const FAILED = ".bar.failed .by";

export async function run(browser, { session, engine, seconds }) {
  const first = await openPage(browser, { engine });
  const second = await openPage(browser, { engine });
  await openAlbum(first, session);
  await openAlbum(second, session);
  await first.locator(".track").first().click();
  await playedPast(first, seconds, 60_000);
  await second.locator(".track").first().click();
  const message = second.locator(FAILED);
  await message.waitFor({ timeout: 20_000 });
  const told = await message.textContent();
  const played = await audio(first);
  const heard = { refusals: [...first.seen.refusals], requests: [...first.seen.requests] };
  // Right after a renewal the lease has all of its time left: what is free before is free by the end.
  await first.waitForResponse(isPlayback);
  const renewed = Date.now();
  await first.goto("about:blank");
  await second.waitForTimeout(500);
  const answer = second.waitForResponse(isPlayback);
  await second.locator(".track").nth(1).click();
  const status = (await answer).status();
  const afterMs = Date.now() - renewed;
  return { told, played, heard, status, afterMs, then: await playedPast(second, 0.2) };
}

const isPlayback = (response) =>
  response.request().method() === "POST" && response.url().includes("/api/v1/playback/");
