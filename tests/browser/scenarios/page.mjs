// A listener's visit: without a session, with one, a click on a track, next, the keyboard, the
// quality menu, another engine, the end of a track; on one screen size, with screenshots.

import { join } from "node:path";

import { audio, openAlbum, openPage, playedPast, told } from "../browser.mjs";

export async function run(browser, { screen, engine, ...given }) {
  const page = await openPage(browser, { engine, ...screen });
  try {
    return await visit(page, { screen, engine, ...given });
  } catch (error) {
    throw new Error(await told(error, page), { cause: error });
  }
}

async function visit(page, { origin, session, pictures, name, engine, screen }) {
  const report = { unnamed: [], wider: [] };
  const look = async (moment) => {
    await page.waitForTimeout(400); // transitions have ended
    await page.screenshot({ path: join(pictures, `${name}-${moment}.png`) });
    const flaws = await page.evaluate(flawsOf);
    report.unnamed.push(...flaws.unnamed);
    if (flaws.wider) report.wider.push(moment);
  };

  await page.goto(origin);
  await page.locator(".signin textarea").waitFor();
  await look("1-sign-in");

  // A phone's user pastes the token; a desktop's follows the link.
  if (screen.isMobile) {
    await page.locator(".signin textarea").fill(session.split("#session=")[1]);
    await page.locator(".signin button").click();
  } else {
    await page.goto(session);
  }
  await page.locator(".card a").first().waitFor();
  report.address = page.url();
  report.covers = await page.evaluate(() =>
    Promise.all([...document.querySelectorAll(".card img")].map((image) => image.decode())).then(
      (all) => all.length,
    ),
  );
  await look("2-albums");

  await openAlbum(page, session);
  report.titles = await page.locator(".track .title").allTextContents();
  await page.locator(".track").nth(0).click();
  report.first = await playedPast(page, 1);
  await look("3-album");

  await page.keyboard.press("n");
  report.second = await afterTrack(page, report.first.track);

  await page.locator(".bar .what").click();
  await playedPast(page, 2);
  await look("4-now-playing");
  report.choices = await page.locator(".choice .title").allTextContents();
  report.facts = await page.evaluate(() =>
    Object.fromEntries(
      [...document.querySelectorAll("[data-fact]")].map((fact) => [fact.dataset.fact, fact.textContent]),
    ),
  );
  const other = engine === "hls" ? "dash" : "hls";
  const before = (await audio(page)).currentTime;
  await page.locator("#engine").selectOption(other);
  report.resumed = { before, after: (await playedPast(page, before + 0.5)).currentTime };
  await page.locator(".panel .close").click();

  await page.keyboard.press("m");
  report.muted = await page.evaluate(() => document.querySelector("audio[data-current]").muted);
  await page.locator(".bar .toggle").click();
  report.paused = (await audio(page)).paused;
  await page.locator(".bar .toggle").click();

  // Near the end the next track is made ready, and it follows by itself.
  const { track, duration } = await audio(page);
  await page.evaluate((to) => {
    document.querySelector("audio[data-current]").currentTime = to;
  }, duration - 2);
  report.third = await afterTrack(page, track);

  // From the list of songs, where a track knows its release by id only.
  await page.locator("[data-tab=songs]").click();
  await page.locator("h1", { hasText: "Songs" }).waitFor();
  report.songs = await page.locator(".track .title").allTextContents();
  await page.locator(".track").first().click();
  await page.locator(".bar .what img.cover").waitFor();
  await look("5-songs");
  return { ...report, seen: page.seen };
}

async function afterTrack(page, track) {
  await page.waitForFunction(
    (left) => {
      const element = document.querySelector("audio[data-current]");
      return element && element.dataset.track !== left && element.currentTime > 0.5;
    },
    track,
    { timeout: 30_000 },
  );
  return audio(page);
}

/** Controls in sight without a name, and whether the page is wider than its window. Runs in the page. */
function flawsOf() {
  const named = (element) =>
    element.getAttribute("aria-label") || element.textContent.trim() || element.labels?.length;
  return {
    unnamed: [...document.querySelectorAll("button, a, input, select, textarea")]
      .filter((element) => element.checkVisibility() && !named(element))
      .map((element) => element.outerHTML.slice(0, 120)),
    wider: document.documentElement.scrollWidth > window.innerWidth,
  };
}
