// What a project serves is shown in a browser at an origin of its own, and cannot act for whoever opens it.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { close, newProject, signUp, typeCommand, url, waitForTerminal, window } from './support.mjs';

after(close);

const page = `<!doctype html><title>Mine</title><h1>Shown</h1><script>
(async () => {
  const tries = {};
  for (const path of ['/api/v2/projects/get', '/hub', '${url}/api/v2/projects/get'])
    tries[path] = await fetch(path, { method: 'POST', credentials: 'include', body: '{}' }).then(async (a) => a.status + (await a.text()), String);
  tries.cookie = document.cookie;
  tries.parent = await new Promise((done) => {
    const frame = document.createElement('iframe');
    frame.src = '${url}/app/';
    frame.onload = () => { try { done(frame.contentDocument?.title ?? 'nothing'); } catch (e) { done(e.name); } };
    document.body.append(frame);
  });
  document.title = JSON.stringify(tries);
})();
</script>`;

test('a port of a project opens at its own origin, from where the application cannot be used', async () => {
  const ada = await window();
  await signUp(ada.page, 'Ada', 'Marek');
  const project = await newProject(ada.page, 'Serves');
  await ada.page.getByRole('button', { name: 'New tab' }).click();
  await ada.page.getByRole('menuitem', { name: 'New terminal' }).click();
  await waitForTerminal(ada.page, /\$ $/);
  const encoded = Buffer.from(page).toString('base64');
  await typeCommand(ada.page, `mkdir site; echo ${encoded} | base64 -d >site/index.html; cd site; python3 -m http.server 8123 --bind 127.0.0.1`);
  await waitForTerminal(ada.page, 'Serving HTTP on');

  const other = await ada.context.newPage();
  await other.goto(`${url}/${project.id}/port/8123/index.html?a=b`);
  await other.getByRole('heading', { name: 'Shown' }).waitFor();
  const at = new URL(other.url());
  assert.equal(at.hostname, `8123-${project.id}.localhost`);
  assert.equal(at.pathname + at.search, '/index.html?a=b');
  await other.waitForFunction(() => document.title.startsWith('{'));
  const tries = JSON.parse(await other.title());
  assert.equal(tries.cookie, '', 'no cookie of ours can be read');
  assert.match(tries['/api/v2/projects/get'], /^501/, 'the path is the port\'s own');
  assert.match(tries['/hub'], /^501/);
  assert.doesNotMatch(tries[`${url}/api/v2/projects/get`], /Serves/, 'the application answers nothing to it');
  assert.notEqual(tries.parent, 'Atrium');

  // A file opened raw as a page is at an origin of its own, too; its scripts run there.
  await other.goto(`${url}/${project.id}/raw/site/index.html`);
  await other.waitForFunction(() => document.title.startsWith('{'));
  assert.equal(new URL(other.url()).hostname, `files-${project.id}.localhost`);
  assert.doesNotMatch(await other.title(), /Serves/);

  // Signing out ends it.
  await ada.context.clearCookies({ name: 'atrium_session' });
  const fresh = await other.goto(`${url}/${project.id}/port/8123/`);
  assert.equal(fresh.status(), 401);
});
