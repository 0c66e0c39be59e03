// Each engine plays the album's first track, in a page of its own, and goes on when a token is refused.

import { eachEngine, openAlbum, playedPast } from "../browser.mjs";

export function run(browser, { session, engines }) {
  return eachEngine(browser, engines, async (page) => {
    await openAlbum(page, session);
    await page.locator(".track").first().click();
    const early = await playedPast(page, 0.5);
    const late = await playedPast(page, 3);
    const rendition = await page.locator("[data-fact=rendition]").getAttribute("data-rendition");
    const before = structuredClone(page.seen);
    // Beyond what is loaded, once under a token that is none; a request that the seek ends does not count.
    let chosen = null;
    page.on("requestfailed", (request) => {
      if (request === chosen) chosen = null;
    });
    const refuse = (route) => {
      if (chosen) return route.continue();
      chosen = route.request();
      return route.continue({ url: chosen.url().replace(/\/v1\/t\/[^/]+/, "/v1/t/2.dead") });
    };
    await page.route(`**/v1/t/*/tracks/${late.track}/**`, refuse);
    await page.evaluate(() => {
      document.querySelector("audio[data-current]").currentTime = 42;
    });
    const again = await playedPast(page, 42.5);
    return { early, late, rendition, before, again };
  });
}
