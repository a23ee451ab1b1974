// What the page does while something is on its way: its own files, a project that starts, an answer.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { close, look, newProject, signUp, typeCommand, url, waitForEditor, waitForTerminal, window } from './support.mjs';

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

test('a terminal takes keys while its project starts', async () => {
  const { page } = await window();
  let held; // the word that the project runs
  await page.routeWebSocket(/\/hub$/, (socket) => {
    const hub = socket.connectToServer();
    let order = Promise.resolve();
    hub.onMessage((message) => {
      const wait = /"running"/.test(message) ? held : undefined;
      order = order.then(() => wait).then(() => socket.send(message));
    });
  });
  await signUp(page, 'Ada', 'Marek');
  const { id } = await newProject(page, 'Early');
  await page.goto(`${url}/app/projects/${id}/terminal/main`);
  await waitForTerminal(page, /\$ $/);
  await page.request.post(`${url}/api/v2/projects/stop`, { data: { project_id: id }, headers: { Origin: url } });
  await page.getByRole('heading', { name: 'The project is stopped' }).waitFor();
  let release;
  held = new Promise((done) => (release = done));
  await page.getByRole('button', { name: 'Start', exact: true }).last().click();
  await page.waitForFunction(() => document.activeElement?.closest('.xterm'));
  await look(page, 'terminal-starting');
  await page.keyboard.type('echo early-$((6*7))\n');
  release();
  await waitForTerminal(page, 'early-42');
});

test('what was open when the project stopped comes back with its next start', async () => {
  const { page } = await window();
  let deaf = false; // the project's server does not hear that a document is opened
  await page.routeWebSocket(/\/ws\?/, (socket) => {
    const server = socket.connectToServer();
    socket.onMessage((message) => !(deaf && message.includes('document.open')) && server.send(message));
    server.onMessage((message) => socket.send(message));
  });
  await signUp(page, 'Ada', 'Marek');
  const { id } = await newProject(page, 'Again');
  const ask = (action) =>
    page.request.post(`${url}/api/v2/projects/${action}`, { data: { project_id: id }, headers: { Origin: url } });
  await page.getByRole('button', { name: 'New tab' }).click();
  await page.getByRole('menuitem', { name: 'New terminal' }).click();
  await waitForTerminal(page, /\$ $/);
  await typeCommand(page, 'printf kept >a.txt');
  deaf = true;
  await page.getByRole('link', { name: 'Files', exact: true }).click();
  await page.getByRole('grid').getByRole('link', { name: 'a.txt' }).click();
  await page.waitForURL('**/edit/a.txt');
  await page.getByRole('link', { name: 'People' }).click();
  await ask('stop');
  await page.locator('.project-bar .state-stopped').waitFor();
  deaf = false;
  await ask('start');
  await page.locator('.project-bar .state-running').waitFor();
  const tabs = page.getByRole('navigation', { name: 'Tabs of the project' });
  await tabs.getByRole('link', { name: 'a.txt' }).click();
  await waitForEditor(page, 'kept');
  await page.locator('a.tab-link[href*="/terminal/main"]').click();
  await typeCommand(page, 'echo back-$((6*7))');
  await waitForTerminal(page, 'back-42');
});

test('what somebody goes on typing is not replaced by what was saved meanwhile', async () => {
  const { page } = await window();
  const answers = [];
  let late = false; // answers to changes of the project
  await page.routeWebSocket(/\/hub$/, (socket) => {
    const hub = socket.connectToServer();
    let asked; // the request whose answer is late
    socket.onMessage((message) => {
      if (late && message.includes('"projects.update"')) asked ??= JSON.parse(message).id;
      hub.send(message);
    });
    hub.onMessage((message) => {
      if (asked !== undefined && JSON.parse(message).id === asked) answers.push(() => socket.send(message));
      else socket.send(message);
    });
  });
  await signUp(page, 'Ada', 'Marek');
  const { id } = await newProject(page, 'Typing');
  await page.goto(`${url}/app/projects/${id}/settings`);
  const field = page.getByLabel('Description');
  late = true;
  await field.fill('One');
  await page.keyboard.press('Tab');
  await page.getByText('Saving…').waitFor();
  await field.fill('One two');
  while (answers.length === 0) await page.waitForTimeout(20);
  answers[0]();
  // What comes later by the same socket shows that the answer is there.
  const change = { project_id: id, title: 'Typed' };
  await page.request.post(`${url}/api/v2/projects/update`, { data: change, headers: { Origin: url } });
  await page.locator('.project-bar', { hasText: 'Typed' }).waitFor();
  await page.keyboard.press('Tab');
  await page.getByText('Saved. No restart is needed.').waitFor();
  assert.equal(await field.inputValue(), 'One two');
});

test('what was typed and not sent outlives a reload and a look elsewhere', async () => {
  const { page } = await window();
  let deaf = false; // the project's server does not hear of documents
  await page.routeWebSocket(/\/ws\?/, (socket) => {
    const server = socket.connectToServer();
    socket.onMessage((message) => !(deaf && /document\.(open|push)/.test(message)) && server.send(message));
    server.onMessage((message) => socket.send(message));
  });
  await signUp(page, 'Ada', 'Marek');
  await newProject(page, 'Kept');
  await page.getByRole('button', { name: 'New', exact: true }).click();
  await page.getByRole('menuitem', { name: 'File' }).click();
  await page.getByLabel('Name of the new file').fill('a.txt');
  await page.keyboard.press('Enter');
  await page.waitForURL('**/edit/a.txt');
  await waitForEditor(page, '');
  deaf = true;
  await page.locator('.cm-content').click();
  await page.keyboard.type('not sent');
  await page.reload();
  await page.locator('.status-open').waitFor();
  await page.getByRole('link', { name: 'Projects', exact: true }).click();
  await page.getByRole('heading', { name: 'Projects' }).waitFor();
  deaf = false;
  await page.goBack();
  await waitForEditor(page, 'not sent');
});

test('Escape leaves the title of a project as it was, and Enter in an input method does not end its field', async () => {
  const { page } = await window();
  await signUp(page, 'Ada', 'Marek');
  await newProject(page, 'Before');
  await page.getByRole('button', { name: /^Before/ }).click();
  const field = page.getByRole('textbox', { name: 'Title of the project' });
  await field.fill('After');
  await field.evaluate((element) => {
    const enter = { key: 'Enter', isComposing: true, bubbles: true };
    element.dispatchEvent(new KeyboardEvent('keydown', enter));
  });
  await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
  assert.ok(await field.isVisible());
  await page.keyboard.press('Escape');
  await field.waitFor({ state: 'detached' });
  await page.reload();
  await page.getByRole('button', { name: /^Before/ }).waitFor();
});
