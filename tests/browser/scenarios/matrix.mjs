// Every cell of the players' table: an engine is given one manifest of one codec, and plays or not.

import { openPage } from "../browser.mjs";

const AT_ONCE = 4;

export async function run(browser, { playbacks, cells, seconds, patience }) {
  const results = {};
  const waiting = rowsOf(cells);
  const worker = async () => {
    for (let row = waiting.shift(); row; row = waiting.shift()) {
      let page = null;
      for (const cell of row) {
        const { origin, ...answer } = playbacks[cell.home];
        if (page === null) {
          page = await openPage(browser, {});
          await page.goto(origin);
        }
        // One manifest under all names: an engine takes it whichever it looks for.
        const playback = { ...answer, hls: cell.manifest, dash: cell.manifest };
        const given = { engine: cell.engine, playback, seconds, patience };
        const result = await page.evaluate(play, given);
        results[cell.name] = { ...result, outside: page.seen.outside };
        if (result.currentTime <= seconds || result.problems.length > 0) {
          await page.context().close(); // what failed may have left something: the next has another
          page = null;
        }
      }
      await page?.context().close();
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return results;
}

/** The cells of one engine at one origin: they play in one page, which has the engine's script. */
function rowsOf(cells) {
  const rows = new Map();
  for (const cell of cells) {
    const place = `${cell.engine} ${cell.home}`;
    rows.set(place, [...(rows.get(place) ?? []), cell]);
  }
  return [...rows.values()];
}

/** Runs in the page, with the page's own engines. */
async function play({ engine, playback, seconds, patience }) {
  const { engineById } = await import("/player/engines/index.js");
  const Engine = await engineById(engine).module();
  const audio = document.createElement("audio");
  document.body.append(audio);
  const problems = [];
  const access = { playback, url: async (url) => url, license: async () => playback.license };
  const player = new Engine(audio, access, {
    onRendition: () => {},
    onError: (error) => problems.push(error.code),
  });
  const deadline = performance.now() + patience * 1000;
  const played = async () => {
    await player.load(0);
    await audio.play();
    while (performance.now() < deadline && problems.length === 0) {
      if (audio.currentTime > seconds && audio.webkitAudioDecodedByteCount > 0) return;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  };
  const late = new Promise((resolve) => setTimeout(resolve, patience * 1000));
  await Promise.race([played().catch((error) => problems.push(error.code ?? String(error))), late]);
  const report = {
    currentTime: audio.currentTime,
    decodedBytes: audio.webkitAudioDecodedByteCount,
    encrypted: audio.mediaKeys !== null,
    problems,
  };
  await player.destroy().catch(() => {});
  audio.remove();
  return report;
}
