/** A terminal tab: the terminal, who else looks, search, and on phones a row of keys. */
import { useLayoutEffect, useRef, useState } from 'preact/hooks';
import { othersOf } from '../state/people';
import { screenReader } from '../state/screen-reader';
import { themeChanges } from '../state/theme';
import { TerminalView, type TerminalState } from '../terminal/create';
import { rowKeys } from '../terminal/keys';
import { Avatars, Live } from '../ui/basics';
import { copy } from '../ui/clipboard';
import { useCopied } from '../ui/copied';
import { chord, useCommands } from '../ui/commands';
import { useCell, useMedia } from '../ui/hooks';
import { Icon } from '../ui/icons';
import { MenuButton } from '../ui/menu';
import { toast } from '../ui/toasts';
import { sentence } from '../net/protocol';
import type { ProjectContext } from './project-context';
import '../styles/terminal.css';

const taken = new Set(['f', 'c', 'v', 'k'].map((key) => `mod+shift+${key}`)).add('mod+f6');

/** Keys that stay with the application while a terminal has the focus; all others belong to the shell. */
function takes(event: KeyboardEvent): boolean {
  if (event.type !== 'keydown') return false;
  const pressed = chord(event);
  return taken.has(pressed) || (event.metaKey && pressed === 'mod+k') || /^alt\+[1-9tw.,\\]$/.test(pressed);
}

function words(state: TerminalState): string {
  switch (state.phase) {
    case 'opening':
      return 'Opening…';
    case 'lost':
      return 'Connection lost: the terminal goes on and comes back with its output';
    case 'ended':
      return state.exitCode ? `Ended with code ${state.exitCode}` : 'Ended';
    case 'failed':
      return state.problem ?? 'Could not be opened';
    case 'open':
      return '';
  }
}

function KeyRow({ view, ctrl }: { view: TerminalView; ctrl: boolean }) {
  // Pressing must not take the focus from the terminal: that would close the phone's keyboard.
  const stay = (event: Event): void => event.preventDefault();
  return (
    <div class="key-row" role="toolbar" aria-label="Keys" onPointerDown={stay} onMouseDown={stay}>
      <button type="button" aria-pressed={ctrl} onClick={() => view.setCtrl(!ctrl)}>
        Ctrl
      </button>
      {rowKeys.map(({ label, name, data }) => (
        <button
          type="button"
          key={label}
          aria-label={name}
          onClick={() => view.input(data(view.terminal.modes.applicationCursorKeysMode))}
        >
          {label}
        </button>
      ))}
    </div>
  );
}

function SearchBar({ view, onClose }: { view: TerminalView; onClose(): void }) {
  const [typed, setTyped] = useState('');
  const [found, setFound] = useState(true);
  const input = useRef<HTMLInputElement>(null);
  useLayoutEffect(() => input.current?.focus(), []);
  const end = (): void => {
    view.endFind();
    onClose();
    view.focus();
  };
  return (
    <div class="terminal-search" role="search">
      <input
        ref={input}
        type="text"
        aria-label="Find in the terminal"
        placeholder="Find"
        value={typed}
        onInput={(event) => {
          setTyped(event.currentTarget.value);
          setFound(!event.currentTarget.value || view.find(event.currentTarget.value));
        }}
        onKeyDown={(event) => {
          if (event.key === 'Enter') setFound(event.shiftKey ? view.find(typed, true) : view.findNext(typed));
          else if (event.key === 'Escape') end();
        }}
      />
      <span class="quiet" role="status">
        {found ? '' : 'Not found'}
      </span>
      <button
        type="button"
        class="icon-button"
        aria-label="Previous match"
        onClick={() => setFound(view.find(typed, true))}
      >
        <Icon name="up" />
      </button>
      <button type="button" class="icon-button" aria-label="Next match" onClick={() => setFound(view.findNext(typed))}>
        <Icon name="down" />
      </button>
      <button type="button" class="icon-button" aria-label="Close the search" onClick={end}>
        <Icon name="close" />
      </button>
    </div>
  );
}

