// How long from the click on "Start" to the shell's prompt in the browser: a stopped project, its terminal tab open, headless Chromium.
// node bench/prompt.mjs PATH_OF_ATRIUM
import { spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { chromium } from '../web/node_modules/playwright-core/index.mjs';

const rounds = 20;
const program = resolve(process.argv[2]);
const folder = mkdtempSync(join(tmpdir(), 'atrium-bench-'));
chmodSync(folder, 0o711); // project processes of uid 2001 pass through

const port = await new Promise((done) => {
  const probe = createServer().listen(0, '127.0.0.1', () => {
    const { port } = probe.address();
    probe.close(() => done(port));
  });
});
const address = `http://127.0.0.1:${port}`;
const up = spawn(program, ['up', '--state', `${folder}/s`, '--listen', `127.0.0.1:${port}`, '--web', 'web/dist'], { stdio: ['ignore', 'pipe', 'ignore'] });
for await (const line of createInterface({ input: up.stdout })) if (line.startsWith('ready ')) break;

const browser = await chromium.launch({
  executablePath: '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
});
const context = await browser.newContext({ viewport: { width: 1440, height: 900 } });
const api = async (path, data) => (await context.request.post(`${address}/api/v2/${path}`, { data, headers: { Origin: address } })).json();
try {
  await api('auth/sign-up', { email: 'bench@example.org', password: 'correct horse battery', firstName: 'Bench', lastName: 'Mark', terms: true });
  const { project_id } = await api('projects/create', { title: 'Prompt' });
  const page = await context.newPage();
  await page.goto(`${address}/app/projects/${project_id}/terminal/main`);
  const took = [];
  for (let i = 0; i < rounds + 2; i++) {
    const button = page.getByRole('button', { name: 'Start', exact: true });
    await button.waitFor();
    const began = await page.evaluate(() => {
      // Measured inside the page: from the click to the first prompt that is drawn.
      return new Promise((done) => {
        const start = [...document.querySelectorAll('button')].find((b) => b.textContent.trim() === 'Start');
        const t0 = performance.now();
        start.click();
        const look = () => {
          const rows = document.querySelector('.xterm-rows');
          if (rows && /[$#]\s*$/m.test(rows.textContent.replace(/\u00a0/g, ' ').trimEnd() + ' ')) done(performance.now() - t0);
          else requestAnimationFrame(look);
        };
        look();
      });
    });
    if (i >= 2) took.push(began); // the first two warm caches and lazy chunks
    await api('projects/stop', { project_id });
  }
  took.sort((a, b) => a - b);
  const at = (q) => (took[Math.min(took.length - 1, Math.floor(q * took.length))] / 1000).toFixed(2);
  console.log(`click to prompt: p50 ${at(0.5)} s, p95 ${at(0.95)} s (min ${at(0)}, max ${at(1)}, n=${took.length}), goal p50 0.3 s`);
} finally {
  await browser.close();
  up.kill('SIGTERM');
  await new Promise((done) => up.once('exit', done));
  rmSync(folder, { recursive: true, force: true });
}
