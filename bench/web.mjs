// What somebody waits for in the web application, on a real `atrium up` in headless Chromium: sign-in, a key in the terminal, a file of
// 1 MB in the editor; and what Lighthouse says. All times are taken inside the page.
// node bench/web.mjs PATH_OF_ATRIUM
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { account, inBrowser, show } from './browser.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const lighthouseFolder = join(root, '.cache/bench/lighthouse');
const lighthouseVersion = '12.8.2';

/** In the page: presses what `find` returns and waits until `shown` holds and a frame with it was drawn. Both are source text. */
const pressUntil = (page, find, shown) =>
  page.evaluate(
    ({ find, shown }) =>
      new Promise((done) => {
        const [target, holds] = [eval(find), eval(`() => ${shown}`)];
        const began = performance.now();
        target.click();
        const look = () => (holds() ? setTimeout(() => done(performance.now() - began)) : requestAnimationFrame(look)); // after its frame
        requestAnimationFrame(look);
      }),
    { find, shown },
  );

async function signIn({ address, context }, rounds) {
  const took = [];
  const page = await context.newPage();
  for (let i = 0; i < rounds + 2; i++) {
    await context.clearCookies();
    await page.goto(`${address}/app/sign-in`);
    await page.getByLabel('E-mail address').fill(account.email);
    await page.getByLabel('Password', { exact: true }).fill(account.password);
    const ms = await pressUntil(page, `document.querySelector('button[type=submit]')`, `document.querySelector('.project-name') !== null`);
    if (i >= 2) took.push(ms); // the first two warm caches
  }
  await page.close();
  return took;
}

