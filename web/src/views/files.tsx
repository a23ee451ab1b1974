/** The files of a folder: a list that the keyboard walks, with breadcrumbs, upload, preview, and deletion that can be undone. */
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { basename, join, kindOf, parent, sortEntries, type SortKey } from '../lib/paths';
import { encodePath, paneHref } from '../lib/router';
import { all, carry, none, nothingSelected, press, type Selection } from '../lib/selection';
import type { Entry } from '../net/protocol';
import { Empty, Live, Skeleton } from '../ui/basics';
import { useCommands } from '../ui/commands';
import { useCell } from '../ui/hooks';
import { Icon } from '../ui/icons';
import { ContextMenu, type MenuEntry } from '../ui/menu';
import { create, remove, rename } from './file-actions';
import { FileGrid, type GridActions } from './file-grid';
import { FileTools, Crumbs } from './file-tools';
import { Preview } from './preview';
import type { ProjectContext } from './project';
import { dropped, UploadList } from './uploads';

interface Props {
  context: ProjectContext;
  path: string;
  preview: string | undefined;
}

/** The folder's entries in order, and the selection that follows their names when the folder changes. */
function useEntries(context: ProjectContext, path: string) {
  const listing = useCell(context.files.listing(path));
  const [sort, setSort] = useState<{ key: SortKey; ascending: boolean }>({ key: 'name', ascending: true });
  const [hidden, setHidden] = useState(false);
  const [selection, setSelection] = useState<Selection>(nothingSelected);
  useEffect(() => context.files.show(path), [context.files, path]);
  useEffect(() => setSelection(nothingSelected), [path]);
  const entries = useMemo(() => {
    const seen = hidden ? listing.entries : listing.entries.filter((entry) => !entry.name.startsWith('.'));
    return sortEntries(seen, sort.key, sort.ascending);
  }, [listing.entries, sort, hidden]);
  const names = useMemo(() => entries.map((entry) => entry.name), [entries]);
  const before = useRef(names);
  useEffect(() => {
    if (before.current !== names) setSelection((now) => carry(now, before.current, names));
    before.current = names;
  }, [names]);
  return { listing, entries, names, sort, setSort, hidden, setHidden, selection, setSelection };
}

