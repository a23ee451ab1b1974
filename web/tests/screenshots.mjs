// Pictures of every view in every state against the fake back end: node tests/screenshots.mjs [folder] [filter]
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { chromium as playwright } from 'playwright-core';
import { chromium, flags } from '../../tests/browser/system.mjs';
import { FakeAtrium } from './fake/server.mjs';
import { fill, sampleTree } from './fake/sample.mjs';

const folder = process.argv[2] ?? '../build/screenshots/fake';
const filter = process.argv[3] ?? '';
mkdirSync(folder, { recursive: true });
const sizes = { desktop: [1440, 900], tablet: [768, 1024], phone: [360, 780] };
const browser = await playwright.launch({ executablePath: chromium, args: flags });
const problems = [];

async function enter(page, url, email) {
  await page.request.post(`${url}/api/v2/auth/sign-in`, { data: { email, password: 'correct horse' } });
}

async function scenes(size, scheme) {
  const [width, height] = sizes[size];
  const atrium = new FakeAtrium({ tree: sampleTree });
  const url = await atrium.listen();
  const { main } = fill(atrium);
  const context = await browser.newContext({
    viewport: { width, height },
    colorScheme: scheme,
    hasTouch: size === 'phone',
    isMobile: size === 'phone',
    deviceScaleFactor: 1,
  });
  await context.addInitScript(() =>
    document.addEventListener('securitypolicyviolation', (event) =>
      console.warn(
        'csp',
        event.violatedDirective,
        event.sourceFile,
        event.lineNumber,
        event.columnNumber,
        event.sample,
      ),
    ),
  );
  const page = await context.newPage();
  page.on(
    'console',
    (message) => ['error', 'warning'].includes(message.type()) && problems.push(`${size} ${scheme}: ${message.text()}`),
  );
  page.on('pageerror', (error) => problems.push(`${size} ${scheme}: ${error.stack}`));
  const shot = async (name) => {
    const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    if (overflow > 0) problems.push(`${size} ${scheme} ${name}: scrolls sideways by ${overflow}`);
    await page.screenshot({ path: join(folder, `${name}-${size}-${scheme}.png`) });
  };
  const scene = async (name, run) => {
    if (!name.includes(filter)) return;
    try {
      await run();
      await page.waitForTimeout(150);
      await shot(name);
    } catch (error) {
      problems.push(`${size} ${scheme} ${name}: ${error.message.split('\n')[0]}`);
      await shot(`${name}-problem`);
    }
  };
  const project = `${url}/app/projects/${main.project_id}`;
  const id = (title) => [...atrium.rows.values()].find((row) => row.title === title).project_id;

  await scene('sign-in', () => page.goto(`${url}/app/`).then(() => page.waitForSelector('h1')));
  await scene('sign-up-errors', async () => {
    await page.goto(`${url}/app/sign-up`);
    await page.fill('#firstName', 'Ada');
    await page.fill('#email', 'ada');
    await page.fill('#password', 'short');
    await page.click('button[type=submit]');
  });
  await enter(page, url, 'ada@example.org');
  await scene('projects', () => page.goto(`${url}/app/projects`).then(() => page.waitForSelector('.project-row')));
  await scene('projects-new', async () => {
    await page.goto(`${url}/app/projects`);
    await page.click('text=New project');
    await page.fill('#new-project-title', 'Sound analysis');
  });
  await scene('projects-none', async () => {
    await page.goto(`${url}/app/projects`);
    await page.fill('[type=search]', 'nothing like this');
  });
  await scene('palette', async () => {
    await page.goto(`${project}/files/`);
    await page.waitForSelector('.file-row');
    await page.keyboard.press('Control+k');
    await page.waitForTimeout(300);
    await page.keyboard.type('fit');
  });
  await scene('keys', async () => {
    await page.goto(`${project}/files/`);
    await page.waitForSelector('.file-row');
    await page.keyboard.press('?');
  });
  await scene('files', async () => {
    await page.goto(`${project}/files/`);
    await page.waitForSelector('.file-row');
    await page.focus('.file-grid');
    for (const key of ['ArrowDown', 'ArrowDown', 'Shift+ArrowDown', 'Shift+ArrowDown']) await page.keyboard.press(key);
  });
  await scene('files-preview', async () => {
    await page.goto(`${project}/files/?preview=fit.svg`);
    await page.waitForSelector('.preview-image');
  });
  await scene('files-menu', async () => {
    await page.goto(`${project}/files/`);
    await page.waitForSelector('.file-row');
    await page.click('.file-row:nth-of-type(5)', { button: 'right', position: { x: 200, y: 10 } });
  });
  await scene('editor', async () => {
    const other = await (await browser.newContext()).newPage();
    await enter(other, url, 'ben@example.org');
    await page.goto(`${project}/edit/src/fit.py`);
    await page.waitForSelector('.cm-content');
    await other.goto(`${project}/edit/src/fit.py`);
    await other.waitForSelector('.cm-content');
    await other.click('.cm-line:nth-child(15)');
    await other.keyboard.press('End');
    await other.keyboard.type('  # Ben was here');
    await other.keyboard.press('Shift+Home');
    await page.click('.cm-line:nth-child(3)');
    await page.waitForSelector('.cm-remote-caret');
    await shot(`editor-with-others`);
    await other.context().close();
  });
  await scene('terminal', async () => {
    await page.goto(`${project}/terminal/main`);
    await page.waitForSelector('.xterm-rows, .xterm-screen canvas');
    await page.waitForTimeout(500);
    await page.click('.terminal-host');
    await page.keyboard.type(
      'printf "\\e[31mred \\e[32mgreen \\e[33myellow \\e[34mblue \\e[35mmagenta \\e[36mcyan \\e[38;2;255;120;0mtrue\\e[0m\\n"; ls -l --color=always / | head -12\n',
    );
    await page.waitForTimeout(500);
  });
  await scene('split', async () => {
    await page.goto(`${project}/edit/src/fit.py?beside=terminal%2Fmain`);
    await page.waitForSelector('.cm-content');
    await page.waitForTimeout(500);
  });
  for (const pane of ['people', 'log', 'settings'])
    await scene(pane, async () => {
      await page.goto(`${project}/${pane}`);
      await page.waitForTimeout(300);
    });
  await scene('stopped', () =>
    page.goto(`${url}/app/projects/${id('Thesis')}/files/`).then(() => page.waitForSelector('.empty')),
  );
  await scene('starting', () =>
    page.goto(`${url}/app/projects/${id('Lab 3: heat flow')}/files/`).then(() => page.waitForSelector('.timeline')),
  );
  await scene('failed', () =>
    page.goto(`${url}/app/projects/${id('Protein folding runs')}/files/`).then(() => page.waitForSelector('.timeline')),
  );
  await scene('account', () => page.goto(`${url}/app/account`).then(() => page.waitForSelector('.person')));
  await scene('unknown', () => page.goto(`${url}/app/nowhere`).then(() => page.waitForSelector('.empty')));
  await scene('offline', async () => {
    await page.goto(`${project}/files/`);
    await page.waitForSelector('.file-row');
    await atrium.close();
    await page.waitForTimeout(2600);
  });
  await context.close();
  await atrium.close().catch(() => undefined);
}

const wanted = (process.env.SIZES ?? 'desktop,tablet,phone').split(',');
for (const scheme of (process.env.SCHEMES ?? 'light,dark').split(','))
  for (const size of wanted) await scenes(size, scheme);
await browser.close();
const seen = [...new Set(problems)].filter((text) => !/ERR_CONNECTION_REFUSED|WebSocket connection/.test(text));
console.log(seen.length ? seen.join('\n') : 'no problems');
