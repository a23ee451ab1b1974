/** The list itself: one stop for Tab, arrows walk, Shift extends, Ctrl-Space picks, letters jump. */
import type { Ref, RefObject } from 'preact';
import { useRef } from 'preact/hooks';
import { ago, bytes, moment } from '../lib/format';
import { kindOf, type FileKind, type SortKey } from '../lib/paths';
import { paneHref } from '../lib/router';
import { all, findByTyping, move, none, press, type Selection, type Step } from '../lib/selection';
import type { Entry } from '../net/protocol';
import { useNow } from '../ui/hooks';
import { Icon, type IconName } from '../ui/icons';
import { useKeepInView, VirtualRows } from '../ui/virtual';
import { paneOf } from './file-state';
import { NameField } from './name-field';

export interface GridActions {
  open(entry: Entry): void;
  select(selection: Selection): void;
  remove(): void;
  /** Of the active entry, when none is given. */
  rename(entry?: Entry): void;
  up(): void;
  peek(entry: Entry): void;
  menu(at: { x: number; y: number }, index: number): void;
  sort(key: SortKey): void;
}

interface Props {
  gridRef: RefObject<HTMLDivElement | null>;
  id: string;
  path: string;
  entries: readonly Entry[];
  names: readonly string[];
  selection: Selection;
  sort: { key: SortKey; ascending: boolean };
  actions: GridActions;
  renaming: string | null;
  onRenamed(from: string, to: string | null): void;
  creating: 'file' | 'folder' | null;
  onCreated(name: string | null): void;
  hiddenCount: number;
}

const kindIcons: Record<FileKind, IconName> = {
  folder: 'folder',
  text: 'text',
  image: 'image',
  pdf: 'file',
  audio: 'file',
  video: 'file',
  archive: 'archive',
  other: 'file',
};
const fileRowHeight = 36;

const steps: Record<string, Step> = {
  ArrowUp: 'up',
  ArrowDown: 'down',
  PageUp: 'page-up',
  PageDown: 'page-down',
  Home: 'home',
  End: 'end',
};

/** Handles a key of the list; true when it was one. */
function gridKey(
  event: KeyboardEvent,
  { entries, names, selection, actions }: Props,
  typed: { text: string; at: number },
  page: number,
): boolean {
  const mod = event.ctrlKey || event.metaKey;
  const active = entries[selection.active];
  const step = steps[event.key];
  if (mod || (event.key.length > 1 && event.key !== 'Shift')) typed.text = ''; // whoever does something else begins a new word
  if (step && !event.altKey)
    actions.select(
      move(selection, step, entries.length, page, { shift: event.shiftKey, toggle: mod && !event.shiftKey }),
    );
  else if (event.key === 'ArrowUp' && event.altKey) actions.up();
  else if (event.key === 'Backspace' && !mod) actions.up();
  else if (event.key === ' ' && typed.text === '' && active) {
    if (mod) actions.select(press(selection, selection.active, { toggle: true }));
    else if (event.shiftKey) actions.select(press(selection, selection.active, { shift: true }));
    else actions.peek(active);
  } else if (event.key.toLowerCase() === 'a' && mod) actions.select(all(selection, entries.length));
  else if (event.key === 'Escape' && selection.chosen.size > 0) actions.select(none(selection));
  else if (event.key === 'Enter' && active) actions.open(active);
  else if (event.key === 'Delete') actions.remove();
  else if (event.key === 'F2') actions.rename();
  else if ((event.key === 'ContextMenu' || (event.key === 'F10' && event.shiftKey)) && active) {
    const box = document.getElementById(`file-${selection.active}`)?.getBoundingClientRect();
    if (box) actions.menu({ x: box.left + 40, y: box.bottom }, selection.active);
  } else if (event.key.length === 1 && !mod && !event.altKey && event.key !== '?') {
    const now = Date.now();
    typed.text = now - typed.at < 800 ? typed.text + event.key : event.key;
    typed.at = now;
    const found = findByTyping(names, typed.text, selection.active + (typed.text.length === 1 ? 1 : 0));
    if (found >= 0) actions.select(press(selection, found));
  } else return false;
  return true;
}

function SortHead({
  label,
  name,
  sort,
  actions,
  class: extra,
}: {
  label: string;
  name: SortKey;
  sort: Props['sort'];
  actions: GridActions;
  class: string;
}) {
  const on = sort.key === name;
  return (
    <div role="columnheader" aria-sort={on ? (sort.ascending ? 'ascending' : 'descending') : 'none'} class={extra}>
      <button type="button" class="sort-button" onClick={() => actions.sort(name)}>
        {label}
        {on && <Icon name={sort.ascending ? 'up' : 'down'} />}
      </button>
    </div>
  );
}

