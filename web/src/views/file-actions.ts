/** Changes to files, with their answers: an undo where one can be built, else a reason. */
import { join } from '../lib/paths';
import { paneHref, navigate } from '../lib/router';
import { plural } from '../lib/format';
import { isQuiet, sentence, type Entry } from '../net/protocol';
import { toast } from '../ui/toasts';
import type { ProjectContext } from './project';

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
  { session, files }: ProjectContext,
  folder: string,
  from: string,
  to: string,
): Promise<void> {
  const paths = { from: join(folder, from), to: join(folder, to) };
  try {
    await session.api.call('files.rename', paths);
    session.renameTab(paths.from, paths.to);
    await files.refresh(folder);
    const undo = async (): Promise<void> => {
      try {
        await session.api.call('files.rename', { from: paths.to, to: paths.from });
        session.renameTab(paths.to, paths.from);
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

export async function remove(
  { session, files }: ProjectContext,
  folder: string,
  entries: readonly Entry[],
): Promise<void> {
  if (entries.length === 0) return;
  const what = entries.length === 1 ? `“${entries[0]!.name}”` : plural(entries.length, 'entry', 'entries');
  const listing = files.listing(folder);
  const names = new Set(entries.map((entry) => entry.name));
  // Gone from the screen at once; a refusal brings it back with the reason.
  listing.value = { ...listing.value, entries: listing.value.entries.filter((entry) => !names.has(entry.name)) };
  try {
    const { trash } = await session.api.call('files.remove', {
      paths: entries.map((entry) => join(folder, entry.name)),
    });
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