export function TerminalPane({ context, name, shown }: { context: ProjectContext; name: string; shown: boolean }) {
  const host = useRef<HTMLDivElement>(null);
  const [view, setView] = useState<TerminalView | null>(null);
  const [copied, noteCopy] = useCopied();
  const { session } = context;
  useLayoutEffect(() => {
    const folder = session.folders.get(name);
    const made = new TerminalView(host.current!, {
      api: session.api,
      name,
      label: `Terminal ${name}`,
      screenReader: screenReader.value,
      onCopy: noteCopy,
      onRefused: (text) => toast({ text, tone: 'bad' }),
      session: () => session.sessionId,
      takes,
      ...(folder ? { folder } : {}),
    });
    setView(made);
    const untitle = made.state.subscribe(({ title }) => {
      if (title && session.titles.value[name] !== title)
        session.titles.update((titles) => ({ ...titles, [name]: title }));
    });
    const reread = screenReader.subscribe((on) => made.setScreenReader(on));
    const retheme = themeChanges.subscribe(() => requestAnimationFrame(() => made.retheme()));
    return () => {
      untitle();
      reread();
      retheme();
      made.dispose();
    };
  }, [session, name]);
  useLayoutEffect(() => {
    if (!shown || !view) return;
    view.fit();
    view.focus();
  }, [shown, view]);
  return (
    <div class="terminal">
      <div class="terminal-host" ref={host} data-typing data-focus-first />
      {view && <Around context={context} view={view} name={name} shown={shown} copied={copied} />}
    </div>
  );
}

function Around({
  context,
  view,
  name,
  shown,
  copied,
}: {
  context: ProjectContext;
  view: TerminalView;
  name: string;
  shown: boolean;
  copied: boolean;
}) {
  const state = useCell(view.state);
  const [searching, setSearching] = useState(false);
  const reader = useCell(screenReader);
  const touch = useMedia('(pointer: coarse)');
  const { session, me } = context;
  const others = othersOf(state.viewers, me);
  const end = async (): Promise<void> => {
    try {
      await session.api.call('terminal.kill', { terminal: name });
      context.closeTab({ kind: 'terminal', name });
    } catch (error) {
      toast({ text: `The terminal was not ended. ${sentence(error)}`, tone: 'bad' });
    }
  };
  const copySelection = (): void => void copy(view.terminal.getSelection());
  const paste = (): void =>
    void (navigator.clipboard ? navigator.clipboard.readText() : Promise.reject()).then(
      (text) => view.terminal.paste(text),
      () =>
        toast({
          text: 'The browser did not allow reading the clipboard. Paste with the keys of your system.',
          tone: 'bad',
        }),
    );
  useCommands(
    () =>
      shown
        ? [
            {
              id: 'terminal-find',
              title: 'Find in the terminal',
              group: 'Terminal',
              icon: 'search',
              keys: 'mod+shift+f',
              run: () => setSearching(true),
            },
            {
              id: 'terminal-copy',
              title: 'Copy what is selected',
              group: 'Terminal',
              icon: 'copy',
              keys: 'mod+shift+c',
              run: copySelection,
            },
            { id: 'terminal-paste', title: 'Paste', group: 'Terminal', keys: 'mod+shift+v', run: paste },
            {
              id: 'terminal-clear',
              title: 'Clear the terminal',
              group: 'Terminal',
              icon: 'sparkle',
              run: () => view.terminal.clear(),
            },
            {
              id: 'terminal-reader',
              title: reader ? 'Stop reading terminals to screen readers' : 'Read terminals to screen readers',
              group: 'Terminal',
              icon: 'eye',
              run: () => (screenReader.value = !reader),
            },
            { id: 'terminal-end', title: 'End the terminal', group: 'Terminal', icon: 'trash', run: () => void end() },
          ]
        : [],
    [shown, view, reader],
  );
  const text = words(state);
  return (
    <>
      {searching && <SearchBar view={view} onClose={() => setSearching(false)} />}
      {touch && <KeyRow view={view} ctrl={state.ctrl} />}
      <div class="terminal-line">
        {text ? (
          <span class={`save-state save-${state.phase === 'failed' ? 'bad' : 'warn'}`}>
            <Icon name={state.phase === 'failed' ? 'fail' : state.phase === 'lost' ? 'offline' : 'clock'} /> {text}
          </span>
        ) : (
          <span class="quiet terminal-title">{state.title || name}</span>
        )}
        {(state.phase === 'ended' || state.phase === 'failed') && (
          <button type="button" class="button button-small" onClick={() => (void view.open(), view.focus())}>
            Start again
          </button>
        )}
        {state.narrowed && <span class="quiet status-wide">Sized for the smallest window that shows it</span>}
        {copied && <span class="quiet">Copied</span>}
        <span class="spacer" />
        <Avatars people={others} label="Also in this terminal" />
        <MenuButton
          label="Terminal actions"
          items={[
            { label: 'Find', icon: 'search', run: () => setSearching(true) },
            { label: 'Paste', icon: 'copy', run: paste },
            { label: 'Clear', icon: 'sparkle', run: () => view.terminal.clear() },
            { label: 'For screen readers', icon: 'eye', checked: reader, run: () => (screenReader.value = !reader) },
            'line',
            { label: 'End the terminal', icon: 'trash', danger: true, run: () => void end() },
          ]}
        />
      </div>
      <Live text={text} />
    </>
  );
}
