// Each engine plays the album's first track, in a page of its own.

import { eachEngine, openAlbum, playedPast } from "../browser.mjs";

export function run(browser, { session, engines }) {
  return eachEngine(browser, engines, async (page) => {
    await openAlbum(page, session);
    await page.locator(".track").first().click();
    const early = await playedPast(page, 0.5);
    const late = await playedPast(page, 3);
    const rendition = await page.locator("[data-fact=rendition]").getAttribute("data-rendition");
    return { early, late, rendition };
  });
}
