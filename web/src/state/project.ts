/** What the page holds of an open project: its connection, who is there, its tabs. Lives while the project is in the rail. */
import { Cell } from '../lib/cell';
import { paneKey, type Pane } from '../lib/router';
import { traceparent } from '../lib/trace';
import { Connection } from '../net/connection';
import { browserSurroundings, socketUrl } from '../net/link';
import { Api, type PresentUser, type ProjectMethods } from '../net/protocol';

export type Tab = Extract<Pane, { kind: 'edit' | 'terminal' }>;

export class ProjectSession {
  readonly link: Connection;
  readonly api: Api<ProjectMethods>;
  readonly presence = new Cell<PresentUser[]>([]);
  readonly tabs: Cell<Tab[]>;
  /** When this page's connection opened, for the last step of the start's timeline. */
  readonly connectedAt = new Cell<number | undefined>(undefined);
  /** Folder in which a terminal that does not run yet should start. */
  readonly folders = new Map<string, string>();
  /** What the programs in terminals call themselves, by terminal. */
  readonly titles = new Cell<Readonly<Record<string, string>>>({});
  sessionId = '';
  /** Trace id of the project's present start. */
  startTrace: string | null | undefined;
  /** When this page turned to the project. */
  readonly since = Date.now();
  lastActivity = 0;

  constructor(readonly id: string) {
    // The first connection belongs to the start that the person waited for; a socket takes no header fields.
    const url = (): string => socketUrl(`/${id}/ws?traceparent=${traceparent(this.startTrace)}`);
    this.link = new Connection(url, browserSurroundings, { heartbeat: 'status' });
    this.api = new Api<ProjectMethods>(this.link);
    this.tabs = new Cell<Tab[]>(readTabs(id));
    this.tabs.subscribe((tabs) => write(`atrium.tabs.${id}`, tabs));
    this.link.on('hello', (push) => {
      this.sessionId = String(push.session ?? '');
      this.connectedAt.value ??= Date.now();
    });
    this.link.on('presence', (push) => {
      this.presence.value = (push.users as PresentUser[] | undefined) ?? [];
    });
    this.link.state.subscribe((state) => {
      if (state.phase === 'idle' || state.phase === 'waiting') this.presence.value = [];
    });
  }

  /** Follows the state of the project: connects while it runs, lets go when it stops. */
  follow(running: boolean): void {
    if (running) {
      this.link.start();
    } else {
      this.connectedAt.value = undefined;
      if (this.link.state.value.phase !== 'idle') this.link.stop();
    }
  }

  openTab(tab: Tab): void {
    const key = paneKey(tab);
    if (this.tabs.value.some((other) => paneKey(other) === key)) return;
    const { kind } = tab;
    this.tabs.update((tabs) => [...tabs, kind === 'edit' ? { kind, path: tab.path } : { kind, name: tab.name }]);
  }

  /** Closes a tab and says which one stands in its place. */
  closeTab(tab: Tab): Pane {
    const key = paneKey(tab);
    const place = this.tabs.value.findIndex((other) => paneKey(other) === key);
    const rest = this.tabs.value.filter((other) => paneKey(other) !== key);
    this.tabs.value = rest;
    return rest[Math.min(Math.max(place, 0), rest.length - 1)] ?? { kind: 'files', path: '' };
  }

  /** A file has another path; a tab that had this one before gives way. */
  renameTab(from: string, to: string): void {
    const is = (path: string) => (tab: Tab) => tab.kind === 'edit' && tab.path === path;
    if (from === to || !this.tabs.value.some(is(from))) return;
    this.tabs.update((tabs) =>
      tabs.filter((tab) => !is(to)(tab)).map((tab) => (is(from)(tab) ? { kind: 'edit', path: to } : tab)),
    );
  }

  newTerminalName(): string {
    const names = new Set(this.tabs.value.map((tab) => (tab.kind === 'terminal' ? tab.name : '')));
    if (!names.has('main')) return 'main';
    for (let count = 2; ; ++count) if (!names.has(`shell-${count}`)) return `shell-${count}`;
  }
}

/** What was written down, or nothing when it cannot be read or is something else. */
function readList(key: string): unknown[] {
  try {
    const list: unknown = JSON.parse(localStorage.getItem(key) ?? '[]');
    return Array.isArray(list) ? list : [];
  } catch {
    return [];
  }
}

function write(key: string, value: unknown): void {
  try {
    localStorage.setItem(key, JSON.stringify(value));
  } catch {
    // storage refused: the tabs are then those of this page only
  }
}

function readTabs(id: string): Tab[] {
  return (readList(`atrium.tabs.${id}`) as (Tab | null)[]).filter(
    (tab): tab is Tab =>
      (tab?.kind === 'edit' && typeof tab.path === 'string') ||
      (tab?.kind === 'terminal' && typeof tab.name === 'string'),
  );
}

const openKey = 'atrium.open';
/** Projects in the rail, in the order they were opened. */
export const openProjects = new Cell<string[]>(readList(openKey).filter((id) => typeof id === 'string'));
openProjects.subscribe((ids) => write(openKey, ids));
const sessions = new Map<string, ProjectSession>();

export function openProject(id: string): ProjectSession {
  let session = sessions.get(id);
  if (!session) sessions.set(id, (session = new ProjectSession(id)));
  if (!openProjects.value.includes(id)) openProjects.update((ids) => [...ids, id]);
  return session;
}

export function closeProject(id: string): void {
  sessions.get(id)?.link.stop();
  sessions.delete(id);
  openProjects.update((ids) => ids.filter((other) => other !== id));
}

/** Signing out ends every connection; the tabs stay written down for the next time. */
export function closeAllLinks(): void {
  for (const session of sessions.values()) session.link.stop();
  sessions.clear();
}

export function checkLinks(): void {
  for (const session of sessions.values()) session.link.check();
}

/** A person did something in a project: tells it, at most once a minute. */
export function noteActivity(id: string, now: number): void {
  const session = sessions.get(id);
  if (!session || session.link.state.value.phase !== 'open' || now - session.lastActivity < 60_000) return;
  session.lastActivity = now;
  session.api.call('activity', {}).catch(() => undefined);
}
