// Each engine is made to play every rendition in turn, chosen in the quality menu.

import { openAlbum, openPage } from "../browser.mjs";

const heard = (page) => page.locator("[data-fact=rendition]").getAttribute("data-rendition");

export async function run(browser, { session, engines, renditions }) {
  const play = async (engine) => {
    const page = await openPage(browser, { engine });
    await openAlbum(page, session);
    await page.locator(".track").first().click();
    await page.locator(".bar .what").click();
    const reached = [];
    for (const name of renditions) {
      await page.locator(`input[name=quality][value="${name}"]`).check();
      await page.waitForFunction(
        (wanted) =>
          document.querySelector("[data-fact=rendition]").dataset.rendition === wanted,
        name,
        { timeout: 20_000 },
      );
      reached.push(await heard(page));
    }
    const switches = Number(await page.locator("[data-fact=switches]").textContent());
    return [engine, { reached, switches, seen: page.seen }];
  };
  return Object.fromEntries(await Promise.all(engines.map(play)));
}
