// The whole path of two people, against a running Atrium: ATRIUM_URL=http://127.0.0.1:8080 node --test tests/browser/
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import {
  close,
  editorText,
  look,
  newProject,
  saved,
  signUp,
  typeCommand,
  url,
  waitForEditor,
  waitForTerminal,
  window,
} from './support.mjs';

let ada, ben, account, project;

before(async () => {
  ada = await window();
  ben = await window();
});
after(close);

test('signing up tells what is missing beside the field, keeps what was typed, and leads to the projects', async () => {
  const { page } = ada;
  await page.goto(`${url}/app/`);
  await page.getByRole('heading', { name: 'Sign in' }).waitFor();
  await look(page, 'sign-in');
  await page.getByRole('link', { name: 'Sign up' }).click();
  await page.getByLabel('First name').fill('Ada');
  await page.getByLabel('E-mail address').fill('ada');
  await page.getByRole('button', { name: 'Create account' }).click();
  await page.getByText('Type your last name.').waitFor();
  assert.equal(await page.getByLabel('First name').inputValue(), 'Ada');
  await page.waitForFunction(() => document.activeElement?.id === 'lastName'); // the focus follows a frame later
  await look(page, 'sign-up-errors');
  account = await signUp(page, 'Ada', 'Marek');
  await page.getByRole('heading', { name: 'Start with a project' }).waitFor();
  await look(page, 'projects-empty');
});

test('a project is a name and Enter, and its start is told', async () => {
  const { page } = ada;
  project = await newProject(page, 'Line fits');
  await page
    .getByText(/Ready in/)
    .first()
    .waitFor();
  await page.locator('.project-bar .state-running').waitFor();
  console.log(`# name to files: ${Math.round(project.ms)} ms`);
  await look(page, 'files-empty');
});

