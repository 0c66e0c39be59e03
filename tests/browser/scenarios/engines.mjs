// Each engine plays the album's first track, in a page of its own.

import { audio, openAlbum, openPage, playedPast } from "../browser.mjs";

export async function run(browser, { session, engines }) {
  const play = async (engine) => {
    const page = await openPage(browser, { engine });
    await openAlbum(page, session);
    await page.locator(".track").first().click();
    const early = await playedPast(page, 0.5);
    const late = await playedPast(page, 3);
    const rendition = await page.locator("[data-fact=rendition]").getAttribute("data-rendition");
    return [engine, { early, late, rendition, final: await audio(page), seen: page.seen }];
  };
  return Object.fromEntries(await Promise.all(engines.map(play)));
}
