/** The bar of a project: title to edit in place, state, who is here, start and stop. */
import { useLayoutEffect, useRef, useState } from 'preact/hooks';
import { href } from '../lib/router';
import {
  cancelStart,
  deleteProject,
  restartProject,
  startProject,
  stopProject,
  undeleteProject,
  updateProject,
} from '../state/actions';
import { othersOf } from '../state/people';
import { stateOf } from '../state/projects';
import { Avatars, StateChip } from '../ui/basics';
import { focusUnlessTaken, useCell } from '../ui/hooks';
import { Icon } from '../ui/icons';
import { MenuButton, type MenuEntry } from '../ui/menu';
import type { ProjectContext } from './project-context';

function Title({ context: { row } }: { context: ProjectContext }) {
  const [editing, setEditing] = useState(false);
  const [typed, setTyped] = useState('');
  const input = useRef<HTMLInputElement>(null);
  const button = useRef<HTMLButtonElement>(null);
  useLayoutEffect(() => {
    if (editing) input.current?.select();
  }, [editing]);
  const ended = useRef(false); // the field that goes away is left once more, by the browser
  const end = (save: boolean): void => {
    if (ended.current) return;
    ended.current = true;
    setEditing(false);
    if (save && typed.trim() && typed.trim() !== row.title) void updateProject(row, { title: typed.trim() });
    focusUnlessTaken(() => button.current);
  };
  if (editing)
    return (
      <input
        ref={input}
        class="title-input"
        aria-label="Title of the project"
        value={typed}
        maxLength={200}
        onInput={(event) => setTyped(event.currentTarget.value)}
        onBlur={() => end(true)}
        onKeyDown={(event) => {
          if (event.key === 'Enter' && !event.isComposing) end(true);
          else if (event.key === 'Escape') end(false);
          event.stopPropagation();
        }}
      />
    );
  return (
    <h1 class="project-title">
      <button
        ref={button}
        type="button"
        class="title-button"
        title="Rename"
        onClick={() => {
          ended.current = false;
          setTyped(row.title);
          setEditing(true);
        }}
      >
        {row.title || 'Untitled project'}
        <span class="visually-hidden">, rename</span>
      </button>
    </h1>
  );
}

function Power({ context: { row } }: { context: ProjectContext }) {
  const { tone, word } = stateOf(row);
  if (row.deleted)
    return (
      <button type="button" class="button" onClick={() => void undeleteProject(row)}>
        Restore
      </button>
    );
  if (tone === 'running') {
    const items: MenuEntry[] = [
      { label: 'Restart', icon: 'restart', run: () => void restartProject(row) },
      { label: 'Stop', icon: 'stop', run: () => void stopProject(row) },
      'line',
      { label: 'Delete the project', icon: 'trash', danger: true, run: () => void deleteProject(row) },
    ];
    return <MenuButton label="Restart, stop and more" items={items} />;
  }
  if (tone === 'starting')
    return word === 'Stopping' ? null : (
      <button
        type="button"
        class="button button-small"
        onClick={() => void (word === 'Restarting' ? stopProject(row) : cancelStart(row))}
      >
        Cancel
      </button>
    );
  return (
    <button type="button" class="button button-main button-small" onClick={() => void startProject(row)}>
      <Icon name="play" /> {tone === 'failed' ? 'Try again' : 'Start'}
    </button>
  );
}

/** `quiet`: the view below has the main action. */
export function ProjectBar({ context, quiet }: { context: ProjectContext; quiet: boolean }) {
  const { row, session, me } = context;
  const presence = useCell(session.presence);
  const others = othersOf(presence, me);
  return (
    <header class="project-bar" data-region>
      <a
        class="icon-button project-back"
        href={href({ view: 'projects' })}
        aria-label="All projects"
        title="All projects"
      >
        <Icon name="back" />
      </a>
      <Title context={context} />
      <StateChip state={row.deleted ? { tone: 'stopped', word: 'Deleted' } : stateOf(row)} />
      <span class="spacer" />
      {others.length > 0 && <Avatars people={others} label="Here now" />}
      <button type="button" class="button button-small project-share" onClick={() => context.go({ kind: 'people' })}>
        <Icon name="people" /> Share
      </button>
      {!quiet && <Power context={context} />}
    </header>
  );
}
