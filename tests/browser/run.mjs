// Usage: node run.mjs SCENARIO CHROMIUM JSON
// Runs one scenario and prints what it saw as JSON; what to think of it is for the Python tests.

import { withChromium } from "./browser.mjs";

const [scenario, chromium, given] = process.argv.slice(2);
const { run } = await import(`./scenarios/${scenario}.mjs`);
const result = await withChromium(chromium, (browser) => run(browser, JSON.parse(given)));
process.stdout.write(JSON.stringify(result));
