// What the measurements in a browser share: a system of their own, a Chromium with an account, and how figures are shown.
import { join } from 'node:path';
import { chromium, flags, freePort, startAtrium } from '../tests/browser/system.mjs';
import { chromium as playwright } from '../web/node_modules/playwright-core/index.mjs';

export const account = { email: 'bench@example.org', password: 'correct horse battery', firstName: 'Bench', lastName: 'Mark' };

/** Runs `measure({ address, context, api, debug })` on a real `atrium up`, signed in; `debug` is the port of Chromium's debugger. */
export async function inBrowser(program, measure) {
  const debug = await freePort();
  const { address, folder, stopped, stop } = await startAtrium(program, 'web/dist', 'ignore');
  let browser;
  const run = async () => {
    browser = playwright.launchPersistentContext(join(folder, 'profile'), {
      handleSIGINT: false,
      handleSIGTERM: false,
      executablePath: chromium,
      viewport: { width: 1440, height: 900 },
      args: [...flags, `--remote-debugging-port=${debug}`, ...(process.env.CHROMIUM_FLAGS?.split(' ') ?? [])],
    });
    const context = await browser;
    const api = async (path, data) => {
      const answer = await (await context.request.post(`${address}/api/v2/${path}`, { data, headers: { Origin: address } })).json();
      if (answer.error) throw new Error(`${path}: ${JSON.stringify(answer.error)}`);
      return answer;
    };
    await api('auth/sign-up', { ...account, terms: true });
    await measure({ address, context, api, debug });
  };
  try {
    await Promise.race([run(), stopped]);
  } finally {
    await (await browser?.catch(() => undefined))?.close();
    await stop();
  }
}

/** One line of a table: the figures in milliseconds, their spread, and the goal. */
export function show(question, took, goal) {
  const sorted = took.toSorted((a, b) => a - b);
  const at = (q) => sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))].toFixed(1).padStart(7);
  console.log(`  ${question.padEnd(52)} p50 ${at(0.5)}  p95 ${at(0.95)}  [${at(0).trim()}-${at(1).trim()}] ms, n=${sorted.length}, goal ${goal}`);
}
