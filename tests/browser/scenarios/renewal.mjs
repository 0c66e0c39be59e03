// Each engine plays on while its tokens expire under it.

import { eachEngine, openAlbum, playedPast } from "../browser.mjs";

export function run(browser, { session, engines, seconds }) {
  return eachEngine(browser, engines, async (page) => {
    await openAlbum(page, session);
    await page.locator(".track").first().click();
    await playedPast(page, 0.2);
    const from = Date.now();
    await page.evaluate(() => {
      window.stalls = [];
      const element = document.querySelector("audio[data-current]");
      element.addEventListener("waiting", () => window.stalls.push(element.currentTime));
    });
    // A new rendition and its key in the middle: those, too, need a token that lives.
    await page.locator(".bar .what").click();
    await playedPast(page, seconds * 0.6, 90_000);
    await page.locator('input[name=quality][value="aac-320k"]').check();
    const final = await playedPast(page, seconds, 90_000);
    const wallSeconds = (Date.now() - from) / 1000;
    const stalls = await page.evaluate(() => window.stalls);
    return { final, stalls, wallSeconds };
  });
}
