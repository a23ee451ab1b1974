// Two people whose projects run on two nodes of a cluster over one shared folder; tests/cluster/run runs it.
// Needs ATRIUM_URL, and kubectl in PATH with a KUBECONFIG of the nodes node1 and node2.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { after, before, test } from 'node:test';
import { close, newProject, saved, signUp, typeCommand, url, waitForEditor, waitForTerminal, window } from './support.mjs';

const kubectl = (...words) => execFileSync('kubectl', words, { encoding: 'utf8', timeout: 60_000 }).trim();
const nodes = ['node1', 'node2'];
/** New pods go to these only. */
const scheduleOn = (...wanted) => nodes.forEach((node) => kubectl(wanted.includes(node) ? 'uncordon' : 'cordon', node));
const nodeOf = (project) =>
  kubectl('-n', 'atrium', 'get', 'pod', `project-${project.id}`, '-o', 'jsonpath={.spec.nodeName}');

let ada, ben, one, two;

before(async () => {
  ada = await window();
  ben = await window();
});
after(async () => {
  scheduleOn(...nodes);
  await close();
});

async function add(page, project, email) {
  await page.goto(`${url}/app/projects/${project.id}/people`);
  await page.getByRole('combobox', { name: 'Add somebody' }).fill(email);
  await page.keyboard.press('Enter');
  await page.getByText('can now work in this project').waitFor();
}

async function open(who, project, pane) {
  const page = await who.context.newPage();
  await page.goto(`${url}/app/projects/${project.id}/${pane}`);
  return page;
}

test('each has a project on a node of their own and invites the other', async () => {
  const [adas, bens] = [await signUp(ada.page, 'Ada', 'Marek'), await signUp(ben.page, 'Ben', 'Okafor')];
  scheduleOn('node1');
  one = await newProject(ada.page, 'On one');
  scheduleOn('node2');
  two = await newProject(ben.page, 'On two');
  assert.deepEqual([nodeOf(one), nodeOf(two)], nodes);
  await add(ada.page, one, bens.email);
  await add(ben.page, two, adas.email);
});

test('both work in both projects at once', async () => {
  for (const [who, project] of [[ada, one], [ben, two]]) {
    await who.page.goto(`${url}/app/projects/${project.id}/terminal/main`);
    await waitForTerminal(who.page, /[$#]/);
    await typeCommand(who.page, `printf 'title' > notes.txt; echo written-$((40+2))`);
    await waitForTerminal(who.page, 'written-42');
  }
  for (const project of [one, two]) {
    const [a, b] = [await open(ada, project, 'edit/notes.txt'), await open(ben, project, 'edit/notes.txt')];
    project.pages = [a, b];
    for (const page of project.pages) await waitForEditor(page, 'title');
  }
  const write = async (page, key, text) => {
    await page.locator('.cm-content').click();
    await page.keyboard.press(`Control+${key}`);
    await page.keyboard.type(text, { delay: 10 });
  };
  await Promise.all(
    [one, two].flatMap(({ pages: [a, b] }) => [write(a, 'Home', 'by Ada\n'), write(b, 'End', '\nby Ben')]),
  );
  for (const project of [one, two])
    for (const page of project.pages) {
      await waitForEditor(page, 'by Ada\ntitle\nby Ben');
      await saved(page);
    }
  // The other's terminal, on the other node.
  await ben.page.goto(`${url}/app/projects/${one.id}/terminal/main`);
  await waitForTerminal(ben.page, 'written-42');
  await typeCommand(ada.page, 'name=from-ada');
  await typeCommand(ben.page, 'echo $name-and-ben; cat notes.txt');
  for (const { page } of [ada, ben]) await waitForTerminal(page, 'from-ada-and-ben by Ada title by Ben');
});

test('a project that moves to the other node keeps its files, and open pages come back by themselves', async () => {
  const [a, b] = one.pages;
  await ben.page.goto(`${url}/app/projects`);
  await ben.page.getByRole('button', { name: 'Stop On one' }).click();
  await ben.page.locator('.project-row', { hasText: 'On one' }).locator('.state-stopped').waitFor();
  scheduleOn('node2');
  await ben.page.getByRole('button', { name: 'Start On one' }).click();
  await ben.page.locator('.project-row', { hasText: 'On one' }).locator('.state-running').waitFor();
  assert.equal(nodeOf(one), 'node2');
  await a.locator('.cm-content').click();
  await a.keyboard.press('Control+End');
  await a.keyboard.type('\nafter the move');
  const all = 'by Ada\ntitle\nby Ben\nafter the move';
  for (const page of [a, b]) {
    await waitForEditor(page, all);
    await saved(page);
  }
  await ada.page.goto(`${url}/app/projects/${one.id}/terminal/main`);
  await waitForTerminal(ada.page, /[$#]/);
  await typeCommand(ada.page, 'cat notes.txt; echo; echo end-of-file');
  await waitForTerminal(ada.page, `${all.replaceAll('\n', ' ')} end-of-file`);
});

test('nothing went wrong in the pages on the way', () => {
  assert.deepEqual({ ada: ada.trouble, ben: ben.trouble }, { ada: [], ben: [] });
});
