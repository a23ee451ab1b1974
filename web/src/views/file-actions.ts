/** Changes to files, with their answers: an undo where one can be built, else a reason. */
import { freeName, join } from '../lib/paths';
import { paneHref, navigate } from '../lib/router';
import { plural } from '../lib/format';
import { isQuiet, sentence, type Entry } from '../net/protocol';
import { confirm } from '../ui/dialog';
import { toast } from '../ui/toasts';
import type { ProjectContext } from './project-context';

function failed(what: string, error: unknown): void {
  if (!isQuiet(error)) toast({ text: `${what} ${sentence(error)}`, tone: 'bad' });
}

export async function create(
  { session, files, row }: ProjectContext,
  folder: string,
  name: string,
  kind: 'file' | 'folder',
): Promise<void> {
  const path = join(folder, name);
  try {
    await session.api.call(kind === 'file' ? 'files.create' : 'files.mkdir', { path });
    await files.refresh(folder);
    if (kind === 'file') navigate(paneHref(row.project_id, { kind: 'edit', path }));
  } catch (error) {
    failed(`“${name}” was not created.`, error);
  }
}

export async function rename(
  { session, files, moveFile }: ProjectContext,
  folder: string,
  from: string,
  to: string,
): Promise<void> {
  const paths = { from: join(folder, from), to: join(folder, to) };
  try {
    await session.api.call('files.rename', paths);
    moveFile(paths.from, paths.to);
    await files.refresh(folder);
    const undo = async (): Promise<void> => {
      try {
        await session.api.call('files.rename', { from: paths.to, to: paths.from });
        moveFile(paths.to, paths.from);
        await files.refresh(folder);
      } catch (error) {
        failed('The name was not put back.', error);
      }
    };
    toast({ text: `Renamed to “${to}”.`, action: { label: 'Undo', run: () => void undo() } });
  } catch (error) {
    failed(`“${from}” was not renamed.`, error);
  }
}

/** A copy beside it, under a free name. */
export async function duplicate({ session, files }: ProjectContext, folder: string, name: string): Promise<void> {
  const taken = new Set(files.listing(folder).value.entries.map((entry) => entry.name));
  const to = freeName(name, taken);
  try {
    await session.api.call('files.copy', { from: join(folder, name), to: join(folder, to) }, { timeoutMs: 0 });
    await files.refresh(folder);
    toast({ text: `“${name}” is copied to “${to}”.` });
  } catch (error) {
    failed(`“${name}” was not copied.`, error);
  }
}

/** Moves entries to the trash, which can be undone; what lies there already goes for good, once that is confirmed. */
export function remove(context: ProjectContext, folder: string, entries: readonly Entry[]): void {
  if (entries.length === 0) return;
  const what = entries.length === 1 ? `“${entries[0]!.name}”` : plural(entries.length, 'entry', 'entries');
  if (!`${folder}/`.startsWith('.trash/')) {
    void take(context, folder, entries, what);
    return;
  }
  confirm({
    title: `Delete ${what} for good?`,
    text: 'What is deleted from the trash cannot be brought back.',
    action: 'Delete for good',
    run: () => void take(context, folder, entries, what),
  });
}

async function take(
  { session, files }: ProjectContext,
  folder: string,
  entries: readonly Entry[],
  what: string,
): Promise<void> {
  const listing = files.listing(folder);
  const names = new Set(entries.map((entry) => entry.name));
  // Gone from the screen at once; a refusal brings it back with the reason.
  listing.value = { ...listing.value, entries: listing.value.entries.filter((entry) => !names.has(entry.name)) };
  try {
    const { trash } = await session.api.call('files.remove', {
      paths: entries.map((entry) => join(folder, entry.name)),
    });
    if (trash === null) {
      toast({ text: `${what} deleted for good.` });
      return;
    }
    const undo = async (): Promise<void> => {
      try {
        await session.api.call('files.restore', { trash });
      } catch (error) {
        failed(`${what} could not be restored; look in the folder .trash.`, error);
      }
      await files.refresh(folder);
    };
    toast({ text: `${what} moved to the trash.`, action: { label: 'Undo', run: () => void undo() } });
  } catch (error) {
    failed(`${what} was not deleted.`, error);
    await files.refresh(folder);
  }
}
