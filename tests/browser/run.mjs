// Starts `atrium up` on a folder and a port of its own, runs browser tests against it, and stops it.
// node tests/browser/run.mjs PATH_OF_ATRIUM FILE...
import { spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const [program, ...files] = process.argv.slice(2);
const here = dirname(fileURLToPath(import.meta.url));
const web = join(here, '../../web/dist');
for (const [path, how] of [[join(web, 'index.html'), 'Build the web application: npm ci && npm run build in web/ (./dev test does it).'], ['/usr/bin/chromium', "Install the Debian package 'chromium'."]])
  if (!existsSync(path)) {
    console.error(`${path} is missing. ${how}`);
    process.exit(1);
  }

const folder = mkdtempSync(join(tmpdir(), 'atrium-browser-'));
chmodSync(folder, 0o711); // project processes of uid 2001 pass through
const port = await new Promise((done) => {
  const probe = createServer().listen(0, '127.0.0.1', () => {
    const { port } = probe.address();
    probe.close(() => done(port));
  });
});

const up = spawn(program, ['up', '--state', `${folder}/s`, '--listen', `127.0.0.1:${port}`, '--web', web], { stdio: ['ignore', 'pipe', 'inherit'] });
const ended = new Promise((done) => up.once('exit', done));
let code = 1;
try {
  let ready = false;
  for await (const line of createInterface({ input: up.stdout }))
    if (line.startsWith('ready ')) {
      ready = true;
      break;
    }
  if (ready) {
    const tests = spawn(process.execPath, ['--test', '--test-concurrency=1', ...files], {
      stdio: ['ignore', 'inherit', 'inherit'],
      env: { ...process.env, ATRIUM_URL: `http://127.0.0.1:${port}`, ATRIUM_STATE: `${folder}/s` },
    });
    code = await new Promise((done) => tests.once('exit', (status) => done(status ?? 1)));
  }
  if (code !== 0)
    for (const name of readdirSync(`${folder}/s/logs`)) console.error(`\n== ${name}\n${readFileSync(`${folder}/s/logs/${name}`, 'utf8').slice(-3000)}`);
} finally {
  up.kill('SIGTERM');
  await ended;
  rmSync(folder, { recursive: true, force: true });
}
process.exit(code);
