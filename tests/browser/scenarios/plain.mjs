// What rests in storage, played from plain files by each player with nothing but its own defaults.

import { openPage } from "../browser.mjs";

const AT_ONCE = 3;

const START = {
  async shaka(url) {
    const player = new window.shaka.Player();
    await player.attach(document.querySelector("audio"));
    await player.load(url);
  },
  async "hls.js"(url) {
    const player = new window.Hls({ enableWorker: false });
    player.loadSource(url);
    player.attachMedia(document.querySelector("audio"));
  },
  async "dash.js"(url) {
    const player = window.dashjs.MediaPlayer().create();
    player.initialize(document.querySelector("audio"), url, false);
  },
};

async function play(browser, base, player, manifest) {
  const page = await openPage(browser);
  await page.goto(`${base}/player.html`);
  const url = `${base}/${manifest}`;
  await page.evaluate(`(${START[player].toString().replace(/^async .*?\(/, "async function start(")})(${JSON.stringify(url)})`);
  await page.evaluate(() => document.querySelector("audio").play());
  await page.waitForFunction(() => document.querySelector("audio").currentTime > 2, null, {
    timeout: 30_000,
  });
  const audio = await page.evaluate(() => {
    const { currentTime, duration, error, webkitAudioDecodedByteCount } =
      document.querySelector("audio");
    return { currentTime, duration, error: error?.message ?? null, webkitAudioDecodedByteCount };
  });
  const { refusals, outside } = page.seen;
  await page.context().close();
  return { ...audio, refusals, outside };
}

export async function run(browser, { base, cases }) {
  const results = {};
  const waiting = [...cases];
  const worker = async () => {
    for (let one = waiting.shift(); one; one = waiting.shift()) {
      results[one.join(" ")] = await play(browser, base, ...one);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return results;
}
