/** What people do with projects: each answers at once on the screen and is taken back with a reason when it fails. */
import { navigate, paneHref } from '../lib/router';
import { isQuiet, sentence, traceOfError, type ProjectRow } from '../net/protocol';
import { toast } from '../ui/toasts';
import { hub, optimistic } from './app';

async function attempt(what: string, undo: () => void, call: Promise<unknown>): Promise<boolean> {
  try {
    await call;
    return true;
  } catch (error) {
    undo();
    if (!isQuiet(error)) toast({ text: `${what} ${sentence(error)}`, tone: 'bad', trace: traceOfError(error) });
    return false;
  }
}

function request(row: ProjectRow, action: 'start' | 'stop' | 'restart'): () => void {
  const started = action === 'stop' ? {} : { status: { ...row.status, start: { queued: new Date().toISOString() } } };
  return optimistic(row.project_id, {
    action_request: { action, time: new Date().toISOString(), started: null, finished: null },
    ...started,
  });
}

const power =
  (action: 'start' | 'stop' | 'restart', done: string) =>
  (row: ProjectRow): Promise<boolean> =>
    attempt(
      `“${row.title}” was not ${done}.`,
      request(row, action),
      hub.call(`projects.${action}`, { project_id: row.project_id }),
    );

export const startProject = power('start', 'started');
export const stopProject = power('stop', 'stopped');
export const restartProject = power('restart', 'restarted');

export const cancelStart = (row: ProjectRow): Promise<boolean> =>
  attempt(
    'The start was not cancelled.',
    () => undefined,
    hub.call('projects.cancel_start', { project_id: row.project_id }),
  );

export function updateProject(row: ProjectRow, change: { title?: string; description?: string }): Promise<boolean> {
  return attempt(
    'The change was not saved.',
    optimistic(row.project_id, change),
    hub.call('projects.update', { project_id: row.project_id, ...change }),
  );
}

export async function createProject(title: string): Promise<string | null> {
  try {
    const { project_id } = await hub.call('projects.create', { title, start: true });
    navigate(paneHref(project_id, { kind: 'files', path: '' }));
    return null;
  } catch (error) {
    return sentence(error);
  }
}

export async function deleteProject(row: ProjectRow): Promise<void> {
  const id = row.project_id;
  const done = await attempt(
    `“${row.title}” was not deleted.`,
    optimistic(id, { deleted: true }),
    hub.call('projects.delete', { project_id: id }),
  );
  if (!done) return;
  toast({ text: `“${row.title}” is deleted.`, action: { label: 'Undo', run: () => void undeleteProject(row) } });
}

export async function undeleteProject(row: ProjectRow): Promise<void> {
  const id = row.project_id;
  if (
    await attempt(
      `“${row.title}” was not restored.`,
      optimistic(id, { deleted: false }),
      hub.call('projects.undelete', { project_id: id }),
    )
  )
    toast({ text: `“${row.title}” is back.` });
}
