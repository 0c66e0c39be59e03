// The upload page: a file by tus-js-client, its job by EventSource, both as a label sees them.

import { basename } from "node:path";

import { openPage } from "../browser.mjs";

export async function run(browser, { url, token, file, wrong, viewport, shots }) {
  const page = await openPage(browser, { viewport });
  await page.goto(`${url}/player/upload.html`);
  const asks = await page.locator("#session").isVisible();
  await page.fill("#token", token);
  await page.click("#session button");
  await page.fill("[name=title]", "From a Browser");
  await page.fill("[name=artists]", "Ada; Grace");
  await page.locator("#files").setInputFiles(file);
  const states = [];
  const row = page.locator("#sent li").first();
  await page.exposeFunction("note", (text) => states.push(text));
  await page.evaluate(() => {
    const state = document.querySelector("#sent li .state");
    new MutationObserver(() => window.note(state.textContent)).observe(state, { childList: true });
  });
  await page.locator("#sent li.done").waitFor({ timeout: 120_000 });
  await page.locator("#files").setInputFiles(wrong);
  await page.locator("#sent li.failed").waitFor({ timeout: 30_000 });
  if (shots) await page.screenshot({ path: shots, fullPage: true });
  const errors = [...page.seen.errors];
  return {
    asks,
    states,
    done: await row.isVisible(),
    failure: await page.locator("#sent li.failed .state").textContent(),
    announced: await page.locator("#announcer").textContent(),
    unnamed: await page.evaluate(
      () => [...document.querySelectorAll("input, textarea")].filter((one) => !one.labels.length).length,
    ),
    overflow: await page.evaluate(() => document.documentElement.scrollWidth > innerWidth),
    errors,
    resumed: await resumed(page, file),
  };
}

/** Whether a file whose page went away in the middle goes on when it is chosen again. */
async function resumed(page, file) {
  const begun = () => page.seen.requests.filter((one) => one === "POST /api/v1/uploads").length;
  await page.route("**/api/v1/uploads/*", (route) => route.abort());
  await page.reload();
  const before = begun();
  await page.locator("#files").setInputFiles(file);
  await page.waitForFunction(
    (name) => Object.values(localStorage).some((kept) => kept.includes(name)),
    basename(file),
  );
  await page.reload();
  await page.unroute("**/api/v1/uploads/*");
  await page.locator("#files").setInputFiles(file);
  await page.locator("#sent li.done").waitFor({ timeout: 120_000 });
  return begun() - before === 1;
}
