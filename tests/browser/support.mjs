// What the browser tests share: a Chromium, people with accounts, pictures, the accessibility check.
// Playwright and axe are the locked development dependencies of web/ (npm ci there).
import assert from 'node:assert/strict';
import { readFileSync, mkdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium, flags } from './system.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const require = createRequire(join(here, '../../web/package.json'));
const { chromium: playwright } = require('playwright-core');
const axeSource = readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');

export const url = process.env.ATRIUM_URL?.replace(/\/$/, '');
if (!url) throw new Error('Set ATRIUM_URL to the address of a running Atrium, for example http://127.0.0.1:8080.');
const pictures = process.env.ATRIUM_SCREENSHOTS ?? join(here, '../../build/screenshots');
mkdirSync(pictures, { recursive: true });

export const patience = 20_000;
const sizes = {
  desktop: { width: 1440, height: 900 },
  tablet: { width: 768, height: 1024 },
  phone: { width: 360, height: 780 },
};

let browser;
export async function open(options = {}) {
  browser ??= await playwright.launch({ executablePath: chromium, args: flags, ...options });
  return browser;
}
export async function close() {
  await browser?.close();
  browser = undefined;
}

/** A fresh browser profile with one page. `trouble` collects what went wrong in it. */
export async function window(options = {}) {
  const context = await (await open()).newContext({ viewport: sizes.desktop, ...options });
  context.setDefaultTimeout(patience);
  const page = await context.newPage();
  const trouble = [];
  page.on('pageerror', (error) => trouble.push(String(error.stack ?? error)));
  page.on('console', (message) => {
    // Chromium logs every refused connection; losing and finding it again is what some tests are about.
    if (message.type() === 'error' && !/WebSocket connection|Failed to load resource/.test(message.text()))
      trouble.push(message.text());
  });
  return { context, page, trouble };
}

let people = 0;
const run = Date.now().toString(36);

/** Signs somebody up through the form and arrives at the list of projects. */
export async function signUp(page, firstName, lastName) {
  const email = `${firstName}.${run}.${++people}@example.org`.toLowerCase();
  const password = `three quiet ${run} words`;
  await page.goto(`${url}/app/sign-up`);
  await page.getByLabel('First name').fill(firstName);
  await page.getByLabel('Last name').fill(lastName);
  await page.getByLabel('E-mail address').fill(email);
  await page.getByLabel('Password', { exact: true }).fill(password);
  await page.getByLabel(/I agree/).check();
  await page.getByRole('button', { name: 'Create account' }).click();
  await page.waitForURL('**/app/projects');
  await page.getByRole('heading', { name: 'Projects' }).waitFor();
  return { email, password, name: `${firstName} ${lastName}` };
}

/** Makes a project that starts, and waits until its files can be seen. */
export async function newProject(page, title) {
  await page.getByRole('button', { name: 'New project' }).first().click();
  await page.getByLabel('Name of the new project').fill(title);
  const clicked = performance.now();
  await page.keyboard.press('Enter');
  await page.getByRole('grid').waitFor();
  return {
    id: /projects\/([0-9a-f-]{36})/.exec(page.url())[1],
    ms: performance.now() - clicked,
  };
}

/** Reads a text until it `fits`; gives it, or fails with what is there instead. */
async function waitForText(page, what, read, fits, wanted) {
  const end = Date.now() + patience;
  for (;;) {
    const text = await read(page);
    if (fits(text)) return text;
    assert.ok(Date.now() < end, `The ${what} does not show ${wanted}; it shows: ${JSON.stringify(text.slice(-600))}`);
    await page.waitForTimeout(50);
  }
}

/** Text of the terminal that is shown, without what wrapping and padding add. */
async function terminalText(page) {
  const rows = page.locator('.pane:not([hidden]) .xterm-rows');
  return (await rows.innerText().catch(() => '')).replace(/[\u00a0\s]+/g, ' ');
}

export function waitForTerminal(page, wanted) {
  const fits = (text) => (typeof wanted === 'string' ? text.includes(wanted) : wanted.test(text));
  return waitForText(page, 'terminal', terminalText, fits, wanted);
}

export async function typeCommand(page, command) {
  await page.locator('.pane:not([hidden]) .terminal-host').click();
  await page.keyboard.type(`${command}\n`);
}

/** Text of the editor that is shown, line by line. */
export async function editorText(page) {
  const lines = await page.locator('.pane:not([hidden]) .cm-line').evaluateAll((all) =>
    all.map((line) => {
      const copy = line.cloneNode(true);
      for (const caret of copy.querySelectorAll('.cm-remote-caret')) caret.remove();
      return copy.textContent;
    }),
  );
  return lines.join('\n');
}

export function waitForEditor(page, wanted) {
  const fits = (text) => (typeof wanted === 'string' ? text === wanted : wanted.test(text));
  return waitForText(page, 'editor', editorText, fits, JSON.stringify(wanted));
}

export const saved = (page) => page.locator('.pane:not([hidden]) .save-state', { hasText: /^\s*Saved$/ }).waitFor();

/** Fails with the rule and the element of every accessibility violation. */
export async function accessible(page, name) {
  await page.evaluate(() => {
    for (const one of document.getAnimations()) if (one.effect?.getComputedTiming().endTime !== Infinity) one.finish();
  });
  await page.evaluate(axeSource); // through the debugger: the page's policy forbids foreign scripts
  const { violations } = await page.evaluate(() =>
    globalThis.axe.run(document, {
      runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'],
    }),
  );
  const words = violations.flatMap((one) =>
    one.nodes.map(
      (node) => `${one.id}: ${node.target.join(' ')}: ${node.failureSummary?.split('\n')[1]?.trim() ?? one.help}`,
    ),
  );
  assert.deepEqual(words, [], `${name} is not accessible`);
}

/** Pictures in three sizes, light and dark; each must fit its width and pass the accessibility check. */
export async function look(page, name, wanted = Object.keys(sizes)) {
  const before = page.viewportSize();
  for (const colorScheme of ['light', 'dark']) {
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
    for (const size of wanted) {
      await page.setViewportSize(sizes[size]);
      await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
      await page.screenshot({
        path: join(pictures, `${name}-${size}-${colorScheme}.png`),
      });
      const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      assert.ok(overflow <= 0, `${name} scrolls sideways by ${overflow} px at ${size}`);
      // Colours are the same in every size, and the layouts in both colours: three of the six tell all.
      if (size === 'desktop' || (size === 'phone' && colorScheme === 'light'))
        await accessible(page, `${name} (${size}, ${colorScheme})`);
    }
  }
  await page.emulateMedia({ colorScheme: 'light', reducedMotion: null });
  await page.setViewportSize(before);
}