export function FilesPane({ context, path, preview }: Props) {
  const { row, files, go } = context;
  const id = row.project_id;
  const { listing, entries, names, sort, setSort, hidden, setHidden, selection, setSelection } = useEntries(context, path);
  const creating = useCell(files.creating);
  const [renaming, setRenaming] = useState<string | null>(null);
  const [menuAt, setMenuAt] = useState<{ x: number; y: number } | null>(null);
  const [over, setOver] = useState(false);
  const picker = useRef<HTMLInputElement>(null);
  const grid = useRef<HTMLDivElement>(null);
  const chosen = useMemo(() => [...selection.chosen].map((index) => entries[index]).filter((entry): entry is Entry => !!entry), [selection, entries]);
  const refocus = (): void => void requestAnimationFrame(() => grid.current?.focus());

  const open = (entry: Entry): void => {
    const target = join(path, entry.name);
    const kind = kindOf(entry.name, entry.type);
    if (kind === 'folder') go({ kind: 'files', path: target });
    else if (kind === 'text') go({ kind: 'edit', path: target });
    else go({ kind: 'files', path, preview: entry.name });
  };
  const download = (list: readonly Entry[]): void => {
    for (const entry of list) {
      const link = document.createElement('a');
      link.href = `/${id}/files/${encodePath(join(path, entry.name))}?${entry.type === 'directory' ? 'format=tar' : 'download'}`;
      link.download = entry.type === 'directory' ? `${entry.name}.tar` : entry.name;
      link.click();
    }
  };
  const actions: GridActions = {
    open,
    select: setSelection,
    remove: () => void remove(context, path, chosen),
    rename: () => entries[selection.active] && setRenaming(entries[selection.active]!.name),
    up: () => path && go({ kind: 'files', path: parent(path) }),
    peek: (entry) => go({ kind: 'files', path, preview: entry.name }),
    menu: (at, index) => {
      if (!selection.chosen.has(index)) setSelection(press(selection, index));
      setMenuAt(at);
    },
    sort: (key) => setSort({ key, ascending: sort.key === key ? !sort.ascending : key === 'name' }),
  };
  const items: MenuEntry[] = [
    ...(chosen.length === 1 ? [{ label: 'Open', icon: 'right' as const, keys: 'Enter', run: () => open(chosen[0]!) }] : []),
    ...(chosen.length === 1 && chosen[0]!.type !== 'directory' ? [{ label: 'Preview', icon: 'eye' as const, run: () => actions.peek(chosen[0]!) }] : []),
    ...(chosen.length === 1 && chosen[0]!.type === 'directory' ? [{ label: 'Terminal here', icon: 'terminal' as const, run: () => openTerminalIn(context, join(path, chosen[0]!.name)) }] : []),
    { label: 'Download', icon: 'download', run: () => download(chosen) },
    ...(chosen.length === 1 ? [{ label: 'Rename', icon: 'rename' as const, keys: 'F2', run: actions.rename }] : []),
    { label: 'Copy the path', icon: 'copy', run: () => void navigator.clipboard?.writeText(chosen.map((entry) => join(path, entry.name)).join('\n')) },
    'line',
    { label: 'Delete', icon: 'trash', keys: 'Del', danger: true, run: actions.remove },
  ];
  useCommands(
    () => [
      { id: 'new-file', title: 'New file', group: 'Files', icon: 'file', keys: 'alt+n', run: () => (files.creating.value = 'file') },
      { id: 'new-folder', title: 'New folder', group: 'Files', icon: 'folder', keys: 'alt+shift+n', run: () => (files.creating.value = 'folder') },
      { id: 'upload', title: 'Upload files', group: 'Files', icon: 'upload', run: () => picker.current?.click() },
      { id: 'hidden-files', title: hidden ? 'Hide hidden files' : 'Show hidden files', group: 'Files', icon: 'eye', run: () => setHidden(!hidden) },
      { id: 'terminal-here', title: 'Terminal in this folder', group: 'Files', icon: 'terminal', run: () => openTerminalIn(context, path) },
    ],
    [hidden, path, context],
  );
  const previewed = preview ? entries.find((entry) => entry.name === preview) : undefined;
  return (
    <div
      class={`files ${preview ? 'files-with-preview' : ''} ${over ? 'files-over' : ''}`}
      onDragOver={(event) => {
        if (!event.dataTransfer?.types.includes('Files')) return;
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={(event) => event.currentTarget === event.target && setOver(false)}
      onDrop={(event) => {
        event.preventDefault();
        setOver(false);
        if (event.dataTransfer) void dropped(event.dataTransfer).then((list) => files.upload(path, list));
      }}
    >
      <div class="files-main">
        <div class="files-head">
          <Crumbs id={id} path={path} />
          <FileTools
            count={chosen.length}
            onNew={(kind) => (files.creating.value = kind)}
            onUpload={() => picker.current?.click()}
            onDownload={() => download(chosen)}
            onRename={actions.rename}
            onDelete={actions.remove}
            onClear={() => setSelection(none(selection))}
            onAll={() => setSelection(all(selection, entries.length))}
            hidden={hidden}
            onHidden={() => setHidden(!hidden)}
          />
        </div>
        <input
          ref={picker}
          type="file"
          multiple
          hidden
          aria-label="Files to upload"
          onChange={(event) => {
            files.upload(path, [...(event.currentTarget.files ?? [])].map((file) => ({ path: file.name, file })));
            event.currentTarget.value = '';
          }}
        />
        {listing.phase === 'loading' && <Skeleton rows={8} label="Loading the folder" />}
        {listing.phase === 'failed' && (
          <Empty icon="fail" tone="bad" title="This folder cannot be shown" actions={<><button type="button" class="button" onClick={() => void files.refresh(path)}>Try again</button>{path && <a class="button" href={paneHref(id, { kind: 'files', path: parent(path) })}>Up to {basename(parent(path)) || 'Home'}</a>}</>}>
            <p>{listing.problem}</p>
          </Empty>
        )}
        {listing.phase === 'shown' && (
          <FileGrid
            gridRef={grid}
            id={id}
            path={path}
            entries={entries}
            names={names}
            selection={selection}
            sort={sort}
            actions={actions}
            renaming={renaming}
            onRenamed={(from, to) => {
              setRenaming(null);
              refocus();
              if (to && to !== from) void rename(context, path, from, to);
            }}
            creating={creating}
            onCreated={(name) => {
              const kind = files.creating.value;
              files.creating.value = null;
              refocus();
              if (name && kind) void create(context, path, name, kind);
            }}
            hiddenCount={listing.entries.length - entries.length}
          />
        )}
        <UploadList files={files} />
        <Live text={selection.chosen.size > 1 ? `${selection.chosen.size} selected` : ''} />
      </div>
      {preview && <Preview context={context} folder={path} name={preview} entry={previewed} onClose={() => (go({ kind: 'files', path }), refocus())} onDownload={() => previewed && download([previewed])} />}
      {menuAt && chosen.length > 0 && <ContextMenu at={menuAt} items={items} label={chosen.length === 1 ? chosen[0]!.name : `${chosen.length} entries`} onClose={() => setMenuAt(null)} />}
      {over && (
        <div class="drop-hint" aria-hidden="true">
          <Icon name="upload" /> Drop to upload to {basename(path) || 'Home'}
        </div>
      )}
    </div>
  );
}

function openTerminalIn(context: ProjectContext, folder: string): void {
  const name = context.session.newTerminalName();
  context.session.folders.set(name, folder);
  context.go({ kind: 'terminal', name });
}
