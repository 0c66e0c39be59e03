// Playback that must not happen: keys that are wrong, and a token that has expired.

import { audio, eachEngine, openAlbum } from "../browser.mjs";

const ZEROS = "A".repeat(22); // 16 zero bytes in base64url

/** Answer licenses and HLS keys with a key that is well-formed and wrong. */
async function withWrongKeys(page) {
  await page.route("**/license/clearkey*", async (route) => {
    const response = await route.fetch();
    const license = await response.json();
    for (const key of license.keys) key.k = ZEROS;
    await route.fulfill({ response, json: license });
  });
  await page.route("**/keys/*", (route) => {
    return route.fulfill({ contentType: "application/octet-stream", body: Buffer.alloc(16) });
  });
}

/** Answer the playback call with one that was good once, and claims it still is. */
async function withStalePlayback(page, playbacks) {
  await page.route("**/api/v1/playback/*", (route) => {
    const track = new URL(route.request().url()).pathname.split("/").pop();
    return route.fulfill({
      json: { ...playbacks[track], expires_at: new Date(Date.now() + 3_600_000).toISOString() },
    });
  });
}

export function run(browser, { session, engines, kind, playbacks }) {
  return eachEngine(browser, engines, async (page) => {
    if (kind === "wrong-key") await withWrongKeys(page);
    else await withStalePlayback(page, playbacks);
    await openAlbum(page, session);
    await page.locator(".track").first().click();
    const message = page.locator(".bar.failed .by");
    await message.waitFor({ timeout: 40_000 });
    return { message: await message.textContent(), audio: await audio(page) };
  });
}
