/** The application's connection to the hub, who is signed in, and the live list of projects. One instance a page. */
import { Cell } from '../lib/cell';
import { Connection } from '../net/connection';
import { browserSurroundings, socketUrl } from '../net/link';
import { Api, sentence, type Account, type HubMethods, type ProjectRow, type RowChange } from '../net/protocol';
import { applyChanges, sortProjects } from './projects';

type Session = { phase: 'unknown' } | { phase: 'signed_out' } | { phase: 'signed_in'; account: Account };

export const hubLink = new Connection(socketUrl('/hub'), browserSurroundings, { heartbeat: 'ping', traced: true });
export const hub = new Api<HubMethods>(hubLink);
export const session = new Cell<Session>({ phase: 'unknown' });

export interface ProjectList {
  /** `stale` rows are the last known ones: the connection is gone. */
  phase: 'loading' | 'live' | 'stale' | 'failed';
  rows: ReadonlyMap<string, ProjectRow>;
  sorted: readonly ProjectRow[];
  problem?: string;
}

const emptyList: ProjectList = { phase: 'loading', rows: new Map(), sorted: [] };
export const projects = new Cell<ProjectList>(emptyList);
let subscription = 0;

function setRows(rows: ReadonlyMap<string, ProjectRow>): void {
  projects.value = { phase: 'live', rows, sorted: sortProjects([...rows.values()]) };
}

async function subscribe(): Promise<void> {
  try {
    const answer = await hub.call('subscribe', { query: 'projects' }, { timeoutMs: 0 });
    subscription = answer.subscription;
    const rows = answer.rows as ProjectRow[];
    setRows(new Map(rows.map((row) => [row.project_id, row])));
    for (const push of early.splice(0)) receive(push);
  } catch (error) {
    if (hubLink.state.value.phase === 'open')
      projects.update((list) => ({ ...list, phase: 'failed', problem: sentence(error) }));
  }
}

/** Changes may overtake the answer that names their subscription. Those of an earlier connection have no place here. */
const early: Record<string, unknown>[] = [];

function receive(push: Record<string, unknown>): void {
  if (projects.value.phase !== 'live') {
    early.push(push);
    return;
  }
  if (push.subscription === subscription)
    setRows(applyChanges(projects.value.rows, push.changes as RowChange<ProjectRow>[]));
}

export function retryProjects(): void {
  if (hubLink.state.value.phase === 'open') {
    projects.update((list) => ({ ...list, phase: 'loading' }));
    void subscribe();
  } else {
    hubLink.retryNow();
  }
}

/** Changes a row at once; the returned function puts back what it was, unless the server spoke meanwhile. */
export function optimistic(id: string, change: Partial<ProjectRow>): () => void {
  const before = projects.value.rows.get(id);
  if (!before) return () => undefined;
  const changed = { ...before, ...change };
  setRowsKeepingPhase(new Map(projects.value.rows).set(id, changed));
  return () => {
    if (projects.value.rows.get(id) === changed) setRowsKeepingPhase(new Map(projects.value.rows).set(id, before));
  };
}

function setRowsKeepingPhase(rows: ReadonlyMap<string, ProjectRow>): void {
  projects.update((list) => ({ ...list, rows, sorted: sortProjects([...rows.values()]) }));
}

export function startApp(): void {
  hubLink.on('hello', (push) => {
    const account = push.account as Account | null;
    early.length = 0;
    session.value = account ? { phase: 'signed_in', account } : { phase: 'signed_out' };
    if (account) void subscribe();
    else projects.value = emptyList;
  });
  hubLink.on('changes', receive);
  hubLink.state.subscribe((state) => {
    if (state.phase === 'signed_out') {
      session.value = { phase: 'signed_out' };
      projects.value = emptyList;
    } else if (state.phase !== 'open' && projects.value.phase === 'live') {
      projects.update((list) => ({ ...list, phase: 'stale' }));
    }
  });
  addEventListener('online', () => hubLink.check());
  document.addEventListener('visibilitychange', () => {
    if (document.visibilityState === 'visible') hubLink.check();
  });
  hubLink.start();
}

/** After signing in or out: a new connection, because the cookie is read when it opens. */
export function reconnect(): void {
  session.value = { phase: 'unknown' };
  projects.value = emptyList;
  hubLink.stop();
  hubLink.start();
}
