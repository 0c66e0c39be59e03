// An album in one piece on the page: it plays over a joint, and the listener moves about in it.

import { join } from "node:path";

import { openAlbum, openPage } from "../browser.mjs";

export async function run(browser, { session, pictures, length }) {
  const viewport = { width: 1280, height: 800 };
  const page = await openPage(browser, { engine: "shaka-dash", gapless: true, viewport });
  await openAlbum(page, session);
  await page.locator(".track").first().click();
  await page.locator(".bar .what").click();
  const report = { first: await state(page, 0, 1) };
  // Over the joint by itself.
  await page.evaluate((end) => {
    window.first = document.querySelector("audio[data-current]");
    window.first.currentTime = end - 1.5;
  }, length);
  report.second = await state(page, 1, 0.5);
  await page.screenshot({ path: join(pictures, "release.png") });

  await page.keyboard.press("n");
  report.third = await state(page, 2, 0.5);
  await page.keyboard.press("p");
  report.back = await state(page, 1, 0.3);
  report.sameElement = await page.evaluate(
    () => window.first === document.querySelector("audio[data-current]"),
  );
  await page.locator("#gapless").uncheck();
  report.apart = await state(page, 1, 0.3);
  report.stillSame = await page.evaluate(
    () => window.first === document.querySelector("audio[data-current]"),
  );
  return { ...report, seen: page.seen, refused: await refused(browser, session, length) };
}

/** The release is refused: its tracks are played one by one. What was asked for playback. */
async function refused(browser, session, length) {
  const page = await openPage(browser, { engine: "shaka-dash", gapless: true });
  await page.route("**/api/v1/playback/releases/*", (route) =>
    route.fulfill({ status: 403, json: { title: "No", reason: "tier-not-open" } }),
  );
  await openAlbum(page, session);
  await page.locator(".track").first().click();
  await state(page, 0, 1, false);
  await page.evaluate((end) => {
    document.querySelector("audio[data-current]").currentTime = end - 2;
  }, length);
  await state(page, 1, 0.3, false);
  return page.seen.requests.filter((one) => one.startsWith("POST") && one.includes("/playback/"));
}

/** Wait until the nth track of the list is heard past some seconds; what the page says then. */
async function state(page, number, seconds, panel = true) {
  await page.waitForFunction(
    ([wanted, past]) => {
      const audio = document.querySelector("audio[data-current]");
      const row = document.querySelectorAll(".track")[wanted];
      const position = audio?.currentTime - Number(audio?.dataset.offset ?? 0);
      const shown = row.classList.contains("current") && row.dataset.track === audio.dataset.track;
      return shown && position > past;
    },
    [number, seconds],
    { timeout: 20_000 },
  );
  if (!panel) return undefined;
  return page.evaluate(() => {
    const audio = document.querySelector("audio[data-current]");
    return {
      track: audio.dataset.track,
      position: audio.currentTime - Number(audio.dataset.offset ?? 0),
      title: document.querySelector(".panel .title").textContent,
      rendition: document.querySelector("[data-fact=rendition]").dataset.rendition,
      choices: [...document.querySelectorAll("input[name=quality]")].map((input) => input.value),
      encrypted: audio.mediaKeys !== null,
    };
  });
}