test('a terminal runs commands', async () => {
  const { page } = ada;
  await page.getByRole('button', { name: 'New tab' }).click();
  await page.getByRole('menuitem', { name: 'New terminal' }).click();
  await page.waitForURL('**/terminal/main');
  await waitForTerminal(page, /[$#]/);
  await typeCommand(page, 'echo $((6*7))-atrium');
  await waitForTerminal(page, '42-atrium');
  await typeCommand(page, 'printf "\\e[38;2;200;90;0mtrue colour\\e[0m\\n"; pwd');
  await waitForTerminal(page, '/home/user');
  await typeCommand(page, "printf '\\e[5 q'; echo bl''inks"); // a program asks for a blinking cursor
  await waitForTerminal(page, 'blinks');
  const animations = await page.evaluate(() => document.getAnimations().length);
  assert.equal(animations, 0, 'something in the page draws all the time, which delays the echo of every key');
  await look(page, 'terminal');
});

test('a file is created, edited, and written to the disk', async () => {
  const { page } = ada;
  await page.getByRole('link', { name: 'Files', exact: true }).click();
  await page.getByRole('button', { name: 'New', exact: true }).click();
  await page.getByRole('menuitem', { name: 'File' }).click();
  await page.getByLabel('Name of the new file').fill('fit.py');
  await page.keyboard.press('Enter');
  await page.waitForURL('**/edit/fit.py');
  await page.locator('.cm-content').click();
  await page.keyboard.type('# fits lines\nslope = 2.5');
  await saved(page);
  await page.goto(`${url}/app/projects/${project.id}/terminal/main`);
  await waitForTerminal(page, '42-atrium'); // the scrollback came back
  await typeCommand(page, 'cat fit.py; echo; echo end-of-file');
  await waitForTerminal(page, 'slope = 2.5 end-of-file');
});

test('a second person is added and finds the project in the list without a reload', async () => {
  const benAccount = await signUp(ben.page, 'Ben', 'Okafor');
  const { page } = ada;
  await page.getByRole('link', { name: 'People' }).click();
  await page.getByRole('combobox', { name: 'Add somebody' }).fill('nobody-has-this@example.org');
  await page.keyboard.press('Enter');
  await page.locator('#add-person-problem').waitFor();
  await page.getByRole('combobox', { name: 'Add somebody' }).fill(benAccount.email);
  await page.keyboard.press('Enter');
  await page.getByText('can now work in this project').waitFor();
  await page.locator('.person-name', { hasText: 'Ben Okafor' }).waitFor();
  await look(page, 'people');
  await ben.page.getByRole('link', { name: 'Line fits' }).first().waitFor();
  await look(ben.page, 'projects');
  await ben.page.getByRole('link', { name: 'Line fits' }).first().click();
  await ben.page.getByRole('grid').getByText('fit.py').waitFor();
});

test('two people edit one document and see each other', async () => {
  await ada.page.goto(`${url}/app/projects/${project.id}/edit/fit.py`);
  await waitForEditor(ada.page, '# fits lines\nslope = 2.5');
  await ben.page.evaluate(() => (globalThis.samePage = true));
  await ben.page.getByRole('grid').getByRole('link', { name: 'fit.py' }).click();
  await waitForEditor(ben.page, '# fits lines\nslope = 2.5');
  assert.ok(await ben.page.evaluate(() => globalThis.samePage), 'opening a file loaded the whole page anew');
  await ada.page.getByText('Ben Okafor').first().waitFor({ state: 'attached' });
  await ada.page.locator('.cm-line').first().click();
  await ada.page.keyboard.press('Control+Home');
  await ben.page.locator('.cm-content').click();
  await ben.page.keyboard.press('Control+End');
  await Promise.all([
    ada.page.keyboard.type('# Ada above\n', { delay: 15 }),
    ben.page.keyboard.type('\noffset = -1.0', { delay: 15 }),
  ]);
  const both = '# Ada above\n# fits lines\nslope = 2.5\noffset = -1.0';
  await waitForEditor(ada.page, both);
  await waitForEditor(ben.page, both);
  await ada.page.locator('.cm-remote-name', { hasText: 'Ben Okafor' }).waitFor();
  await saved(ada.page);
  await look(ada.page, 'editor');
});

test('what a program writes appears in both editors', async () => {
  await ben.page.goto(`${url}/app/projects/${project.id}/edit/fit.py?beside=terminal%2Fmain`);
  await waitForTerminal(ben.page, '42-atrium');
  await typeCommand(ben.page, "printf '\\nerror = 0.7' >> fit.py");
  const all = '# Ada above\n# fits lines\nslope = 2.5\noffset = -1.0\nerror = 0.7';
  await waitForEditor(ben.page, all);
  await waitForEditor(ada.page, all);
  await look(ben.page, 'split');
});

test('a link opens the file that it leads to', async () => {
  await typeCommand(ben.page, 'ln -s fit.py link.py; mkdir data; ln -s data linked');
  const { page } = ada;
  await page.goto(`${url}/app/projects/${project.id}/edit/link.py?line=2`);
  await page.waitForURL('**/edit/fit.py?line=2');
  const text = await waitForEditor(page, /error = 0\.7/);
  await page.keyboard.press('Control+End');
  await page.keyboard.type('\n# through the link');
  await saved(page);
  await waitForEditor(ben.page, `${text}\n# through the link`);
  await page.goto(`${url}/app/projects/${project.id}/files/`);
  await page.getByRole('grid').getByRole('link', { name: 'linked' }).click();
  await page.waitForURL('**/files/linked');
  await page.getByRole('heading', { name: 'This folder is empty' }).waitFor();
});

test('two people type in one terminal', async () => {
  await ada.page.goto(`${url}/app/projects/${project.id}/terminal/main`);
  await waitForTerminal(ada.page, '42-atrium');
  await typeCommand(ada.page, 'name=shared-by-ada');
  await typeCommand(ben.page, 'echo $name-and-ben');
  await waitForTerminal(ada.page, 'shared-by-ada-and-ben');
  await waitForTerminal(ben.page, 'shared-by-ada-and-ben');
  await ada.page
    .locator('.terminal-line')
    .getByRole('img', { name: /Ben Okafor/ })
    .waitFor();
});

test('a reload keeps the tabs, the text and the terminal', async () => {
  await ada.page.goto(`${url}/app/projects/${project.id}/edit/fit.py`);
  const text = await waitForEditor(ada.page, /error = 0\.7/);
  await ada.page.locator('.cm-content').click();
  await ada.page.keyboard.press('Control+End');
  await ada.page.keyboard.type('\n# last words before the reload');
  await ada.page.reload(); // at once: what was not confirmed yet must not be lost
  await waitForEditor(ada.page, `${text}\n# last words before the reload`);
  await waitForEditor(ben.page, `${text}\n# last words before the reload`);
  await ada.page
    .getByRole('navigation', { name: 'Tabs of the project' })
    .getByRole('link', { name: /fit\.py/ })
    .waitFor();
});

test('a lost connection is told after two seconds and loses nothing', async () => {
  const { page, context } = ada;
  const before = await editorText(page);
  await context.setOffline(true);
  // Chromium keeps open sockets when it goes offline: the page's own check finds out. What was on its way in that moment
  // still comes, and the page takes it for a sign of life: so it is made to check again.
  const check = () => page.evaluate(() => dispatchEvent(new Event('online'))).catch(() => undefined);
  const checks = setInterval(check, 4000);
  try {
    await check();
    await page.getByText('No connection to').first().waitFor();
    await page.locator('.cm-content').click();
    await page.keyboard.press('Control+End');
    await page.keyboard.type('\n# typed offline');
    await page.locator('.save-state', { hasText: /Offline/ }).waitFor();
  } finally {
    clearInterval(checks);
    await context.setOffline(false);
    await check();
  }
  await saved(page);
  await waitForEditor(ben.page, `${before}\n# typed offline`);
});

test('files are uploaded, renamed, deleted and restored', async () => {
  const { page } = ada;
  await page.goto(`${url}/app/projects/${project.id}/files/`);
  await page.getByLabel('Files to upload').setInputFiles([
    {
      name: 'points.csv',
      mimeType: 'text/csv',
      buffer: Buffer.from('x,y\n1,2\n'.repeat(5000)),
    },
    {
      name: 'plot.svg',
      mimeType: 'image/svg+xml',
      buffer: Buffer.from(
        '<svg xmlns="http://www.w3.org/2000/svg" width="40" height="40"><circle cx="20" cy="20" r="15"/></svg>',
      ),
    },
  ]);
  const grid = page.getByRole('grid');
  await grid.getByText('points.csv').waitFor();
  await page.getByText('uploaded').first().waitFor();
  await grid.focus();
  await page.keyboard.type('points');
  await page.keyboard.press('F2');
  await page.getByLabel('New name of points.csv').fill('measured.csv');
  await page.keyboard.press('Enter');
  await grid.getByText('measured.csv').waitFor();
  await grid.getByRole('row', { name: /measured\.csv/ }).click({ button: 'right' });
  await page.getByRole('menuitem', { name: 'Rename' }).click();
  await page.keyboard.type('points'); // the ending stays
  await page.keyboard.press('Enter');
  await grid.getByText('points.csv').waitFor();
  await page.getByRole('button', { name: 'Undo' }).last().click();
  await grid.getByText('measured.csv').waitFor();
  await grid.focus();
  await page.keyboard.press('Control+a');
  await look(page, 'files');
  await page.keyboard.press('Escape');
  await page.keyboard.type('measured');
  await page.keyboard.press('Delete');
  await page.getByText('moved to the trash').waitFor();
  await grid.getByText('measured.csv').waitFor({ state: 'detached' });
  await page.locator('.toast', { hasText: 'moved to the trash' }).getByRole('button', { name: 'Undo' }).click();
  await grid.getByText('measured.csv').waitFor();
  await grid.getByRole('link', { name: 'plot.svg' }).click();
  await page.locator('.preview-image').waitFor();
  await page.waitForFunction(() => document.querySelector('.preview-image')?.naturalWidth > 0);
  await look(page, 'files-preview');
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('button', { name: 'Download' }).click(),
  ]);
  assert.equal(download.suggestedFilename(), 'plot.svg');
});

