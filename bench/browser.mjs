// What the measurements in a browser share: a system of their own, a Chromium with an account, and how figures are shown.
import { spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { chromium } from '../web/node_modules/playwright-core/index.mjs';

export const account = { email: 'bench@example.org', password: 'correct horse battery', firstName: 'Bench', lastName: 'Mark' };

export async function freePort() {
  return new Promise((done) => {
    const probe = createServer().listen(0, '127.0.0.1', () => {
      const { port } = probe.address();
      probe.close(() => done(port));
    });
  });
}

/** Rejects when this process is asked to end: what was started is then ended as after a failure. */
const stopped = new Promise((_, reject) => {
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => reject(new Error(`ended by ${signal}`)));
});
stopped.catch(() => undefined); // also before somebody waits for it

/** Runs `measure({ address, context, api, debug })` on a real `atrium up`, signed in; `debug` is the port of Chromium's debugger. */
export async function inBrowser(program, measure) {
  const folder = mkdtempSync(join(tmpdir(), 'atrium-bench-'));
  chmodSync(folder, 0o711); // project processes of uid 2001 pass through
  const [port, debug] = [await freePort(), await freePort()];
  const address = `http://127.0.0.1:${port}`;
  const up = spawn(resolve(program), ['up', '--state', `${folder}/s`, '--listen', `127.0.0.1:${port}`, '--web', 'web/dist'], { stdio: ['ignore', 'pipe', 'ignore'] });
  const gone = new Promise((done) => up.once('exit', done));
  let browser;
  const run = async () => {
    for await (const line of createInterface({ input: up.stdout })) if (line.startsWith('ready ')) break;
    browser = chromium.launchPersistentContext(join(folder, 'profile'), {
      handleSIGINT: false,
      handleSIGTERM: false,
      executablePath: '/usr/bin/chromium',
      viewport: { width: 1440, height: 900 },
      args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync', `--remote-debugging-port=${debug}`, ...(process.env.CHROMIUM_FLAGS?.split(' ') ?? [])],
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
    up.kill('SIGTERM');
    await gone;
    rmSync(folder, { recursive: true, force: true });
  }
}

/** One line of a table: the figures in milliseconds, their spread, and the goal. */
export function show(question, took, goal) {
  const sorted = took.toSorted((a, b) => a - b);
  const at = (q) => sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))].toFixed(1).padStart(7);
  console.log(`  ${question.padEnd(52)} p50 ${at(0.5)}  p95 ${at(0.95)}  [${at(0).trim()}-${at(1).trim()}] ms, n=${sorted.length}, goal ${goal}`);
}
