// Chromium for the scenarios: nothing but 127.0.0.1 is reached, and everything is written down.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium } from "playwright-core";

const FLAGS = [
  "--no-sandbox", // containers and CI run as root
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--autoplay-policy=no-user-gesture-required",
  "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1", // a route for each request is slow
];

/** Run `use(browser)` with a Chromium that is gone afterwards, profile and all. */
export async function withChromium(executablePath, use) {
  const home = mkdtempSync(join(tmpdir(), "headwater-chromium-"));
  // A HOME of its own: crash reports and caches stay out of the developer's.
  const env = { ...process.env, HOME: home, XDG_CONFIG_HOME: home, XDG_CACHE_HOME: home };
  const browser = await chromium.launch({ executablePath, headless: true, args: FLAGS, env });
  try {
    return await use(browser);
  } finally {
    await browser.close();
    rmSync(home, { recursive: true, force: true });
  }
}

/**
 * A page in a context of its own, with `page.seen`: requests, refusals (status 400 and up),
 * addresses outside this machine, and what the console and uncaught errors said.
 *
 * @param options.engine the engine that the page is to prefer, as it remembers it between visits;
 *   `gapless`, whether it plays albums in one piece
 */
export async function openPage(browser, { engine = null, quality = null, gapless = false, ...options } = {}) {
  const context = await browser.newContext(options);
  const seen = { requests: [], refusals: [], outside: [], errors: [] };
  const preferences = { engine, quality, gapless };
  await context.addInitScript((values) => {
    for (const [name, value] of Object.entries(values)) {
      const key = `headwater.${name}`;
      if (value !== null && localStorage.getItem(key) === null) {
        localStorage.setItem(key, JSON.stringify(value));
      }
    }
  }, preferences);
  const page = await context.newPage();
  page.on("request", (request) => {
    const { protocol, hostname, pathname } = new URL(request.url());
    seen.requests.push(`${request.method()} ${pathname}`);
    if (!["data:", "blob:"].includes(protocol) && hostname !== "127.0.0.1") {
      seen.outside.push(request.url());
    }
  });
  page.on("response", (response) => {
    if (response.status() < 400) return;
    seen.refusals.push({ status: response.status(), path: new URL(response.url()).pathname });
  });
  page.on("pageerror", (error) => seen.errors.push(String(error.stack)));
  page.on("console", (message) => {
    if (message.type() === "error") seen.errors.push(message.text());
  });
  page.seen = seen;
  return page;
}

/** The album's page, its tracks listed and none playing yet. */
export async function openAlbum(page, session) {
  await page.goto(session);
  await page.locator(".card a").first().click();
  await page.locator(".track").first().waitFor();
}

/**
 * `{engine: await use(engine, page)}` of each engine, side by side in pages of their own; with what
 * a page saw as `seen`. A failure says which engine it was and what its page showed.
 */
export async function eachEngine(browser, engines, use) {
  const one = async (engine) => {
    const page = await openPage(browser, { engine });
    try {
      return [engine, { ...(await use(page)), seen: page.seen }];
    } catch (error) {
      throw new Error(`${engine}: ${await told(error, page)}`, { cause: error });
    }
  };
  return Object.fromEntries(await Promise.all(engines.map(one)));
}

/** A scenario's failure, and what its page showed then. */
export async function told(error, page) {
  const bar = await page.locator(".bar").textContent({ timeout: 1000 }).catch(() => "no bar");
  const requests = page.seen.requests.slice(-5);
  return `${error.stack}\n${JSON.stringify({ audio: await audio(page), bar, ...page.seen, requests })}`;
}

/** What the audio element that plays says of itself; null without one. */
export function audio(page) {
  return page.evaluate(() => {
    const element = document.querySelector("audio[data-current]");
    if (!element) return null;
    const { currentTime, duration, paused, ended, seeking, readyState, buffered, error } = element;
    const spans = Array.from(buffered, (_, n) => [buffered.start(n), buffered.end(n)]);
    return {
      currentTime,
      duration,
      paused,
      ended,
      seeking,
      readyState,
      spans,
      error: error?.message ?? null,
      decodedBytes: element.webkitAudioDecodedByteCount,
      encrypted: element.mediaKeys !== null,
      track: element.dataset.track,
    };
  });
}

/** Wait until the position is past `seconds`, and then give `audio(page)`. */
export async function playedPast(page, seconds, timeout = 30_000) {
  await page.waitForFunction(
    (past) => document.querySelector("audio[data-current]")?.currentTime > past,
    seconds,
    { timeout },
  );
  return audio(page);
}
