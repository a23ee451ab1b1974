// Starts `atrium up` on a folder and a port of its own, runs browser tests against it, and stops it.
// node tests/browser/run.mjs PATH_OF_ATRIUM FILE...
import { spawn } from 'node:child_process';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium, startAtrium } from './system.mjs';

const [program, ...files] = process.argv.slice(2);
const web = join(dirname(fileURLToPath(import.meta.url)), '../../web/dist');
for (const [path, how] of [
  [join(web, 'index.html'), 'Build the web application: npm ci && npm run build in web/ (./dev test does it).'],
  [chromium, "Install the Debian package 'chromium'."],
])
  if (!existsSync(path)) {
    console.error(`${path} is missing. ${how}`);
    process.exit(1);
  }

const { address, state, stopped, stop } = await startAtrium(program, web);
const logs = join(state, 'logs');
let code = 1;
let tests;
try {
  tests = spawn(process.execPath, ['--test', '--test-concurrency=1', ...files], {
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...process.env, ATRIUM_URL: address, ATRIUM_STATE: state },
  });
  code = await Promise.race([new Promise((done) => tests.once('exit', (status) => done(status ?? 1))), stopped]);
  if (code !== 0)
    for (const name of readdirSync(logs))
      console.error(`\n== ${name}\n${readFileSync(join(logs, name), 'utf8').slice(-3000)}`);
} finally {
  tests?.kill();
  await stop();
}
process.exit(code);
