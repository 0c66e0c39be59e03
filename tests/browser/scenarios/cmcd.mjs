// Each engine plays for a while and reports what that was like: with its requests, and by itself.

import { eachEngine, openAlbum, playedPast } from "../browser.mjs";

export function run(browser, { session, engines, seconds }) {
  return eachEngine(browser, engines, async (page) => {
    const queries = [];
    const bodies = [];
    page.on("request", (request) => {
      const url = new URL(request.url());
      if (url.searchParams.has("CMCD")) queries.push(url.searchParams.get("CMCD"));
      if (url.pathname === "/cmcd") bodies.push(request.postData());
    });
    await openAlbum(page, session);
    await page.locator(".track").first().click();
    await playedPast(page, seconds);
    return { queries, bodies };
  });
}
