// The path with the keyboard alone: no click after the first page is open.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { accessible, close, look, saved, signUp, url, waitForEditor, waitForTerminal, window } from './support.mjs';

let page, trouble;
const focused = () =>
  page.evaluate(
    () => document.activeElement?.getAttribute('aria-label') ?? document.activeElement?.textContent?.trim() ?? '',
  );

/** Presses Tab until the focus is on what matches, as a person without a mouse would. */
async function tabTo(name, key = 'Tab') {
  for (let count = 0; count < 60; ++count) {
    if (name.test(await focused())) return;
    await page.keyboard.press(key);
  }
  assert.fail(`${name} cannot be reached with ${key}; the focus is on “${await focused()}”`);
}

async function palette(text) {
  await page.keyboard.press('Control+Shift+k');
  await page.getByRole('combobox', { name: 'Action, project or file' }).waitFor();
  await page.keyboard.type(text);
  await page.getByRole('option').first().waitFor();
  await page.keyboard.press('Enter');
}

before(async () => {
  ({ page, trouble } = await window());
  await signUp(page, 'Kay', 'Board');
});
after(close);

test('projects: keys c and /, new project, Escape', async () => {
  await page.keyboard.press('c');
  await page.keyboard.press('Escape');
  await page.getByLabel('Name of the new project').waitFor({ state: 'detached' });
  await page.keyboard.press('c');
  await page.keyboard.type('By hand');
  await page.keyboard.press('Enter');
  await page.getByRole('grid').waitFor();
});

test('the palette finds actions, and ? shows the keys', async () => {
  await page.keyboard.press('Control+k');
  await page.getByRole('combobox', { name: 'Action, project or file' }).waitFor();
  await page.keyboard.type('proj');
  await look(page, 'palette', ['desktop', 'phone']);
  await page.keyboard.press('Escape');
  await page.getByRole('grid').focus();
  await page.keyboard.press('?');
  await page.getByRole('dialog', { name: 'Keys' }).waitFor();
  await accessible(page, 'keys');
  await page.keyboard.press('Escape');
  await page.getByRole('dialog', { name: 'Keys' }).waitFor({ state: 'detached' });
});

test('files: create, open, walk, go back', async () => {
  await page.keyboard.press('Alt+n');
  await page.getByLabel('Name of the new file').waitFor();
  await page.keyboard.type('a.txt');
  await page.keyboard.press('Enter');
  await page.waitForURL('**/edit/a.txt');
  await page.locator('.cm-content').waitFor();
  await page.waitForFunction(() => document.activeElement?.shadowRoot?.activeElement?.classList.contains('cm-content'));
  await page.keyboard.type('typed by hand');
  await saved(page);
  await page.keyboard.press('Alt+1');
  await page.getByRole('grid').waitFor();
  await tabTo(/^Files in/);
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Home');
  await page.keyboard.press('Enter');
  await waitForEditor(page, 'typed by hand');
  await page.goBack();
  await page.getByRole('grid').waitFor();
});

test('folders: into and out of them, from where one was', async () => {
  await page.keyboard.press('Alt+Shift+n');
  await page.getByLabel('Name of the new folder').waitFor();
  await page.keyboard.type('notes');
  await page.keyboard.press('Enter');
  await page.getByRole('grid').getByText('notes').waitFor();
  await tabTo(/^Files in/);
  await page.keyboard.type('not');
  await page.keyboard.press('Enter');
  await page.waitForURL('**/files/notes');
  await page.getByRole('heading', { name: 'This folder is empty' }).waitFor();
  await page.waitForFunction(() => document.activeElement?.classList.contains('file-grid'));
  await page.keyboard.press('Backspace');
  await page.locator('.file-row.active', { hasText: 'notes' }).waitFor();
});

test('what is renamed is what is selected, wherever the keys have gone meanwhile', async () => {
  await page.keyboard.type('not');
  await page.locator('.file-row.chosen', { hasText: 'notes' }).waitFor();
  await page.keyboard.press('Control+ArrowDown');
  await page.locator('.file-row.active', { hasText: 'a.txt' }).waitFor();
  await tabTo(/^More for files/, 'Shift+Tab');
  await page.keyboard.press('Enter');
  await page.getByRole('menuitem', { name: 'Rename' }).waitFor();
  await page.keyboard.press('r');
  await page.keyboard.press('Enter');
  await page.getByLabel('New name of notes').waitFor();
  await page.keyboard.press('Escape');
});

test('terminal: opened, used and left with keys', async () => {
  await page.keyboard.press('Alt+t');
  await page.waitForURL('**/terminal/main');
  await waitForTerminal(page, /[$#]/);
  await page.keyboard.type('cat a.txt; echo; echo $((40+2))-keys\n');
  await waitForTerminal(page, 'typed by hand 42-keys');
  await palette('screen readers');
  await page.locator('.xterm-accessibility-tree', { hasText: '42-keys' }).waitFor({ state: 'attached' });
  await palette('screen readers');
  await page.locator('.xterm-accessibility-tree').waitFor({ state: 'detached' });
  await page.locator('.xterm-helper-textarea').focus();
  await page.keyboard.press('Control+F6');
  await page.waitForFunction(() => !document.activeElement?.classList.contains('xterm-helper-textarea'));
});

test('every action of the project is in the palette', async () => {
  await palette('people');
  await page.getByRole('heading', { name: 'People' }).waitFor();
  await palette('log');
  await page.getByRole('heading', { name: 'Log', exact: true }).waitFor();
  await palette('project settings');
  await page.getByRole('heading', { name: 'Settings', exact: true }).waitFor();
  await palette('stop the project');
  await page.locator('.project-bar .state-stopped').waitFor();
  await palette('go to projects');
  await page.waitForURL('**/app/projects');
});

test('menus open, walk and close with keys and give the focus back', async () => {
  await tabTo(/^More for By hand/);
  await page.keyboard.press('Enter');
  await page.getByRole('menu', { name: 'More for By hand' }).waitFor();
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Escape');
  await page.waitForFunction(() => document.activeElement?.getAttribute('aria-label')?.startsWith('More for By hand'));
});

test('deleting a project is undone from the notice', async () => {
  await page.keyboard.press('Enter');
  await page.getByRole('menu', { name: 'More for By hand' }).waitFor();
  await page.keyboard.type('d');
  await page.keyboard.press('Enter');
  await page.getByText('“By hand” is deleted.').waitFor();
  await tabTo(/^Undo$/);
  await page.keyboard.press('Enter');
  await page.getByRole('link', { name: 'By hand' }).first().waitFor();
});

test('the address of nothing says so', async () => {
  await page.goto(`${url}/app/nowhere`);
  await page.getByRole('heading', { name: 'There is no page here' }).waitFor();
  await look(page, 'unknown', ['desktop', 'phone']);
  assert.deepEqual(trouble, []);
});
