// Each engine is made to play every rendition in turn, chosen in the quality menu; over a network
// that takes some time to answer.

import { eachEngine, openAlbum } from "../browser.mjs";

export function run(browser, { session, engines, renditions, latencyMs }) {
  return eachEngine(browser, engines, async (page) => {
    const network = await page.context().newCDPSession(page);
    await network.send("Network.emulateNetworkConditions", {
      offline: false,
      latency: latencyMs,
      downloadThroughput: -1,
      uploadThroughput: -1,
    });
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
