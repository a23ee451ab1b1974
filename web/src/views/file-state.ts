/** State of the files view: entries in order, selection, and what can be done with them. */
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks';
import { basename, join, kindOf, parent, sortEntries, type SortKey } from '../lib/paths';
import { encodePath, type Pane } from '../lib/router';
import { carry, nothingSelected, press, type Selection } from '../lib/selection';
import type { Entry } from '../net/protocol';
import { copy } from '../ui/clipboard';
import { useCell } from '../ui/hooks';
import type { MenuEntry } from '../ui/menu';
import { duplicate, remove } from './file-actions';
import type { GridActions } from './file-grid';
import type { ProjectContext } from './project-context';

/** What opening an entry of a folder shows. */
export function paneOf(folder: string, entry: Entry): Pane {
  const path = join(folder, entry.name);
  const kind = kindOf(entry);
  if (kind === 'folder') return { kind: 'files', path };
  return kind === 'text' ? { kind: 'edit', path } : { kind: 'files', path: folder, preview: entry.name };
}

/** The folder's entries in order, and the selection that follows their names when the folder changes. */
export function useEntries(context: ProjectContext, path: string) {
  const listing = useCell(context.files.listing(path));
  const [sort, setSort] = useState<{ key: SortKey; ascending: boolean }>({ key: 'name', ascending: true });
  const [hidden, setHidden] = useState(false);
  const [selection, setSelection] = useState<Selection>(nothingSelected);
  useEffect(() => context.files.show(path), [context.files, path]);
  const entries = useMemo(() => {
    const seen = hidden ? listing.entries : listing.entries.filter((entry) => !entry.name.startsWith('.'));
    return sortEntries(seen, sort.key, sort.ascending);
  }, [listing.entries, sort, hidden]);
  const names = useMemo(() => entries.map((entry) => entry.name), [entries]);
  const seen = useRef({ path, names });
  const cameFrom = useRef('');
  // A layout effect: between a change of the list and the next key nothing may be chosen that nobody chose.
  useLayoutEffect(() => {
    const before = seen.current;
    seen.current = { path, names };
    if (before.path !== path) cameFrom.current = parent(before.path) === path ? basename(before.path) : '';
    const place = cameFrom.current ? names.indexOf(cameFrom.current) : -1;
    if (place >= 0) {
      // Whoever goes up goes on from the folder that they were in.
      cameFrom.current = '';
      setSelection(press(nothingSelected, place));
    } else setSelection((now) => (before.path === path ? carry(now, before.names, names) : nothingSelected));
  }, [path, names]);
  const chosen = useMemo(
    () => [...selection.chosen].map((index) => entries[index]).filter((entry): entry is Entry => !!entry),
    [selection, entries],
  );
  return { listing, entries, names, sort, setSort, hidden, setHidden, selection, setSelection, chosen };
}

export function download(projectId: string, folder: string, list: readonly Entry[]): void {
  for (const { name, type } of list) {
    const whole = type === 'directory';
    const link = document.createElement('a');
    link.href = `/${projectId}/files/${encodePath(join(folder, name))}?${whole ? 'format=tar' : 'download'}`;
    link.download = whole ? `${name}.tar` : name;
    link.click();
  }
}

export function openTerminalIn(context: ProjectContext, folder: string): void {
  const name = context.session.newTerminalName();
  context.session.folders.set(name, folder);
  context.go({ kind: 'terminal', name });
}

type EntriesState = ReturnType<typeof useEntries>;

/** What keys, clicks and menus of the list do. */
export function gridActions(
  context: ProjectContext,
  path: string,
  { entries, selection, setSelection, chosen, sort, setSort }: EntriesState,
  setRenaming: (name: string) => void,
  setMenuAt: (at: { x: number; y: number }) => void,
): GridActions {
  const { go } = context;
  return {
    open: (entry) => go(paneOf(path, entry)),
    select: setSelection,
    remove: () => remove(context, path, chosen),
    rename: (entry = entries[selection.active]) => entry && setRenaming(entry.name),
    up: () => path && go({ kind: 'files', path: parent(path) }),
    peek: (entry) => go({ kind: 'files', path, preview: entry.name }),
    menu(at, index) {
      if (!selection.chosen.has(index)) setSelection(press(selection, index));
      setMenuAt(at);
    },
    sort: (key) => setSort({ key, ascending: sort.key === key ? !sort.ascending : key === 'name' }),
  };
}

/** The menu of what is selected. */
export function selectionMenu(
  context: ProjectContext,
  path: string,
  chosen: readonly Entry[],
  actions: GridActions,
): MenuEntry[] {
  const paths = chosen.map((entry) => join(path, entry.name));
  const items: MenuEntry[] = [];
  const only = chosen.length === 1 ? chosen[0]! : null;
  if (only) {
    items.push({ label: 'Open', icon: 'right', keys: 'Enter', run: () => actions.open(only) });
    if (kindOf(only) === 'folder')
      items.push({ label: 'Terminal here', icon: 'terminal', run: () => openTerminalIn(context, paths[0]!) });
    else items.push({ label: 'Preview', icon: 'eye', run: () => actions.peek(only) });
  }
  items.push({ label: 'Download', icon: 'download', run: () => download(context.row.project_id, path, chosen) });
  if (only)
    items.push(
      { label: 'Rename', icon: 'rename', keys: 'F2', run: () => actions.rename(only) },
      { label: 'Duplicate', icon: 'copy', run: () => void duplicate(context, path, only.name) },
    );
  items.push({ label: 'Copy the path', icon: 'link', run: () => void copy(paths.join('\n')) }, 'line', {
    label: 'Delete',
    icon: 'trash',
    keys: 'Del',
    danger: true,
    run: actions.remove,
  });
  return items;
}
