// A page whose files do not all arrive says so, and goes on when they do.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { close, look, newProject, signUp, url, waitForTerminal, window } from './support.mjs';

after(close);

const badGateway = (route) => route.fulfill({ status: 502, contentType: 'text/plain', body: 'Bad gateway\n' });
const mainScript = '**/app/assets/index-*.js';
const styles = '**/app/assets/*.css';

test('a page whose script did not come says so and offers to reload', async () => {
  const { page, context } = await window();
  await context.route(mainScript, badGateway);
  await page.goto(`${url}/app/sign-in?next=%2Fapp%2Faccount`);
  const words = page.getByRole('heading', { name: 'Atrium has not started yet' });
  await words.waitFor();
  await look(page, 'not-started');
  await context.unroute(mainScript);
  await page.getByRole('link', { name: 'Reload' }).click();
  await page.getByRole('heading', { name: 'Sign in' }).waitFor();
  assert.equal(new URL(page.url()).search, '?next=%2Fapp%2Faccount');
  assert.equal(await words.isVisible(), false);
});

test('a page that waits for its script says nothing at first, so that nothing flashes', async () => {
  const { page, context } = await window();
  let ask;
  const asked = new Promise((done) => (ask = done));
  await context.route(mainScript, ask);
  await page.goto(`${url}/app/sign-in`, { waitUntil: 'commit' });
  const script = await asked;
  const words = page.locator('.not-started');
  // The clock of the animation is set back: how long the test took until here does not matter.
  const atFirst = await words.evaluate((element) => {
    element.style.animationName = 'none';
    getComputedStyle(element).visibility;
    element.style.animationName = '';
    return getComputedStyle(element).visibility;
  });
  assert.equal(atFirst, 'hidden');
  await script.continue();
  await page.getByRole('heading', { name: 'Sign in' }).waitFor();
  assert.equal(await words.isVisible(), false);
});

test('a page without its style sheet says so', async () => {
  const { page, context } = await window();
  await context.route(styles, badGateway);
  await page.goto(`${url}/app/sign-in`);
  await page.getByRole('link', { name: 'Reload' }).waitFor();
  await context.unroute(styles);
  await page.getByRole('link', { name: 'Reload' }).click();
  await page.getByRole('link', { name: 'Reload' }).waitFor({ state: 'hidden' });
});

test('a part of the page that did not come offers another try', async () => {
  const { page, context } = await window();
  const part = '**/app/assets/terminal-pane-*';
  await context.route(part, badGateway);
  await signUp(page, 'Ada', 'Marek');
  await newProject(page, 'Parts');
  await page.getByRole('button', { name: 'New tab' }).click();
  await page.getByRole('menuitem', { name: 'New terminal' }).click();
  await page.getByRole('heading', { name: 'This part of the page could not be loaded' }).waitFor();
  await look(page, 'part-not-loaded');
  await context.unroute(part);
  await page.getByRole('button', { name: 'Try again' }).click();
  await waitForTerminal(page, /\$ $/);
  const position = await page.locator('.xterm-helpers').evaluate((element) => getComputedStyle(element).position);
  assert.equal(position, 'absolute', 'the terminal came without its styles');
});
