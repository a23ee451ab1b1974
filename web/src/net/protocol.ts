/** The contract of `/hub` and `/<project uuid>/ws`, as docs/protocols.md states it: parameters in, results out. */
import type { LogEntry } from '../lib/log-words';
import type { StartTimes } from '../lib/timeline';
import { Connection } from './connection';
import { RpcError, type RequestOptions } from './link';

export interface Account {
  account_id: string;
  email_address: string;
  first_name: string;
  last_name: string;
  groups: string[];
}

export interface Person {
  account_id: string;
  name: string;
  group?: string;
}

type StateName = 'opened' | 'pending' | 'starting' | 'running' | 'stopping' | 'closed' | 'archived' | string;

export interface ProjectRow {
  project_id: string;
  title: string;
  description: string;
  state: { state?: StateName; time?: string; ip?: string; error?: string } | null;
  status: { start?: StartTimes } | null;
  action_request: {
    action?: 'start' | 'stop' | 'restart';
    time?: string;
    started?: string | null;
    finished?: string | null;
    err?: string | null;
    trace?: string | null;
  } | null;
  users: Record<string, { group?: string }> | null;
  collaborators: Person[] | null;
  last_edited: string | null;
  last_active: Record<string, string> | null;
  created: string | null;
  deleted: boolean | null;
}

export type RowChange<Row> = { op: 'upsert'; row: Row } | { op: 'delete'; key: string };

export interface Collaborator {
  account_id: string;
  first_name: string;
  last_name: string;
  email_address?: string;
  group: string;
}

export interface ApiKey {
  id: number;
  name: string;
  trunc: string;
  created: string;
  expire: string | null;
  last_active: string | null;
}

type ProjectId = { project_id: string };
type Whom = ProjectId & ({ account_id: string } | { email_address: string });

export interface HubMethods {
  ping: [Record<string, never>, unknown];
  subscribe: [{ query: 'projects' | 'account' }, { subscription: number; rows: unknown[] }];
  unsubscribe: [{ subscription: number }, unknown];
  'projects.create': [{ title: string; description?: string; start?: boolean }, ProjectId];
  'projects.start': [ProjectId, unknown];
  'projects.stop': [ProjectId, unknown];
  'projects.restart': [ProjectId, unknown];
  'projects.cancel_start': [ProjectId, unknown];
  'projects.update': [ProjectId & { title?: string; description?: string }, unknown];
  'projects.delete': [ProjectId, unknown];
  'projects.undelete': [ProjectId, unknown];
  'projects.add_collaborator': [Whom, unknown];
  'projects.remove_collaborator': [Whom, unknown];
  'projects.collaborators': [ProjectId, Collaborator[]];
  'projects.timeline': [ProjectId, unknown];
  'projects.log': [ProjectId & { limit?: number }, LogEntry[]];
  'accounts.search': [{ query: string }, { account_id: string; first_name: string; last_name: string }[]];
  'accounts.update': [{ first_name?: string; last_name?: string; other_settings?: Record<string, unknown> }, unknown];
  'api_keys.list': [Record<string, never>, ApiKey[]];
  'api_keys.create': [{ name: string; expire?: string }, ApiKey & { secret: string }];
  'api_keys.delete': [{ id: number }, unknown];
}

export interface Entry {
  name: string;
  type: 'file' | 'directory' | 'link' | 'other';
  /** Type of what a link leads to; absent when that is nothing, or out of the home. */
  target?: Entry['type'];
  size: number;
  mtime: number;
  mode: number;
}

export interface PresentUser {
  account_id: string;
  session?: string;
  name: string;
  color?: string;
}

/** A change set in the JSON form of @codemirror/state. */
type ChangesJson = unknown;
export interface DocumentUpdate {
  clientID: string;
  changes: ChangesJson;
  id?: string;
}

export type DocumentOpened = { path: string; epoch: string; version: number } & (
  | { text: string; users?: PresentUser[] }
  | { updates: DocumentUpdate[] }
);

export interface ProjectStatus {
  last_activity: number;
  started: number;
  memory_bytes: number;
  cpu_seconds: number;
  terminals: number;
  documents: number;
  connections: number;
}

