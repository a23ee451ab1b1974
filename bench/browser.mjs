// What the measurements in a browser share: a system of their own, a Chromium with an account, and how figures are shown.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium, flags, freePort, startAtrium } from '../tests/browser/system.mjs';
import { chromium as playwright } from '../web/node_modules/playwright-core/index.mjs';

export const account = { email: 'bench@example.org', password: 'correct horse battery', firstName: 'Bench', lastName: 'Mark' };

/** Runs `measure({ address, context, api, debug })` on a real `atrium up`, signed in; `debug` is the port of Chromium's debugger. */
export async function inBrowser(program, measure) {
  const { address, stopped, stop } = await startAtrium(program, 'web/dist', 'ignore');
  try {
    await inBrowserAt(address, measure, stopped);
  } finally {
    await stop();
  }
}

/** The same on a system that runs already, where nobody has the account yet; `stopped`, when given, rejects when all is to end. */
export async function inBrowserAt(address, measure, stopped) {
  const profile = mkdtempSync(join(tmpdir(), 'atrium-bench-profile-'));
  const debug = await freePort();
  let browser;
  const run = async () => {
    browser = playwright.launchPersistentContext(profile, {
      handleSIGINT: !stopped,
      handleSIGTERM: !stopped,
      executablePath: chromium,
      viewport: { width: 1440, height: 900 },
      args: [...flags, `--unsafely-treat-insecure-origin-as-secure=${address}`, `--remote-debugging-port=${debug}`, ...(process.env.CHROMIUM_FLAGS?.split(' ') ?? [])],
    });
    const context = await browser;
    const api = async (path, data) => {
      const answer = await (await context.request.post(`${address}/api/v2/${path}`, { data, headers: { Origin: address }, timeout: 120_000 })).json();
      if (answer.error) throw new Error(`${path}: ${JSON.stringify(answer.error)}`);
      return answer;
    };
    await api('auth/sign-up', { ...account, terms: true });
    await measure({ address, context, api, debug });
  };
  try {
    await Promise.race(stopped ? [run(), stopped] : [run()]);
  } finally {
    await (await browser?.catch(() => undefined))?.close();
    rmSync(profile, { recursive: true, force: true });
  }
}

/** Presses "Start" on the page of a stopped project's terminal. Gives [when it was pressed, when the prompt was drawn], in milliseconds since 1970. */
export async function pressStart(page) {
  await page.getByRole('button', { name: 'Start', exact: true }).waitFor();
  return await page.evaluate(() => {
    // Measured inside the page: from the click until the prompt is there to be drawn in the next frame. It looks when something has
    // changed: a look a frame would keep 20 pages busy with drawing.
    return new Promise((done) => {
      const now = () => performance.timeOrigin + performance.now();
      const start = [...document.querySelectorAll('button')].find((b) => b.textContent.trim() === 'Start');
      const changes = new MutationObserver(() => {
        const rows = document.querySelector('.xterm-rows');
        if (!rows || !/[$#]\s*$/m.test(rows.textContent.replace(/\u00a0/g, ' ').trimEnd() + ' ')) return;
        changes.disconnect();
        requestAnimationFrame(() => done([pressed, now()]));
      });
      changes.observe(document.body, { childList: true, subtree: true, characterData: true });
      const pressed = now();
      start.click();
    });
  });
}

/** One line of a table: the figures in milliseconds, their spread, and the goal. */
export function show(question, took, goal) {
  const sorted = took.toSorted((a, b) => a - b);
  const at = (q) => sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))].toFixed(1).padStart(7);
  console.log(`  ${question.padEnd(52)} p50 ${at(0.5)}  p95 ${at(0.95)}  [${at(0).trim()}-${at(1).trim()}] ms, n=${sorted.length}, goal ${goal}`);
}
