// Usage: node run.mjs CHROMIUM [SCENARIO JSON]
// Runs one scenario and prints what it saw as JSON; what to think of it is for the Python tests.
// Without a scenario: one for each line [SCENARIO, GIVEN] of stdin, in one Chromium, until stdin ends;
// for each a line {"result": ...} or {"error": text}.

import { createInterface } from "node:readline";

import { withChromium } from "./browser.mjs";

const [chromium, scenario, given] = process.argv.slice(2);

async function play(browser, name, values) {
  const { run } = await import(`./scenarios/${name}.mjs`);
  try {
    return await run(browser, values);
  } finally {
    // The next one finds nothing of this one: no page, no cookie, no cache.
    await Promise.all(browser.contexts().map((context) => context.close()));
  }
}

await withChromium(chromium, async (browser) => {
  if (scenario) {
    process.stdout.write(JSON.stringify(await play(browser, scenario, JSON.parse(given))));
    return;
  }
  for await (const line of createInterface({ input: process.stdin })) {
    const answer = await play(browser, ...JSON.parse(line)).then(
      (result) => ({ result }),
      (error) => ({ error: String(error?.stack ?? error) }),
    );
    process.stdout.write(`${JSON.stringify(answer)}\n`);
  }
});
