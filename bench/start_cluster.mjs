// How long from the click on "Start" to the shell's prompt in headless Chromium on a real cluster, beside what its pods take alone.
// node bench/start_cluster.mjs ADDRESS       KUBECONFIG: that of tools/kube; ATRIUM_TEST_DATABASE: conninfo. bench/start_cluster runs it; ROUNDS and CROWDS: how often.
//
// Interleaved: a bare pod of the same image (no probe, no volume), the same with the project's home mounted (kubelets look 0.3 s
// after the first time whether a volume is there), a copy of the project's own pod with its probe, and the click; then 20 at once.
// "prompts": the same starts and terminals from one page that draws nothing, so without the work of 20 people's browsers on these cores.
import { execFileSync } from 'node:child_process';
import { inBrowserAt, pressStart } from './browser.mjs';
import { Pods } from './kube.mjs';

const [rounds, crowds] = [process.env.ROUNDS ?? 20, process.env.CROWDS ?? 3].map(Number);
const crowd = 20;
const pods = new Pods('bench');
const bare = {
  terminationGracePeriodSeconds: 0,
  automountServiceAccountToken: false,
  enableServiceLinks: false,
  containers: [{ name: 'main', image: 'atrium:local', command: ['sleep', '100000'] }],
};
const seconds = (ms) => (ms / 1000).toFixed(2);
const at = (took, q) => took.toSorted((a, b) => a - b)[Math.min(took.length - 1, Math.floor(q * took.length))];
const spread = (took) => `p50 ${seconds(at(took, 0.5))} s, p95 ${seconds(at(took, 0.95))} s [${seconds(at(took, 0))}-${seconds(at(took, 1))}], n=${took.length}`;
const all = (call) => Promise.all(Array.from({ length: crowd }, (_, i) => call(i)));

/** Milliseconds of each phase of the project's last start, as the services wrote them down. */
function phasesOf(project) {
  const sql = `select status->'start' from projects where project_id = '${project}'`;
  const line = JSON.parse(execFileSync('psql', ['-qXtA', '-d', process.env.ATRIUM_TEST_DATABASE, '-c', sql], { encoding: 'utf8' }));
  const known = ['queued', 'accepted', 'created', 'scheduled', 'pulled', 'started', 'ready'].filter((phase) => line[phase]);
  return { line, took: known.slice(1).map((phase, i) => [phase, Date.parse(line[phase]) - Date.parse(line[known[i]])]) };
}

/** What the project's pod is made of, ready to be made again; and the bare pod with its home. */
async function specsOf(project) {
  const { spec: copy } = await pods.get('atrium', `project-${project}`);
  delete copy.nodeName;
  const [{ volumeMounts }] = copy.containers;
  return { copy, home: { ...bare, volumes: copy.volumes, containers: [{ ...bare.containers[0], volumeMounts }] } };
}

async function oneAtATime({ address, context, api }) {
  const { project_id } = await api('projects/create', { title: 'One' });
  await api('projects/start', { project_id });
  const specs = { bare, ...(await specsOf(project_id)) };
  await api('projects/stop', { project_id });
  const page = await context.newPage();
  await page.goto(`${address}/app/projects/${project_id}/terminal/main`);
  const took = { bare: [], home: [], copy: [], click: [] };
  const phases = {};
  const note = (phase, ms) => (phases[phase] ??= []).push(ms);
  for (let i = 0; i < rounds + 2; i++) {
    const name = `one-${i}`;
    const ms = {};
    for (const [kind, spec] of Object.entries(specs)) {
      ms[kind] = await pods.start(`${kind}-${name}`, spec);
      await pods.remove(`${kind}-${name}`);
    }
    const [pressed, drawn] = await pressStart(page);
    ms.click = drawn - pressed;
    if (i >= 2) { // the first two warm caches and lazy chunks
      for (const kind of Object.keys(took)) took[kind].push(ms[kind]);
      const { line, took: steps } = phasesOf(project_id);
      note('queued', Date.parse(line.queued) - pressed);
      for (const [phase, step] of steps) note(phase, step);
      note('prompt', drawn - Date.parse(line.ready));
    }
    await api('projects/stop', { project_id });
  }
  await page.close();
  console.log(`a bare pod, POST to ready:           ${spread(took.bare)}`);
  console.log(`the same with the project's home:    ${spread(took.home)}`);
  console.log(`the project's pod, by its probe:     ${spread(took.copy)}`);
  console.log(`click on Start to prompt:            ${spread(took.click)}; goal p50 0.35, p95 0.5; ${(at(took.click, 0.5) / at(took.bare, 0.5)).toFixed(2)} of the bare pod, ${(at(took.click, 0.5) / at(took.home, 0.5)).toFixed(2)} of the one with the home`);
  console.log(`  before each phase, ms, p50 [p5-p95]: ${Object.entries(phases).map(([phase, ms]) => `${phase} ${Math.round(at(ms, 0.5))} [${Math.round(at(ms, 0.05))}-${Math.round(at(ms, 0.95))}]`).join(', ')}`);
}

