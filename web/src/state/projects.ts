/** Rules of the list of projects: order, search, state in words. Pure. */
import type { ProjectRow, RowChange } from '../net/protocol';

export function applyChanges(
  rows: ReadonlyMap<string, ProjectRow>,
  changes: readonly RowChange<ProjectRow>[],
): Map<string, ProjectRow> {
  const next = new Map(rows);
  for (const change of changes) {
    if (change.op === 'upsert') next.set(change.row.project_id, change.row);
    else next.delete(change.key);
  }
  return next;
}

const time = (text: string | null | undefined): number => (text ? Date.parse(text) || 0 : 0);

export function lastUsed(row: ProjectRow): number {
  return Math.max(time(row.last_edited), time(row.created), time(row.action_request?.time));
}

/** Newest first; equal ones by title, so that the order is the same everywhere. */
export function sortProjects(rows: readonly ProjectRow[]): ProjectRow[] {
  return [...rows].sort(
    (a, b) => lastUsed(b) - lastUsed(a) || a.title.localeCompare(b.title) || a.project_id.localeCompare(b.project_id),
  );
}

/** Rows whose title, description or people contain every word that was typed. */
export function searchProjects(rows: readonly ProjectRow[], typed: string): ProjectRow[] {
  const words = typed.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) return [...rows];
  return rows.filter((row) => {
    const people = (row.collaborators ?? []).map((person) => person.name).join(' ');
    const text = `${row.title} ${row.description} ${people} ${stateOf(row).word} ${row.project_id}`.toLowerCase();
    return words.every((word) => text.includes(word));
  });
}

type Tone = 'running' | 'starting' | 'stopped' | 'failed';
export interface StateWord {
  tone: Tone;
  word: string;
  /** Why, when it failed or waits for something. */
  reason?: string;
}

function requested(row: ProjectRow): 'start' | 'stop' | 'restart' | null {
  const request = row.action_request;
  return request?.action && !request.finished ? request.action : null;
}

/** Asked to run, and on its way: not again, as after “Restart”. */
export function isStarting(row: ProjectRow): boolean {
  const state = row.state?.state;
  const wanted = requested(row);
  if (wanted === 'start') return state !== 'running' && state !== 'stopping';
  return wanted === null && (state === 'starting' || state === 'pending');
}

/** What a person is told about the state. A request that is not done yet counts: the answer to a press is at once. */
export function stateOf(row: ProjectRow): StateWord {
  const state = row.state?.state;
  const wanted = requested(row);
  const problem = row.state?.error || row.action_request?.err || row.status?.start?.reason || undefined;
  if (wanted === 'stop' && state !== 'closed') return { tone: 'starting', word: 'Stopping' };
  if (wanted === 'restart') return { tone: 'starting', word: 'Restarting' };
  if (state === 'running') return { tone: 'running', word: 'Running' };
  if (state === 'stopping') return { tone: 'starting', word: 'Stopping' };
  if (isStarting(row))
    return {
      tone: 'starting',
      word: wanted === 'start' && !row.action_request?.started ? 'Queued' : 'Starting',
      // What it waits for: room, an image that does not come.
      ...((state === 'pending' || state === 'starting') && row.state?.error && { reason: row.state.error }),
    };
  if (problem && (row.action_request?.err || row.state?.error || row.status?.start?.failed))
    return { tone: 'failed', word: 'Failed', reason: problem };
  return { tone: 'stopped', word: state === 'archived' ? 'Archived' : 'Stopped' };
}

export const isBusy = (row: ProjectRow): boolean => stateOf(row).tone === 'starting';
export const isRunning = (row: ProjectRow): boolean => row.state?.state === 'running' && requested(row) === null;

export function groupOf(row: ProjectRow, accountId: string): string {
  return (
    row.users?.[accountId]?.group ??
    row.collaborators?.find((person) => person.account_id === accountId)?.group ??
    'collaborator'
  );
}
