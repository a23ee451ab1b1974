/** The files of a folder: list, breadcrumbs, upload, preview, and deletion that can be undone. */
import type { ComponentChildren } from 'preact';
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { plural } from '../lib/format';
import { basename, parent } from '../lib/paths';
import { paneHref } from '../lib/router';
import { all, none } from '../lib/selection';
import { sentence } from '../net/protocol';
import { Empty, Live, Skeleton } from '../ui/basics';
import { useCommands } from '../ui/commands';
import { focusUnlessTaken, useCell } from '../ui/hooks';
import { Icon } from '../ui/icons';
import { ContextMenu } from '../ui/menu';
import { toast } from '../ui/toasts';
import { create, rename } from './file-actions';
import { FileGrid } from './file-grid';
import { download, gridActions, openTerminalIn, selectionMenu, useEntries } from './file-state';
import { Crumbs, FileTools } from './file-tools';
import { Preview } from './preview';
import type { ProjectContext } from './project-context';
import { dropped, UploadList } from './uploads';

interface Props {
  context: ProjectContext;
  path: string;
  preview: string | undefined;
}

/** Takes files that are dropped anywhere on it. */
function DropArea({
  context,
  path,
  class: extra,
  children,
}: {
  context: ProjectContext;
  path: string;
  class: string;
  children: ComponentChildren;
}) {
  const [over, setOver] = useState(false);
  return (
    <div
      class={extra}
      onDragOver={(event) => {
        if (!event.dataTransfer?.types.includes('Files')) return;
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={(event) => {
        if (!event.currentTarget.contains(event.relatedTarget as Node | null)) setOver(false);
      }}
      onDrop={(event) => {
        event.preventDefault();
        setOver(false);
        if (event.dataTransfer)
          dropped(event.dataTransfer).then(
            (list) => context.files.upload(path, list),
            (error: unknown) => toast({ text: `What you dropped could not be read. ${sentence(error)}`, tone: 'bad' }),
          );
      }}
    >
      {children}
      {over && (
        <div class="drop-hint" aria-hidden="true">
          <Icon name="upload" /> Drop to upload to {basename(path) || 'Home'}
        </div>
      )}
    </div>
  );
}

function FolderRefused({
  context,
  path,
  problem,
}: {
  context: ProjectContext;
  path: string;
  problem: string | undefined;
}) {
  const actions = (
    <>
      <button type="button" class="button" onClick={() => void context.files.refresh(path)}>
        Try again
      </button>
      {path && (
        <a class="button" href={paneHref(context.row.project_id, { kind: 'files', path: parent(path) })}>
          Up to {basename(parent(path)) || 'Home'}
        </a>
      )}
    </>
  );
  return (
    <Empty icon="fail" tone="bad" title="This folder cannot be shown" actions={actions}>
      <p>{problem}</p>
    </Empty>
  );
}

export function FilesPane({ context, path, preview }: Props) {
  const { row, files, go } = context;
  const id = row.project_id;
  const state = useEntries(context, path);
  const { listing, entries, names, sort, hidden, setHidden, selection, setSelection, chosen } = state;
  const creating = useCell(files.creating);
  const [renaming, setRenaming] = useState<string | null>(null);
  const [menuAt, setMenuAt] = useState<{ x: number; y: number } | null>(null);
  const picker = useRef<HTMLInputElement>(null);
  const grid = useRef<HTMLDivElement>(null);
  const refocus = (): void => focusUnlessTaken(() => grid.current);
  const folder = useRef(path);
  useLayoutEffect(() => {
    if (listing.phase !== 'shown' || folder.current === path) return;
    folder.current = path;
    // The list went away while the folder was loading, and the focus with it.
    if (document.activeElement === document.body) grid.current?.focus();
  }, [path, listing.phase]);
  useEffect(() => () => void (files.creating.value = null), [files]);
  const actions = gridActions(context, path, state, setRenaming, setMenuAt);
  const upload = (): void => picker.current?.click();
  const group = 'Files';
  useCommands(
    () => [
      {
        id: 'new-file',
        title: 'New file',
        group,
        icon: 'file',
        keys: 'alt+n',
        run: () => (files.creating.value = 'file'),
      },
      {
        id: 'new-folder',
        title: 'New folder',
        group,
        icon: 'folder',
        keys: 'alt+shift+n',
        run: () => (files.creating.value = 'folder'),
      },
      { id: 'upload', title: 'Upload files', group, icon: 'upload', run: upload },
      {
        id: 'hidden-files',
        title: hidden ? 'Hide hidden files' : 'Show hidden files',
        group,
        icon: 'eye',
        run: () => setHidden(!hidden),
      },
      {
        id: 'terminal-here',
        title: 'Terminal in this folder',
        group,
        icon: 'terminal',
        run: () => openTerminalIn(context, path),
      },
    ],
    [hidden, path, context],
  );
  const onCreated = (name: string | null): void => {
    const kind = files.creating.value;
    files.creating.value = null;
    refocus();
    if (name && kind) void create(context, path, name, kind);
  };
  const onRenamed = (from: string, to: string | null): void => {
    setRenaming(null);
    refocus();
    if (to && to !== from) void rename(context, path, from, to);
  };
  const closePreview = (): void => {
    go({ kind: 'files', path });
    refocus();
  };
  const previewed = entries.find((entry) => entry.name === preview);
  const hiddenCount = listing.entries.length - entries.length;
  return (
    <DropArea context={context} path={path} class={preview ? 'files files-with-preview' : 'files'}>
      <div class="files-main">
        <div class="files-head">
          <Crumbs id={id} path={path} />
          <FileTools
            count={chosen.length}
            onNew={(kind) => (files.creating.value = kind)}
            onUpload={upload}
            onDownload={() => download(id, path, chosen)}
            onRename={() => actions.rename(chosen[0])}
            onDelete={actions.remove}
            onClear={() => setSelection(none(selection))}
            onAll={() => setSelection(all(selection, entries.length))}
            hidden={hidden}
            onHidden={() => setHidden(!hidden)}
          />
        </div>
        <FilePicker picker={picker} context={context} path={path} />
        {listing.phase === 'loading' && <Skeleton rows={8} label="Loading the folder" />}
        {listing.phase === 'failed' && <FolderRefused context={context} path={path} problem={listing.problem} />}
        {listing.phase === 'shown' && (
          <FileGrid
            gridRef={grid}
            {...{
              id,
              path,
              entries,
              names,
              selection,
              sort,
              actions,
              renaming,
              onRenamed,
              creating,
              onCreated,
              hiddenCount,
            }}
          />
        )}
        {listing.truncated && (
          <p class="files-cut" role="status">
            This folder has more than the {plural(listing.entries.length, 'entry', 'entries')} shown here. A terminal
            lists them all.
          </p>
        )}
        <UploadList files={files} />
        <Live text={selection.chosen.size > 1 ? `${selection.chosen.size} selected` : ''} />
      </div>
      {preview && (
        <Preview
          context={context}
          folder={path}
          name={preview}
          entry={previewed}
          onClose={closePreview}
          onDownload={() => previewed && download(id, path, [previewed])}
        />
      )}
      {menuAt && chosen.length > 0 && (
        <ContextMenu
          at={menuAt}
          items={selectionMenu(context, path, chosen, actions)}
          label={chosen.length === 1 ? chosen[0]!.name : `${chosen.length} entries`}
          onClose={() => setMenuAt(null)}
        />
      )}
    </DropArea>
  );
}

function FilePicker({
  picker,
  context,
  path,
}: {
  picker: { current: HTMLInputElement | null };
  context: ProjectContext;
  path: string;
}) {
  return (
    <input
      ref={picker}
      type="file"
      multiple
      hidden
      aria-label="Files to upload"
      onChange={(event) => {
        const list = [...(event.currentTarget.files ?? [])].map((file) => ({ path: file.name, file }));
        void context.files.upload(path, list);
        event.currentTarget.value = '';
      }}
    />
  );
}