test('the log tells who did what, and settings save by themselves', async () => {
  const { page } = ada;
  await page.goto(`${url}/app/projects/${project.id}/log`);
  await page.getByText('created the project').waitFor();
  await page.getByText('added Ben Okafor').waitFor();
  await look(page, 'log');
  await page.goto(`${url}/app/projects/${project.id}/settings`);
  await page.getByLabel('Description').fill('Noisy points and the lines through them');
  await page.keyboard.press('Tab');
  await page.getByText('Saved. No restart is needed.').waitFor();
  await page.getByLabel('Title', { exact: true }).fill('');
  await page.keyboard.press('Tab');
  await page.getByText('Not saved: the title cannot be empty.').waitFor();
  assert.equal(await page.getByLabel('Title', { exact: true }).inputValue(), '', 'what was typed was replaced');
  await look(page, 'settings');
  await page.goto(`${url}/app/account`);
  await page.getByLabel('What the new key is for').fill('Backup');
  await page.getByRole('button', { name: 'Create key' }).click();
  await page.getByText(/sk-/).first().waitFor();
  await look(page, 'account');
  await page.getByRole('button', { name: 'Delete the key Backup' }).click();
  const question = page.getByRole('dialog', { name: 'Delete the key “Backup”?' });
  await question.waitFor();
  await look(page, 'confirm', ['desktop', 'phone']);
  await page.keyboard.press('Escape');
  await question.waitFor({ state: 'detached' });
  await page.getByRole('button', { name: 'Delete the key Backup' }).click();
  await question.getByRole('button', { name: 'Delete the key' }).click();
  await page.getByText('The key “Backup” is deleted.').waitFor();
  await page.getByText('No keys yet').waitFor();
});

