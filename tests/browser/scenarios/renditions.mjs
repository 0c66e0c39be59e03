// Each engine is made to play every rendition in turn, chosen in the quality menu.

import { eachEngine, openAlbum } from "../browser.mjs";

export function run(browser, { session, engines, renditions }) {
  return eachEngine(browser, engines, async (page) => {
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
      reached.push(name);
    }
    const switches = Number(await page.locator("[data-fact=switches]").textContent());
    return { reached, switches };
  });
}
