/** Breadcrumbs and the buttons above the list; what acts on a selection appears with it. */
import { paneHref } from '../lib/router';
import { Icon } from '../ui/icons';
import { MenuButton } from '../ui/menu';

export function Crumbs({ id, path }: { id: string; path: string }) {
  const parts = path ? path.split('/') : [];
  return (
    <nav class="crumbs" aria-label="Folder">
      <ol>
        <li>
          <a href={paneHref(id, { kind: 'files', path: '' })} aria-current={path ? undefined : 'page'}>
            Home
          </a>
        </li>
        {parts.map((name, index) => {
          const target = parts.slice(0, index + 1).join('/');
          return (
            <li key={target}>
              <Icon name="right" />
              <a
                href={paneHref(id, { kind: 'files', path: target })}
                aria-current={index === parts.length - 1 ? 'page' : undefined}
              >
                {name}
              </a>
            </li>
          );
        })}
      </ol>
    </nav>
  );
}

export interface ToolsProps {
  count: number;
  onNew(kind: 'file' | 'folder'): void;
  onUpload(): void;
  onDownload(): void;
  onRename(): void;
  onDelete(): void;
  onClear(): void;
  onAll(): void;
  hidden: boolean;
  onHidden(): void;
}

export function FileTools({
  count,
  onNew,
  onUpload,
  onDownload,
  onRename,
  onDelete,
  onClear,
  onAll,
  hidden,
  onHidden,
}: ToolsProps) {
  if (count > 1)
    return (
      <div class="file-tools" role="toolbar" aria-label="Selected files">
        <span class="file-count">{count} selected</span>
        <button type="button" class="button button-small" onClick={onDownload}>
          <Icon name="download" /> Download
        </button>
        <button type="button" class="button button-small" onClick={onDelete}>
          <Icon name="trash" /> Delete
        </button>
        <button
          type="button"
          class="icon-button"
          aria-label="Clear the selection"
          title="Clear the selection"
          onClick={onClear}
        >
          <Icon name="close" />
        </button>
      </div>
    );
  return (
    <div class="file-tools" role="toolbar" aria-label="Files">
      <MenuButton
        label="New"
        class="button button-small"
        items={[
          { label: 'File', icon: 'file', keys: 'Alt N', run: () => onNew('file') },
          { label: 'Folder', icon: 'folder', run: () => onNew('folder') },
        ]}
      >
        <Icon name="plus" /> New
      </MenuButton>
      <button type="button" class="button button-small" onClick={onUpload}>
        <Icon name="upload" /> Upload
      </button>
      <MenuButton
        label="More for files"
        items={[
          { label: 'Select all', icon: 'check', run: onAll },
          { label: 'Rename', icon: 'rename', disabled: count !== 1, run: onRename },
          { label: 'Download', icon: 'download', disabled: count === 0, run: onDownload },
          { label: 'Delete', icon: 'trash', danger: true, disabled: count === 0, run: onDelete },
          'line',
          { label: hidden ? 'Hide hidden files' : 'Show hidden files', icon: 'eye', run: onHidden },
        ]}
      />
    </div>
  );
}
