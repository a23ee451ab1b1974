// How long from the click on "Start" to the shell's prompt in headless Chromium on a real cluster, beside what its pods take alone.
// node bench/start_cluster.mjs ADDRESS       KUBECONFIG: that of tools/kube; ATRIUM_TEST_DATABASE: conninfo. bench/start_cluster runs it; ROUNDS and CROWDS: how often.
//
// Interleaved: a bare pod of the same image (no probe, no volume), the same with the project's home mounted (kubelets look 0.3 s
// after the first time whether a volume is there), a copy of the project's own pod with its probe, and the click; then 20 at once.
// "asked": the same starts by POST of projects/start, so without the work of 20 browsers' pages on these cores.
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

async function crowdOf({ address, context, api }) {
  const projects = [];
  for (let i = 0; i < crowd; i++) projects.push((await api('projects/create', { title: `Crowd ${i}` })).project_id);
  await api('projects/start', { project_id: projects[0] });
  const { home } = await specsOf(projects[0]);
  await api('projects/stop', { project_id: projects[0] });
  const pages = [];
  for (const id of projects) {
    const page = await context.newPage();
    await page.goto(`${address}/app/projects/${id}/terminal/main`);
    await page.getByRole('button', { name: 'Start', exact: true }).waitFor();
    pages.push(page);
  }
  const last = { bare: [], home: [], asked: [], click: [] };
  const stopAll = () => all((i) => api('projects/stop', { project_id: projects[i] }));
  for (let round = 0; round < crowds; round++) {
    last.bare.push(Math.max(...(await podsAtOnce(`bare-${round}`, bare))));
    last.home.push(Math.max(...(await podsAtOnce(`home-${round}`, home))));
    const began = performance.now();
    await all((i) => api('projects/start', { project_id: projects[i] }));
    last.asked.push(performance.now() - began);
    await stopAll();
    const times = await Promise.all(pages.map(pressStart));
    const prompts = times.map(([, drawn]) => drawn);
    last.click.push(Math.max(...prompts) - Math.min(...times.map(([pressed]) => pressed)));
    if (round === crowds - 1) console.log(`  each of ${crowd} in the last round, click to prompt: ${spread(times.map(([pressed, drawn]) => drawn - pressed))}`);
    await stopAll();
  }
  const show = (took) => `${seconds(at(took, 0.5))} s [${seconds(at(took, 0))}-${seconds(at(took, 1))}], n=${took.length}`;
  console.log(`${crowd} bare pods at once, last ready:    ${show(last.bare)}`);
  console.log(`${crowd} with a project's home at once:   ${show(last.home)}`);
  console.log(`${crowd} starts asked at once, last ready: ${show(last.asked)}`);
  console.log(`${crowd} clicks at once, last prompt:      ${show(last.click)}; goal 3 s; ${(at(last.click, 0.5) / at(last.bare, 0.5)).toFixed(2)} of the bare pods, ${(at(last.click, 0.5) / at(last.home, 0.5)).toFixed(2)} of those with a home`);
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