async function podsAtOnce(name, spec) {
  const took = await all((i) => pods.start(`${name}-${i}`, spec));
  await all((i) => pods.remove(`${name}-${i}`));
  return took;
}

/** Runs in a page: opens a terminal in the running project; resolves when its prompt has arrived. */
function promptOf(project) {
  return new Promise((done, failed) => {
    const socket = new WebSocket(`ws://${location.host}/${project}/ws`);
    socket.binaryType = 'arraybuffer';
    let shown = '';
    socket.onopen = () => socket.send(JSON.stringify({ id: 1, method: 'terminal.open', params: { terminal: 'main', cols: 80, rows: 24 } }));
    socket.onclose = () => failed(new Error(`${project}: the connection ended before the prompt`));
    socket.onmessage = ({ data }) => {
      if (typeof data === 'string') return;
      shown += new TextDecoder().decode(data.slice(5)); // after the number of the channel
      if (!/[$#] /.test(shown)) return;
      done();
      socket.close();
    };
  });
}

/** Starts all: for each, milliseconds until it was ready and until its prompt had arrived at the page. */
function promptsAtOnce(api, page, projects) {
  const began = performance.now();
  return all(async (i) => {
    await api('projects/start', { project_id: projects[i] }); // not from the page, which has six connections for requests
    const ready = performance.now() - began;
    await page.evaluate(promptOf, projects[i]);
    return [ready, performance.now() - began];
  });
}

async function openPages({ address, context }, projects) {
  const pages = [];
  for (const id of projects) {
    const page = await context.newPage();
    await page.goto(`${address}/app/projects/${id}/terminal/main`);
    await page.getByRole('button', { name: 'Start', exact: true }).waitFor();
    pages.push(page);
  }
  return pages;
}

/** Each way once, all 20 at the same time; adds when the last of each was there. */
async function crowdRound(where, { projects, specs, plain, stopAll, last, tell }) {
  for (const [kind, spec] of Object.entries(specs)) {
    last[kind].push(Math.max(...(await podsAtOnce(`${kind}-${last[kind].length}`, spec))));
    await stopAll();
  }
  const prompts = await promptsAtOnce(where.api, plain, projects);
  last.ready.push(Math.max(...prompts.map(([ready]) => ready)));
  last.prompt.push(Math.max(...prompts.map(([, received]) => received)));
  await stopAll();
  const pages = await openPages(where, projects);
  const times = await Promise.all(pages.map(pressStart));
  last.click.push(Math.max(...times.map(([, drawn]) => drawn)) - Math.min(...times.map(([pressed]) => pressed)));
  await all((i) => pages[i].close());
  await stopAll();
  if (!tell) return;
  console.log(`  each of ${crowd} in the last round, start to prompt: ${spread(prompts.map(([, received]) => received))}`);
  console.log(`  each of ${crowd} in the last round, click to prompt: ${spread(times.map(([pressed, drawn]) => drawn - pressed))}`);
}

async function crowdOf(where) {
  const { address, context, api } = where;
  const projects = [];
  for (let i = 0; i < crowd; i++) projects.push((await api('projects/create', { title: `Crowd ${i}` })).project_id);
  await api('projects/start', { project_id: projects[0] });
  const { home, copy } = await specsOf(projects[0]);
  const stopAll = async () => {
    await all((i) => api('projects/stop', { project_id: projects[i] }));
    await new Promise((rested) => setTimeout(rested, 3000)); // what the nodes still take down would slow the next
  };
  await stopAll();
  const plain = await context.newPage();
  await plain.goto(`${address}/app/account`);
  const last = { bare: [], home: [], copy: [], ready: [], prompt: [], click: [] };
  for (let round = 1; round <= crowds; round++)
    await crowdRound(where, { projects, specs: { bare, home, copy }, plain, stopAll, last, tell: round === crowds });
  const median = (kind) => at(last[kind], 0.5);
  const show = (kind) => `${seconds(median(kind))} s [${seconds(at(last[kind], 0))}-${seconds(at(last[kind], 1))}], n=${crowds}`;
  const beside = (kind) => `${show(kind)}; goal 3 s; ${(median(kind) / median('bare')).toFixed(2)} of the bare pods, ${(median(kind) / median('copy')).toFixed(2)} of the projects' own`;
  console.log(`${crowd} bare pods at once, last ready:          ${show('bare')}`);
  console.log(`${crowd} with a project's home, last ready:      ${show('home')}`);
  console.log(`${crowd} of a project's own, by their probe:     ${show('copy')}`);
  console.log(`${crowd} starts at once, last ready:             ${beside('ready')}`);
  console.log(`${crowd} starts at once, last prompt received:   ${beside('prompt')}`);
  console.log(`${crowd} clicks at once in ${crowd} pages, last drawn:  ${beside('click')}`);
}

await pods.open();
try {
  await inBrowserAt(process.argv[2], async (where) => {
    await oneAtATime(where);
    await crowdOf(where);
  });
} finally {
  pods.close();
}
