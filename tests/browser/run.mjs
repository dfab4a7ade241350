// Runs the browser scenarios, one after the other, each with a program, a data directory and a receiver of its own.
//
//   node tests/browser/run.mjs [NAME…]   all scenarios, or those whose names contain NAME
//
// CHROMIUM names the browser (default /usr/bin/chromium), CALLOUT the program (default target/debug/callout).
import { readdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { chromium } from 'playwright-core';
import { Stage } from './stage.mjs';
import { Watcher } from './watcher.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const shots = join(here, 'shots');
const SCENARIO_MS_MAX = 300_000;

const wanted = process.argv.slice(2);
const names = readdirSync(join(here, 'scenarios'))
  .filter((file) => file.endsWith('.mjs'))
  .map((file) => file.slice(0, -'.mjs'.length))
  .filter((name) => wanted.length === 0 || wanted.some((part) => name.includes(part)))
  .sort();

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM || '/usr/bin/chromium',
  args: [
    '--no-sandbox', '--disable-dev-shm-usage', '--disable-gpu', '--disable-background-networking',
    '--disable-component-update', '--disable-sync', '--no-first-run',
  ],
});

let stage;
// Ctrl-C must not leave a server behind.
for (const signal of ['SIGINT', 'SIGTERM']) {
  process.on(signal, async () => {
    await stage?.stop();
    await browser.close().catch(() => {});
    process.exit(130);
  });
}

let passed = 0;
let failed = 0;
for (const name of names) {
  const began = Date.now();
  const problems = await play(name);
  const seconds = ((Date.now() - began) / 1000).toFixed(1);
  if (problems.length === 0) {
    passed += 1;
    console.log(`  ok      ${name} (${seconds} s)`);
  } else {
    failed += 1;
    console.log(`  FAILED  ${name} (${seconds} s)`);
    for (const problem of problems) console.log(`          ${problem.replaceAll('\n', '\n          ')}`);
  }
}
await browser.close();
console.log(`browser: ${passed} passed, ${failed} failed`);
process.exit(failed === 0 && passed > 0 ? 0 : 1);

/** Plays one scenario and answers everything that went wrong in it. */
async function play(name) {
  const folder = join(shots, name);
  rmSync(folder, { recursive: true, force: true });
  const problems = [];
  stage = new Stage();
  let watcher;
  try {
    const { default: scenario } = await import(pathToFileURL(join(here, 'scenarios', `${name}.mjs`)));
    await stage.start();
    const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, baseURL: stage.url });
    context.setDefaultTimeout(30_000);
    watcher = new Watcher(context, stage, folder);
    await within(SCENARIO_MS_MAX, scenario({ stage, context, page: await watcher.open(), look: watcher.look, expecting: watcher.expecting }));
    await watcher.lookAtTheRest();
    problems.push(...watcher.problems);
    await context.close();
  } catch (error) {
    problems.push(...(watcher?.problems ?? []), error.stack ?? String(error));
    await watcher?.photograph('where-it-failed').catch(() => {});
    problems.push(`the program's last lines:\n${stage.lastLines()}`);
  } finally {
    await stage.stop();
  }
  return problems;
}

function within(ms, promise) {
  let timer;
  const limit = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not done after ${ms / 1000} s`)), ms);
  });
  return Promise.race([promise, limit]).finally(() => clearTimeout(timer));
}