test('copying works on pages that came by plain http, where browsers have no clipboard for them', async () => {
  const at = url.replace('127.0.0.1', 'atrium.test');
  const { page, context, trouble } = await window();
  const session = (await ada.context.cookies(url)).find(({ name }) => name === 'atrium_session');
  await context.addCookies([{ name: session.name, value: session.value, url: at }]);
  await page.goto(`${at}/app/account`);
  assert.equal(await page.evaluate(() => typeof navigator.clipboard), 'undefined');
  const name = page.getByLabel('What the new key is for');
  await name.fill('Elsewhere');
  await page.getByRole('button', { name: 'Create key' }).click();
  const secret = await page.locator('.banner code', { hasText: 'sk-' }).innerText();
  await page.getByRole('button', { name: 'Copy', exact: true }).click();
  await page.getByRole('button', { name: 'Copied' }).waitFor();
  await name.click();
  await page.keyboard.press('Control+V');
  assert.equal(await name.inputValue(), secret);
  const expected = /Cross-Origin-Opener-Policy header has been ignored/; // Chromium says so of every page by plain http
  assert.deepEqual(
    trouble.filter((line) => !expected.test(line)),
    [],
  );
  await context.close();
});

test('everybody sees at once that a project stops and starts', async () => {
  await ben.page.goto(`${url}/app/projects`);
  await ben.page.locator('.project-row .state-running').waitFor();
  await ben.page.getByRole('button', { name: 'Stop Line fits' }).click();
  await ben.page.locator('.project-row .state-stopped').waitFor();
  await ada.page.goto(`${url}/app/projects/${project.id}/files/`);
  await ada.page.getByRole('heading', { name: 'The project is stopped' }).waitFor();
  await look(ada.page, 'stopped');
  const clicked = performance.now();
  await ada.page.getByRole('button', { name: 'Start' }).click();
  await ada.page.getByRole('grid').getByText('fit.py').waitFor();
  console.log(`# start to files: ${Math.round(performance.now() - clicked)} ms`);
  await ben.page.locator('.project-row .state-running').waitFor();
});

test('a stranger gets nothing', async () => {
  const { page, trouble, context } = await window();
  await signUp(page, 'Mallory', 'Stranger');
  await page.goto(`${url}/app/projects/${project.id}/files/`);
  await page.getByRole('heading', { name: 'This project is not among yours' }).waitFor();
  const answer = await page.request.get(`${url}/${project.id}/files/fit.py`);
  assert.ok(answer.status() >= 400, `files answered ${answer.status()}`);
  assert.deepEqual(trouble, []);
  await context.close();
});

test('signing out and in again leads back to the same page', async () => {
  const { page } = ada;
  await page.goto(`${url}/app/projects/${project.id}/log`);
  await page.getByRole('button', { name: /^Account/ }).click();
  await page.getByRole('menuitem', { name: 'Sign out' }).click();
  await page.getByRole('heading', { name: 'Sign in' }).waitFor();
  await page.getByLabel('E-mail address').fill(account.email);
  await page.getByLabel('Password', { exact: true }).fill('not the password');
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.locator('.field-problem, .form-problem').first().waitFor();
  await page.getByLabel('Password', { exact: true }).fill(account.password);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.waitForURL(`**/projects/${project.id}/log`);
});

test('nothing went wrong in the pages on the way', () => {
  assert.deepEqual({ ada: ada.trouble, ben: ben.trouble }, { ada: [], ben: [] });
});