interface TerminalOpened {
  terminal: string;
  channel: number;
  title: string;
  viewers: PresentUser[];
  /** Bytes of scrollback that follow as output, when the server says so. */
  replay?: number;
  /** Size of the terminal: the smallest of its viewers. */
  cols?: number;
  rows?: number;
}

export interface ProjectMethods {
  'files.list': [{ path: string }, { entries: Entry[]; truncated: boolean }];
  'files.stat': [{ path: string }, Entry];
  'files.read': [{ path: string }, { text: string }];
  'files.write': [{ path: string; text: string }, unknown];
  'files.create': [{ path: string }, unknown];
  'files.mkdir': [{ path: string }, unknown];
  'files.rename': [{ from: string; to: string }, unknown];
  /** `trash` is null when all of it was in the trash already and is gone for good. */
  'files.remove': [{ paths: string[] }, { trash: string | null }];
  'files.restore': [{ trash: string }, unknown];
  'files.copy': [{ from: string; to: string }, unknown];
  'files.watch': [{ path: string }, unknown];
  'files.unwatch': [{ path: string }, unknown];
  'terminal.open': [{ terminal?: string; cols: number; rows: number; path?: string; command?: string }, TerminalOpened];
  'terminal.resize': [{ channel: number; cols: number; rows: number }, { cols?: number; rows?: number }];
  'terminal.close': [{ channel: number }, unknown];
  'terminal.kill': [{ terminal: string }, unknown];
  'terminal.list': [Record<string, never>, unknown];
  'terminal.ack': [{ channel: number; bytes: number }, unknown];
  'document.open': [{ path: string; since?: number; epoch?: string }, DocumentOpened];
  'document.push': [
    { path: string; epoch: string; version: number; updates: DocumentUpdate[] },
    { accepted: number; version: number },
  ];
  'document.cursor': [{ path: string; clientID?: string; ranges: { anchor: number; head: number }[] }, unknown];
  'document.close': [{ path: string }, unknown];
  activity: [Record<string, never>, unknown];
  status: [Record<string, never>, ProjectStatus];
}

/**
 * Methods that may be sent again when the answer got lost: asking twice changes nothing more than asking once. What
 * holds for one connection only (subscriptions, watches) is not among them: each new connection asks for it itself.
 */
const safe = new Set<string>([
  'ping',
  'projects.start',
  'projects.stop',
  'projects.cancel_start',
  'projects.update',
  'projects.delete',
  'projects.undelete',
  'projects.add_collaborator',
  'projects.remove_collaborator',
  'projects.collaborators',
  'projects.timeline',
  'projects.log',
  'accounts.search',
  'accounts.update',
  'api_keys.list',
  'files.list',
  'files.stat',
  'files.read',
  'files.write',
  'terminal.list',
  'document.open',
  'activity',
  'status',
] satisfies (keyof HubMethods | keyof ProjectMethods)[]);

interface Methods {
  [method: string]: [unknown, unknown];
}

/** Typed calls over one connection. */
export class Api<M extends { [K in keyof M]: Methods[string] }> {
  constructor(readonly connection: Connection) {}

  call<K extends keyof M & string>(method: K, params: M[K][0], options: RequestOptions = {}): Promise<M[K][1]> {
    return this.connection.request<M[K][1]>(method, params, { safe: safe.has(method), ...options });
  }
}

export type ProjectApi = Api<ProjectMethods>;

/** The sentence of an error for people. */
export function sentence(error: unknown): string {
  if (error instanceof RpcError) return error.message;
  return error instanceof Error ? error.message : String(error);
}

/** Its trace id, for people to quote. */
export const traceOfError = (error: unknown): string | undefined =>
  error instanceof RpcError ? error.trace : undefined;

/** Answers that only mean that the connection went away on purpose: nothing to show. */
export function isQuiet(error: unknown): boolean {
  return error instanceof RpcError && (error.code === 'cancelled' || error.code === 'unauthenticated');
}

/** The connection broke or was too slow: nobody knows whether it was done. */
export function isLost(error: unknown): boolean {
  return error instanceof RpcError && ['disconnected', 'cancelled', 'timed_out'].includes(error.code);
}