/** From the keydown to the arrival of its echo in the page, and to the changed rows of the terminal. */
async function keys({ address, context }, project, count) {
  const page = await context.newPage();
  await page.addInitScript(() => {
    const Original = WebSocket;
    globalThis.WebSocket = class extends Original {
      constructor(...given) {
        super(...given);
        this.addEventListener('message', ({ data }) => {
          if (typeof data !== 'string') globalThis.onEcho?.();
        });
      }
      send(data) {
        // What the page itself takes: the frame of the key comes back at once as its echo, as the shell would answer.
        if (globalThis.echoHere && typeof data !== 'string') queueMicrotask(() => this.dispatchEvent(new MessageEvent('message', { data: new Uint8Array(data).buffer })));
        else super.send(data);
      }
    };
  });
  await page.goto(`${address}/app/projects/${project}/terminal/main`);
  await page.waitForFunction(() => /[$#]\s*$/.test(document.querySelector('.xterm-rows')?.textContent.replaceAll('\u00a0', ' ').trimEnd() ?? ''));
  await page.locator('.terminal-host').click();
  await page.evaluate(() => {
    const rows = document.querySelector('.xterm-rows');
    const count = () => rows.textContent.split('x').length;
    globalThis.next = () =>
      new Promise((done) => {
        const before = count();
        let began, arrived;
        addEventListener('keydown', () => (began = performance.now()), { capture: true, once: true });
        globalThis.onEcho = () => (arrived ??= began && performance.now());
        const observer = new MutationObserver(() => {
          if (count() === before) return;
          observer.disconnect();
          done({ arrived: arrived - began, drawn: performance.now() - began });
        });
        observer.observe(rows, { subtree: true, childList: true, characterData: true });
      });
  });
  const rounds = async (n) => {
    const took = { arrived: [], drawn: [] };
    for (let i = 0; i < n + 20; i++) {
      await page.evaluate(() => void (globalThis.echo = globalThis.next())); // in place before the key comes
      await page.waitForTimeout(20 + Math.random() * 40); // people do not type in step with the frames of the screen
      await page.keyboard.press('x');
      const { arrived, drawn } = await page.evaluate(() => globalThis.echo);
      if (i >= 20) {
        took.arrived.push(arrived);
        took.drawn.push(drawn);
      }
    }
    return took;
  };
  const real = await rounds(count);
  await page.evaluate(() => (globalThis.echoHere = true));
  const here = await rounds(count >> 1);
  await page.close();
  return { ...real, floor: here.drawn };
}

/** A different file each time, so that the project has none of them in memory; the editor's own code is there after the first. */
async function openFiles({ address, context }, project, count) {
  const lines = Array.from({ length: 25_000 }, (_, i) => `slope_${String(i).padStart(5, '0')} = fit(points, order=${i % 9})  # ${i % 7}\n`).join('');
  const text = lines.slice(0, 1_000_000);
  if (text.length !== 1_000_000) throw new Error('the file is not of 1 MB');
  for (let i = 0; i <= count; i++) {
    const answer = await context.request.put(`${address}/${project}/files/fit-${i}.py`, { data: text, headers: { Origin: address, 'Content-Type': 'application/octet-stream' } });
    if (answer.status() !== 201) throw new Error(`upload: ${answer.status()} ${await answer.text()}`);
  }
  const page = await context.newPage();
  await page.goto(`${address}/app/projects/${project}/files/`);
  const took = [];
  for (let i = 0; i <= count; i++) {
    const link = page.getByRole('grid').getByRole('link', { name: `fit-${i}.py`, exact: true });
    await link.waitFor();
    took.push(
      await pressUntil(
        page,
        `[...document.querySelectorAll('[role=grid] a')].find((a) => a.textContent.trim() === 'fit-${i}.py')`,
        `[...document.querySelectorAll('.pane:not([hidden]) *')].find((e) => e.shadowRoot)?.shadowRoot.querySelector('.cm-line')?.textContent.startsWith('slope_00000 = fit')`,
      ),
    );
    await page.getByRole('button', { name: `Close fit-${i}.py`, exact: true }).click();
    await page.getByRole('link', { name: 'Files', exact: true }).click();
  }
  await page.close();
  return { first: took[0], took: took.slice(1) };
}

async function lighthouse({ address, context, debug }, rounds) {
  if (!existsSync(join(lighthouseFolder, 'node_modules/lighthouse')))
    execFileSync('npm', ['install', '--prefix', lighthouseFolder, '--no-audit', '--no-fund', '--silent', '--ignore-scripts', `lighthouse@${lighthouseVersion}`], { stdio: 'inherit' });
  const { default: run } = await import(join(lighthouseFolder, 'node_modules/lighthouse/core/index.js'));
  const categories = ['performance', 'accessibility', 'best-practices'];
  const ask = async (path) => {
    const scores = categories.map(() => []);
    const failed = new Set();
    for (let i = 0; i < rounds; i++) {
      const { lhr } = await run(`${address}${path}`, { port: debug, logLevel: 'error', onlyCategories: categories, disableStorageReset: true });
      categories.forEach((name, at) => {
        scores[at].push(Math.round(lhr.categories[name].score * 100));
        for (const { id, weight } of lhr.categories[name].auditRefs)
          if (weight > 0 && lhr.audits[id].score !== null && lhr.audits[id].score < 0.9) failed.add(`${id} ${lhr.audits[id].displayValue ?? ''}`.trim());
      });
    }
    const words = categories.map((name, at) => {
      const sorted = scores[at].toSorted((a, b) => a - b);
      return `${name} ${sorted[sorted.length >> 1]} [${sorted[0]}-${sorted.at(-1)}]`;
    });
    console.log(`  Lighthouse ${lighthouseVersion}, its phone, ${path}: ${words.join(', ')}, n=${rounds}, goal 95${failed.size ? `; below 0.9: ${[...failed].join(', ')}` : ''}`);
  };
  await ask('/app/projects'); // still signed in
  await context.clearCookies();
  await ask('/app/sign-in');
}

await inBrowser(process.argv[2], async (system) => {
  const { project_id } = await system.api('projects/create', { title: 'Measured', start: true });
  console.log('web application, headless Chromium:');
  show('"Sign in" to the list of projects', await signIn(system, 30), 'p95 1000');
  const { arrived, drawn, floor } = await keys(system, project_id, 300);
  show('key to its echo in the page', arrived, 'p50 5, p95 16');
  show('key to the changed rows of the terminal', drawn, 'p50 5, p95 16');
  show('the same, echoed by the page itself', floor, 'none: the floor of 60 frames a second');
  const { first, took } = await openFiles(system, project_id, 15);
  show('click on a file of 1 MB to its text', took, '300');
  console.log(`  the first one, with the editor's code: ${first.toFixed(0)} ms`);
  await lighthouse(system, 3);
});
