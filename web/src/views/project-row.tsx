/** A project in the list: what it is, how it is, who shares it, and the buttons for it. */
import { ago, moment } from '../lib/format';
import { paneHref } from '../lib/router';
import type { ProjectRow } from '../net/protocol';
import { deleteProject, restartProject, startProject, stopProject, undeleteProject } from '../state/actions';
import { groupOf, isBusy, lastUsed, stateOf } from '../state/projects';
import { Avatars, StateChip } from '../ui/basics';
import { Icon } from '../ui/icons';
import { MenuButton, type MenuEntry } from '../ui/menu';

function rowMenu(row: ProjectRow): MenuEntry[] {
  const to = (kind: 'people' | 'settings' | 'log'): string => paneHref(row.project_id, { kind });
  const running = row.state?.state === 'running';
  if (row.deleted) return [{ label: 'Restore', icon: 'restart', run: () => void undeleteProject(row) }];
  return [
    { label: 'Open', icon: 'right', href: paneHref(row.project_id, { kind: 'files', path: '' }) },
    running
      ? { label: 'Restart', icon: 'restart', run: () => void restartProject(row) }
      : { label: 'Start', icon: 'play', disabled: isBusy(row), run: () => void startProject(row) },
    'line',
    { label: 'People', icon: 'people', href: to('people') },
    { label: 'Log', icon: 'log', href: to('log') },
    { label: 'Settings', icon: 'settings', href: to('settings') },
    'line',
    { label: 'Delete', icon: 'trash', danger: true, run: () => void deleteProject(row) },
  ];
}

function PowerButton({ row }: { row: ProjectRow }) {
  const { tone, word } = stateOf(row);
  if (tone === 'running' || (tone === 'starting' && word !== 'Stopping'))
    return (
      <button
        type="button"
        class="button button-small"
        onClick={() => void stopProject(row)}
        aria-label={`Stop ${row.title}`}
      >
        <Icon name="stop" /> Stop
      </button>
    );
  return (
    <button
      type="button"
      class="button button-small"
      disabled={tone === 'starting'}
      onClick={() => void startProject(row)}
      aria-label={`Start ${row.title}`}
    >
      <Icon name="play" /> {tone === 'failed' ? 'Try again' : 'Start'}
    </button>
  );
}

interface RowProps {
  row: ProjectRow;
  index: number;
  count: number;
  now: number;
  me: string;
}

export function ProjectRowView({ row, index, count, now, me }: RowProps) {
  const state = stateOf(row);
  const used = lastUsed(row);
  const people = (row.collaborators ?? []).filter((person) => person.account_id !== me);
  const subtitle = state.tone === 'failed' && state.reason ? state.reason : row.description;
  return (
    <li
      class={row.deleted ? 'project-row project-row-deleted' : 'project-row'}
      aria-posinset={index + 1}
      aria-setsize={count}
    >
      <div class="project-name">
        <a href={paneHref(row.project_id, { kind: 'files', path: '' })}>{row.title || 'Untitled project'}</a>
        {subtitle && (
          <p class={state.tone === 'failed' ? 'project-note project-note-bad' : 'project-note'}>{subtitle}</p>
        )}
      </div>
      <div>{row.deleted ? <span class="state state-stopped">Deleted</span> : <StateChip state={state} />}</div>
      <div class="project-people">
        {people.length > 0 ? (
          <Avatars people={people} label="Shared with" />
        ) : (
          <span class="quiet">{groupOf(row, me) === 'owner' ? 'Only you' : ''}</span>
        )}
      </div>
      <div class="project-time">
        {used > 0 && (
          <time dateTime={new Date(used).toISOString()} title={moment(used)}>
            {ago(used, now)}
          </time>
        )}
      </div>
      <div class="project-actions">
        {row.deleted ? (
          <button
            type="button"
            class="button button-small"
            onClick={() => void undeleteProject(row)}
            aria-label={`Restore ${row.title}`}
          >
            Restore
          </button>
        ) : (
          <PowerButton row={row} />
        )}
        <MenuButton label={`More for ${row.title}`} items={rowMenu(row)} />
      </div>
    </li>
  );
}
