/** One field for every action, project and file. Ctrl/Cmd-K. */
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks';
import { Cell } from '../lib/cell';
import { match } from '../lib/match';
import { navigate, paneHref } from '../lib/router';
import { projects } from '../state/app';
import { stateOf } from '../state/projects';
import { allCommands, commandSources } from './commands';
import { useCell } from './hooks';
import { Icon, type IconName } from './icons';
import { Keys } from './keys-dialog';

/** Files of the project that is shown, and how to get more of them. */
interface FileSource {
  projectId: string;
  paths: Cell<readonly string[]>;
  load(): void;
}
export const fileSource = new Cell<FileSource | null>(null);
export const paletteOpen = new Cell(false);
const noPaths = new Cell<readonly string[]>([]);

interface Item {
  id: string;
  title: string;
  group: string;
  icon: IconName;
  keys?: string;
  score: number;
  at: number[];
  run(): void;
}

const shownAtMost = 60;

function find(typed: string, paths: readonly string[], projectId: string | undefined): Item[] {
  const items: Item[] = [];
  const add = (item: Omit<Item, 'score' | 'at'>, text: string, bonus: number): void => {
    const found = match(text, typed);
    if (found) items.push({ ...item, score: found.score + bonus, at: found.at });
  };
  for (const { id, title, group, icon, keys, run, hidden } of allCommands()) {
    if (!hidden) add({ id, title, group, icon: icon ?? 'right', run, ...(keys ? { keys } : {}) }, title, 6);
  }
  for (const row of projects.value.sorted) {
    if (row.deleted) continue;
    const run = (): void => navigate(paneHref(row.project_id, { kind: 'files', path: '' }));
    add(
      { id: row.project_id, title: row.title, group: `Project · ${stateOf(row).word}`, icon: 'projects', run },
      row.title,
      typed ? 4 : -100,
    );
  }
  if (typed && projectId) {
    for (const path of paths)
      add(
        {
          id: `file ${path}`,
          title: path,
          group: 'File',
          icon: 'file',
          run: () => navigate(paneHref(projectId, { kind: 'edit', path })),
        },
        path,
        0,
      );
  }
  return items.sort((a, b) => b.score - a.score).slice(0, shownAtMost);
}

function Marked({ text, at }: { text: string; at: number[] }) {
  const marked = new Set(at);
  const parts: { text: string; hit: boolean }[] = [];
  let index = 0;
  for (const letter of text) {
    const hit = marked.has(index);
    const last = parts[parts.length - 1];
    if (last && last.hit === hit) last.text += letter;
    else parts.push({ text: letter, hit });
    index += letter.length;
  }
  return <>{parts.map((part, index) => (part.hit ? <mark key={index}>{part.text}</mark> : part.text))}</>;
}

export function Palette() {
  const open = useCell(paletteOpen);
  return open ? <PaletteDialog /> : null;
}

function PaletteDialog() {
  const [typed, setTyped] = useState('');
  const [active, setActive] = useState(0);
  const dialog = useRef<HTMLDialogElement>(null);
  const list = useRef<HTMLUListElement>(null);
  const source = useCell(fileSource);
  const paths = useCell(source?.paths ?? noPaths);
  const commands = useCell(commandSources);
  const items = useMemo(() => find(typed, paths, source?.projectId), [typed, paths, commands]);
  const close = (): void => {
    paletteOpen.value = false;
  };
  useLayoutEffect(() => {
    const opened = dialog.current!;
    opened.showModal();
    source?.load();
    return () => opened.close(); // gives the focus back, however it is closed
  }, []);
  useEffect(() => {
    list.current?.children[active]?.scrollIntoView({ block: 'nearest' });
  }, [active, items]);
  const choose = (item: Item | undefined): void => {
    if (!item) return;
    dialog.current!.close();
    close();
    item.run();
  };
  const keys = (event: KeyboardEvent): void => {
    const to = { ArrowDown: active + 1, ArrowUp: active - 1, PageDown: active + 8, PageUp: active - 8 }[event.key];
    if (to !== undefined) {
      event.preventDefault();
      const count = Math.max(1, items.length);
      setActive(Math.abs(to - active) === 1 ? (to + count) % count : Math.max(0, Math.min(count - 1, to)));
    } else if (event.key === 'Enter' && !event.isComposing) {
      event.preventDefault();
      choose(items[active]);
    }
  };
  return (
    <dialog
      ref={dialog}
      class="palette"
      aria-label="Find an action, project or file"
      onClose={close}
      onClick={(event) => event.target === dialog.current && close()}
    >
      <div class="palette-field">
        <Icon name="search" />
        <input
          type="text"
          role="combobox"
          aria-expanded="true"
          aria-controls="palette-list"
          aria-activedescendant={items[active] ? `palette-${active}` : undefined}
          aria-label="Action, project or file"
          placeholder="Type an action, a project or a file"
          autocomplete="off"
          spellcheck={false}
          value={typed}
          onInput={(event) => {
            setTyped(event.currentTarget.value);
            setActive(0);
          }}
          onKeyDown={keys}
        />
        <kbd>Esc</kbd>
      </div>
      <ul id="palette-list" ref={list} role="listbox" aria-label="Found" tabIndex={-1}>
        {items.map((item, index) => (
          <li
            key={item.id}
            id={`palette-${index}`}
            role="option"
            aria-selected={index === active}
            class={index === active ? 'palette-item active' : 'palette-item'}
            onMouseMove={() => index !== active && setActive(index)}
            onClick={() => choose(item)}
          >
            <Icon name={item.icon} />
            <span class="palette-title">
              <Marked text={item.title} at={item.at} />
            </span>
            <span class="palette-group">{item.group}</span>
            {item.keys && (
              <span class="keys">
                <Keys keys={item.keys} />
              </span>
            )}
          </li>
        ))}
      </ul>
      {items.length === 0 && (
        <p class="palette-none" role="status">
          Nothing is called “{typed}”. {source ? 'Only files that were found so far are searched.' : ''}
        </p>
      )}
    </dialog>
  );
}
