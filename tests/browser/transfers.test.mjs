// Large files in Chromium while parts of the system are killed: the page's own uploads, and downloads by a plain link,
// which the browser's download manager follows. ATRIUM_STATE is the state folder of the `atrium up` that is used.
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { createReadStream, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { close, newProject, open, patience, signUp, typeCommand, url, waitForTerminal, window } from './support.mjs';

const state = process.env.ATRIUM_STATE;
const folder = mkdtempSync(join(tmpdir(), 'atrium-transfers-'));
const megabyte = 1_000_000;
let page, project;

before(async () => {
  await open({ downloadsPath: folder });
  ({ page } = await window());
  await signUp(page, 'Ada', 'Marek');
  project = await newProject(page, 'Large files');
});
after(async () => {
  await close();
  rmSync(folder, { recursive: true, force: true });
});

function kill(service) {
  process.kill(Number(readFileSync(join(state, 'run', `${service}.pid`), 'utf8')), 'SIGKILL');
}

/** Kills each part when so many bytes have passed, until `done` settles. */
async function killAt(parts, bytes, done) {
  let ended = false;
  done.finally(() => (ended = true)).catch(() => undefined);
  const killed = [];
  while (!ended) {
    const next = parts[killed.length];
    if (next && (await bytes()) >= next.at) {
      kill(next.part);
      killed.push(next.part);
    }
    await new Promise((resume) => setTimeout(resume, 10));
  }
  assert.deepEqual(
    killed,
    parts.map(({ part }) => part),
    'every part was killed in the middle',
  );
  return done;
}

async function digest(path) {
  const hash = createHash('sha256');
  for await (const piece of createReadStream(path)) hash.update(piece);
  return hash.digest('hex');
}

async function inTerminal(command) {
  await page.goto(`${url}/app/projects/${project.id}/terminal/main`);
  await waitForTerminal(page, /[$#]/);
  await typeCommand(page, command);
}

test('what arrives by HTTP appears in the list that is open', async () => {
  await page.goto(`${url}/app/projects/${project.id}/files/`);
  const grid = page.getByRole('grid');
  await grid.waitFor();
  for (let count = 0; count < 5; ++count) {
    const { status } = await page.evaluate(
      (path) => fetch(path, { method: 'PUT', body: 'arrived' }).then(({ status }) => ({ status })),
      `/${project.id}/files/arrived-${count}.txt`,
    );
    assert.equal(status, 201);
    await grid.getByText(`arrived-${count}.txt`).waitFor();
  }
});

test('an upload of the page goes on when hub-proxy and the edge are killed', async () => {
  const file = join(folder, 'up.bin');
  writeFileSync(file, randomBytes(60 * megabyte));
  const network = await page.context().newCDPSession(page);
  // Slow enough that there is a middle to kill in.
  const slow = { offline: false, latency: 0, downloadThroughput: -1, uploadThroughput: 15 * megabyte };
  await network.send('Network.emulateNetworkConditions', slow);
  await page.locator('input[type=file]').setInputFiles(file);
  const done = page.getByText('60 MB uploaded').waitFor({ timeout: 3 * patience });
  const sent = () => page.locator('.upload progress').evaluateAll((all) => all[0]?.value ?? 0);
  await killAt(
    [
      { part: 'hub-proxy', at: 12 * megabyte },
      { part: 'edge', at: 25 * megabyte },
      { part: 'hub-proxy', at: 40 * megabyte },
    ],
    sent,
    done,
  );
  await network.detach();
  await inTerminal('sha256sum up.bin');
  await waitForTerminal(page, await digest(file));
});

test('a download by a link goes on when hub-proxy and the edge are killed', async () => {
  await inTerminal('seq 1 70000000 > big.txt; sha256sum big.txt | sed s/big.txt/was-the-sum/');
  const [, expected] = /([0-9a-f]{64}) +was-the-sum/.exec(await waitForTerminal(page, /[0-9a-f]{64} +was-the-sum/));
  await page.goto(`${url}/app/projects/${project.id}/files/`);
  const row = page.getByRole('grid').getByText('big.txt');
  await row.waitFor();
  const before = new Set(readdirSync(folder));
  const arrived = () =>
    readdirSync(folder)
      .filter((name) => !before.has(name))
      .reduce((sum, name) => sum + statSync(join(folder, name), { throwIfNoEntry: false })?.size, 0);
  const waiting = page.waitForEvent('download');
  await page.evaluate((address) => {
    const link = document.createElement('a');
    link.href = address;
    link.download = 'big.txt';
    link.click();
  }, `/${project.id}/files/big.txt?download`);
  const download = await waiting;
  const done = download.path();
  await killAt(
    [
      { part: 'hub-proxy', at: 80 * megabyte },
      { part: 'edge', at: 200 * megabyte }, // this one the browser notices: it asks for the rest
      { part: 'hub-proxy', at: 350 * megabyte },
    ],
    arrived,
    done,
  );
  assert.equal(await download.failure(), null);
  assert.equal(await digest(await done), expected);
});
