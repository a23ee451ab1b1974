/** The list of projects: live, searched while typing, started and stopped from the row; a new one is a name and Enter. */
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { ago, moment, plural } from '../lib/format';
import { navigate, paneHref } from '../lib/router';
import type { ProjectRow } from '../net/protocol';
import { createProject, deleteProject, restartProject, startProject, stopProject, undeleteProject } from '../state/actions';
import { projects, retryProjects, session } from '../state/app';
import { groupOf, isBusy, lastUsed, searchProjects, stateOf } from '../state/projects';
import { Avatars, Empty, Live, Skeleton, StateChip } from '../ui/basics';
import { useCommands } from '../ui/commands';
import { phoneQuery, useCell, useKept, useMedia, useNow, useTitle } from '../ui/hooks';
import { Icon } from '../ui/icons';
import { MenuButton, type MenuEntry } from '../ui/menu';
import { VirtualRows } from '../ui/virtual';

function rowMenu(row: ProjectRow): MenuEntry[] {
  const go = (pane: 'people' | 'settings' | 'log') => () => navigate(paneHref(row.project_id, { kind: pane }));
  const running = row.state?.state === 'running';
  if (row.deleted) return [{ label: 'Restore', icon: 'restart', run: () => void undeleteProject(row) }];
  return [
    { label: 'Open', icon: 'right', href: paneHref(row.project_id, { kind: 'files', path: '' }) },
    running ? { label: 'Restart', icon: 'restart', run: () => void restartProject(row) } : { label: 'Start', icon: 'play', disabled: isBusy(row), run: () => void startProject(row) },
    'line',
    { label: 'People', icon: 'people', run: go('people') },
    { label: 'Log', icon: 'log', run: go('log') },
    { label: 'Settings', icon: 'settings', run: go('settings') },
    'line',
    { label: 'Delete', icon: 'trash', danger: true, run: () => void deleteProject(row) },
  ];
}

function PowerButton({ row }: { row: ProjectRow }) {
  const { tone, word } = stateOf(row);
  if (tone === 'running' || (tone === 'starting' && word !== 'Stopping'))
    return (
      <button type="button" class="button button-small" onClick={() => void stopProject(row)} aria-label={`Stop ${row.title}`}>
        <Icon name="stop" /> Stop
      </button>
    );
  return (
    <button type="button" class="button button-small" disabled={tone === 'starting'} onClick={() => void startProject(row)} aria-label={`Start ${row.title}`}>
      <Icon name="play" /> {tone === 'failed' ? 'Try again' : 'Start'}
    </button>
  );
}

