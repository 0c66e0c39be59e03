// Engines play a release from before a joint to after it, and what the browser would send to the
// loudspeakers is recorded. The engines are the page's own modules.

import { writeFileSync } from "node:fs";

import { openPage } from "../browser.mjs";

const AT_ONCE = 3; // they listen in the same seconds; more would starve

const RECORDER = `
registerProcessor("recorder", class extends AudioWorkletProcessor {
  process([input]) {
    if (input.length > 0) this.port.postMessage(input[0].slice());
    return true;
  }
});`;

export async function run(browser, { origin, takes, rate, files }) {
  const one = async (take) => {
    const page = await openPage(browser, { bypassCSP: true }); // the worklet comes from a blob:
    await page.goto(origin);
    const report = await page.evaluate(record, { ...take, rate, RECORDER });
    if (report.samples) {
      writeFileSync(`${files}/${take.name}.f32`, Buffer.from(report.samples, "base64"));
      delete report.samples;
    }
    await page.context().close();
    return [take.name, { ...report, errors: page.seen.errors }];
  };
  const results = [];
  const waiting = [...takes];
  const worker = async () => {
    for (let take = waiting.shift(); take; take = waiting.shift()) {
      let result = await one(take);
      if (result[1].waits.some((time) => time > 0.1)) result = await one(take); // the machine was busy
      results.push(result);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return Object.fromEntries(results);
}

/** Runs in the page. Web Audio hears what ClearKey decrypts, too. */
async function record({ engine, playback, rendition, until, rate, RECORDER, listen }) {
  const { engineById } = await import("/player/engines/index.js");
  const Engine = await engineById(engine).module();
  const audio = document.createElement("audio");
  document.body.append(audio);
  const problems = [];
  const access = {
    playback,
    url: async (url) => url,
    license: async () => playback.license,
  };
  const hooks = { onRendition: () => {}, onError: (error) => problems.push(error) };
  const player = new Engine(audio, access, hooks);
  await player.load(0);
  player.choose(rendition);

  const chunks = [];
  let context = null;
  if (listen) {
    context = new AudioContext({ sampleRate: rate, latencyHint: "playback" });
    const module = URL.createObjectURL(new Blob([RECORDER], { type: "text/javascript" }));
    await context.audioWorklet.addModule(module);
    const node = new AudioWorkletNode(context, "recorder");
    node.port.onmessage = ({ data }) => chunks.push(data);
    context.createMediaElementSource(audio).connect(node).connect(context.destination);
    await context.resume();
  }
  const waits = [];
  audio.addEventListener("waiting", () => waits.push(audio.currentTime));
  await whole(until); // a machine that is busy then has nothing to be late with
  await audio.play();
  const started = performance.now();
  const times = [];
  await new Promise((resolve) => {
    const timer = setInterval(() => {
      times.push(audio.currentTime);
      const late = performance.now() - started > (until + 8) * 1000;
      if (audio.currentTime >= until || audio.ended || late || problems.length) {
        clearInterval(timer);
        resolve();
      }
    }, 20);
  });
  await new Promise((resolve) => setTimeout(resolve, 300)); // what is heard lags behind
  const buffered = Array.from({ length: audio.buffered.length }, (_, i) => [
    audio.buffered.start(i),
    audio.buffered.end(i),
  ]);
  const report = {
    buffered,
    waits,
    problems,
    currentTime: audio.currentTime,
    duration: audio.duration,
    longestStill: longestStill(times),
    decodedBytes: audio.webkitAudioDecodedByteCount,
    rate: context?.sampleRate,
    encrypted: audio.mediaKeys !== null,
  };
  await player.destroy();
  await context?.close();
  if (listen) {
    const all = new Float32Array(chunks.reduce((sum, chunk) => sum + chunk.length, 0));
    let at = 0;
    for (const chunk of chunks) {
      all.set(chunk, at);
      at += chunk.length;
    }
    report.samples = await base64(all.buffer);
  }
  return report;

  async function whole(end) {
    const deadline = performance.now() + 8000;
    const ready = () => audio.buffered.length > 0 && audio.buffered.end(0) >= end;
    while (!ready() && performance.now() < deadline) {
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  function longestStill(seen) {
    let longest = 0;
    let run = 0;
    for (let i = 1; i < seen.length; i += 1) {
      run = seen[i] === seen[i - 1] && seen[i] > 0.5 ? run + 20 : 0;
      longest = Math.max(longest, run);
    }
    return longest; // milliseconds
  }

  async function base64(buffer) {
    const reader = new FileReader();
    reader.readAsDataURL(new Blob([buffer]));
    await new Promise((resolve) => {
      reader.onload = resolve;
    });
    return reader.result.split(",")[1];
  }
}