function FileRow({ props, index, now }: { props: Props; index: number; now: number }) {
  const { id, path, entries, names, selection, actions, renaming, onRenamed } = props;
  const entry = entries[index]!;
  const kind = kindOf(entry);
  const chosen = selection.chosen.has(index);
  return (
    <div
      id={`file-${index}`}
      role="row"
      aria-rowindex={index + 2}
      aria-selected={chosen}
      class={`file-row ${chosen ? 'chosen' : ''} ${selection.active === index ? 'active' : ''}`}
      onClick={(event) => {
        // A plain click on the name goes on to the router, which opens the file without loading the page anew.
        if (!event.defaultPrevented && (event.target as Element).closest('a')) return;
        actions.select(press(selection, index, { shift: event.shiftKey, toggle: event.ctrlKey || event.metaKey }));
      }}
      onDblClick={() => actions.open(entry)}
      onContextMenu={(event) => {
        event.preventDefault();
        actions.menu({ x: event.clientX, y: event.clientY }, index);
      }}
    >
      <div role="gridcell" class="file-name">
        <span class={`file-icon file-${kind}`}>
          <Icon name={kindIcons[kind]} />
        </span>
        {renaming === entry.name ? (
          <NameField
            initial={entry.name}
            label={`New name of ${entry.name}`}
            taken={new Set(names.filter((name) => name !== entry.name))}
            onEnd={(to) => onRenamed(entry.name, to)}
          />
        ) : (
          <a
            href={paneHref(id, paneOf(path, entry))}
            tabIndex={-1}
            draggable={false}
            onClick={(event) => {
              if (event.shiftKey || event.ctrlKey || event.metaKey) event.preventDefault(); // extends the selection instead
            }}
          >
            {entry.name}
            {entry.type === 'link' && <span class="quiet"> (link)</span>}
          </a>
        )}
      </div>
      <div role="gridcell" class="file-size">
        {kind === 'folder' ? '' : bytes(entry.size)}
      </div>
      <div role="gridcell" class="file-time" title={moment(entry.mtime)}>
        {ago(entry.mtime, now)}
      </div>
      <div role="gridcell" class="file-more">
        <button
          type="button"
          class="icon-button"
          tabIndex={-1}
          aria-label={`Actions for ${entry.name}`}
          onClick={(event) => {
            event.stopPropagation();
            const box = event.currentTarget.getBoundingClientRect();
            actions.menu({ x: box.right, y: box.bottom }, index);
          }}
        >
          <Icon name="more" />
        </button>
      </div>
    </div>
  );
}

export function FileGrid(props: Props) {
  const { gridRef, path, entries, selection, sort, actions, creating, onCreated, names, hiddenCount } = props;
  const typed = useRef({ text: '', at: 0 });
  const now = useNow(30_000);
  useKeepInView(gridRef, selection.active, fileRowHeight, fileRowHeight);
  const page = (): number => Math.max(1, Math.floor((gridRef.current?.clientHeight ?? 400) / fileRowHeight) - 2);
  return (
    <div
      ref={gridRef as Ref<HTMLDivElement>}
      class="file-grid"
      role="grid"
      aria-label={path ? `Files in ${path}` : 'Files in the home folder'}
      aria-multiselectable="true"
      aria-rowcount={entries.length + 1}
      aria-activedescendant={selection.active >= 0 ? `file-${selection.active}` : undefined}
      tabIndex={0}
      data-focus-first
      onFocus={() => {
        if (selection.active < 0 && entries.length > 0) actions.select({ active: 0, anchor: 0, chosen: new Set() });
      }}
      onKeyDown={(event) => {
        if (event.target !== event.currentTarget) return;
        if (gridKey(event, props, typed.current, page())) event.preventDefault();
      }}
    >
      <div role="row" class="file-head" aria-rowindex={1}>
        <SortHead label="Name" name="name" sort={sort} actions={actions} class="file-name" />
        <SortHead label="Size" name="size" sort={sort} actions={actions} class="file-size" />
        <SortHead label="Changed" name="mtime" sort={sort} actions={actions} class="file-time" />
        <div role="columnheader" class="file-more">
          <span class="visually-hidden">Actions</span>
        </div>
      </div>
      {creating && (
        <div role="row" class="file-row">
          <div role="gridcell" class="file-name">
            <span class={`file-icon file-${creating === 'folder' ? 'folder' : 'text'}`}>
              <Icon name={creating === 'folder' ? 'folder' : 'text'} />
            </span>
            <NameField initial="" label={`Name of the new ${creating}`} taken={new Set(names)} onEnd={onCreated} />
          </div>
        </div>
      )}
      <VirtualRows scroller={gridRef} count={entries.length} rowHeight={fileRowHeight}>
        {(index) => <FileRow key={entries[index]!.name} props={props} index={index} now={now} />}
      </VirtualRows>
      {entries.length === 0 && !creating && (
        <div role="row" class="file-empty">
          <div role="gridcell">
            <h2>This folder is empty</h2>
            <p>
              Drop files here, or create one.
              {hiddenCount > 0
                ? ` ${hiddenCount} hidden ${hiddenCount === 1 ? 'entry is' : 'entries are'} not shown.`
                : ''}
            </p>
          </div>
        </div>
      )}
    </div>
  );
}