function Row({ row, index, now, me }: { row: ProjectRow; index: number; now: number; me: string }) {
  const state = stateOf(row);
  const used = lastUsed(row);
  const people = (row.collaborators ?? []).filter((person) => person.account_id !== me);
  const subtitle = state.tone === 'failed' && state.reason ? state.reason : row.description;
  return (
    <li class={row.deleted ? 'project-row project-row-deleted' : 'project-row'} aria-posinset={index + 1}>
      <div class="project-name">
        <a href={paneHref(row.project_id, { kind: 'files', path: '' })}>{row.title || 'Untitled project'}</a>
        {subtitle && <p class={state.tone === 'failed' ? 'project-note project-note-bad' : 'project-note'}>{subtitle}</p>}
      </div>
      <div class="project-state">{row.deleted ? <span class="state state-stopped">Deleted</span> : <StateChip state={state} />}</div>
      <div class="project-people">
        {people.length > 0 ? <Avatars people={people} label="Shared with" /> : <span class="quiet">{groupOf(row, me) === 'owner' ? 'Only you' : ''}</span>}
      </div>
      <div class="project-time">{used > 0 && <time dateTime={new Date(used).toISOString()} title={moment(used)}>{ago(used, now)}</time>}</div>
      <div class="project-actions">
        {row.deleted ? (
          <button type="button" class="button button-small" onClick={() => void undeleteProject(row)} aria-label={`Restore ${row.title}`}>
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

function NewProject({ onDone }: { onDone(): void }) {
  const [title, setTitle] = useKept('new-project', '');
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<string | null>(null);
  const input = useRef<HTMLInputElement>(null);
  useEffect(() => input.current?.focus(), []);
  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    if (busy) return;
    if (!title.trim()) {
      setProblem('Type a name for the project.');
      input.current?.focus();
      return;
    }
    setBusy(true);
    setProblem(null);
    const refused = await createProject(title.trim());
    setBusy(false);
    if (refused) {
      setProblem(refused);
      input.current?.focus();
      return;
    }
    setTitle('');
    onDone();
  };
  return (
    <form class="new-project" onSubmit={submit} onKeyDown={(event) => event.key === 'Escape' && onDone()} aria-busy={busy}>
      <label for="new-project-title">Name of the new project</label>
      <div class="new-project-line">
        <input id="new-project-title" ref={input} value={title} maxLength={200} autocomplete="off" placeholder="For example: Thesis, Lab 3, Website" aria-invalid={problem ? true : undefined} aria-describedby={problem ? 'new-project-problem' : undefined} onInput={(event) => setTitle(event.currentTarget.value)} />
        <button type="submit" class="button button-main" disabled={busy}>
          {busy ? 'Creating…' : 'Create and start'}
        </button>
        <button type="button" class="button" onClick={onDone}>
          Cancel
        </button>
      </div>
      {problem && (
        <p class="field-problem" id="new-project-problem" role="alert">
          <Icon name="fail" /> {problem}
        </p>
      )}
    </form>
  );
}

const rowHeight = { desktop: 57, phone: 105 };

export function ProjectsView() {
  useTitle('Projects');
  const list = useCell(projects);
  const signedIn = useCell(session);
  const me = signedIn.phase === 'signed_in' ? signedIn.account.account_id : '';
  const [typed, setTyped] = useState('');
  const [creating, setCreating] = useState(false);
  const [withDeleted, setWithDeleted] = useState(false);
  const now = useNow(30_000);
  const phone = useMedia(phoneQuery);
  const scroller = useRef<HTMLElement>(null);
  const search = useRef<HTMLInputElement>(null);
  const existing = useMemo(() => list.sorted.filter((row) => withDeleted || !row.deleted), [list.sorted, withDeleted]);
  const deleted = useMemo(() => list.sorted.filter((row) => row.deleted).length, [list.sorted]);
  const found = useMemo(() => searchProjects(existing, typed), [existing, typed]);
  useCommands(
    () => [
      { id: 'new-project', title: 'New project', group: 'Projects', icon: 'plus', keys: 'c', run: () => setCreating(true) },
      { id: 'search-projects', title: 'Search in the projects', group: 'Projects', icon: 'search', keys: '/', run: () => search.current?.focus() },
    ],
    [],
  );
  const loaded = list.phase !== 'loading' && list.phase !== 'failed';
  return (
    <main id="main" class="page" tabIndex={-1} data-region ref={scroller}>
      <div class="page-column">
        <header class="page-head">
          <h1>Projects</h1>
          <button type="button" class="button button-main" onClick={() => setCreating(true)}>
            <Icon name="plus" /> New project
          </button>
        </header>
        {creating && <NewProject onDone={() => setCreating(false)} />}
        {loaded && existing.length > 0 && (
          <div class="list-tools">
            <div class="search-box">
              <Icon name="search" />
              <input ref={search} type="search" aria-label="Search projects" placeholder="Search by title, person or state" value={typed} onInput={(event) => setTyped(event.currentTarget.value)} onKeyDown={(event) => event.key === 'Enter' && found[0] && navigate(paneHref(found[0].project_id, { kind: 'files', path: '' }))} />
            </div>
            <span class="quiet list-count" aria-hidden="true">
              {typed ? `${found.length} of ${existing.length}` : plural(existing.length, 'project')}
            </span>
            {deleted > 0 && (
              <label class="check list-deleted">
                <input type="checkbox" checked={withDeleted} onChange={(event) => setWithDeleted(event.currentTarget.checked)} /> Show deleted
              </label>
            )}
          </div>
        )}
        <Live text={typed ? `${found.length} of ${existing.length} projects` : ''} />
        {list.phase === 'loading' && <Skeleton rows={6} label="Loading your projects" />}
        {list.phase === 'failed' && (
          <Empty icon="fail" tone="bad" title="Your projects could not be loaded" actions={<button type="button" class="button" onClick={retryProjects}>Try again</button>}>
            <p>{list.problem}</p>
          </Empty>
        )}
        {loaded && existing.length === 0 && !creating && (
          <Empty icon="projects" title="Start with a project" actions={<button type="button" class="button button-main" onClick={() => setCreating(true)}><Icon name="plus" /> New project</button>}>
            <p>A project is a Linux environment of its own: files, terminals and editors that you can share with others. Give it a name and it starts.</p>
            {deleted > 0 && (
              <p>
                <button type="button" class="link-button" onClick={() => setWithDeleted(true)}>
                  Show {plural(deleted, 'deleted project')}
                </button>
              </p>
            )}
          </Empty>
        )}
        {loaded && existing.length > 0 && found.length === 0 && (
          <Empty icon="search" title={`No project matches “${typed}”`} actions={<button type="button" class="button" onClick={() => setTyped('')}>Clear the search</button>} />
        )}
        {loaded && found.length > 0 && (
          <ul class={list.phase === 'stale' ? 'project-list stale' : 'project-list'} aria-label="Projects">
            <VirtualRows scroller={scroller} count={found.length} rowHeight={phone ? rowHeight.phone : rowHeight.desktop}>
              {(index) => <Row key={found[index]!.project_id} row={found[index]!} index={index} now={now} me={me} />}
            </VirtualRows>
          </ul>
        )}
      </div>
    </main>
  );
}
