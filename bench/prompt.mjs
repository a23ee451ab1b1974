// How long from the click on "Start" to the shell's prompt in the browser: a stopped project, its terminal tab open, headless Chromium.
// node bench/prompt.mjs PATH_OF_ATRIUM
import { inBrowser, pressStart } from './browser.mjs';

const rounds = 20;
await inBrowser(process.argv[2], async ({ address, context, api }) => {
  const { project_id } = await api('projects/create', { title: 'Prompt' });
  const page = await context.newPage();
  await page.goto(`${address}/app/projects/${project_id}/terminal/main`);
  const took = [];
  for (let i = 0; i < rounds + 2; i++) {
    const [pressed, drawn] = await pressStart(page);
    if (i >= 2) took.push(drawn - pressed); // the first two warm caches and lazy chunks
    await api('projects/stop', { project_id });
  }
  took.sort((a, b) => a - b);
  const at = (q) => (took[Math.min(took.length - 1, Math.floor(q * took.length))] / 1000).toFixed(2);
  console.log(`click to prompt: p50 ${at(0.5)} s, p95 ${at(0.95)} s (min ${at(0)}, max ${at(1)}, n=${took.length}), goal p50 0.3 s`);
});
