/** The list of projects: live, searched while typing, started and stopped from the row; a new one is a name and Enter. */
import { useMemo, useRef, useState } from 'preact/hooks';
import { plural } from '../lib/format';
import { navigate, paneHref } from '../lib/router';
import { projects, retryProjects, session, type ProjectList } from '../state/app';
import { searchProjects } from '../state/projects';
import { Empty, Live, Skeleton } from '../ui/basics';
import { useCommands } from '../ui/commands';
import { phoneQuery, useCell, useMedia, useNow, useTitle } from '../ui/hooks';
import { Icon } from '../ui/icons';
import { VirtualRows } from '../ui/virtual';
import { NewProject } from './new-project';
import { ProjectRowView } from './project-row';

const rowHeight = { desktop: 57, phone: 105 };

interface NothingProps {
  list: ProjectList;
  deleted: number;
  creating: boolean;
  create(): void;
  showDeleted(): void;
}

/** What stands where no project can be listed: loading, failed, or none yet. */
function Nothing({ list, deleted, creating, create, showDeleted }: NothingProps) {
  if (list.phase === 'loading') return <Skeleton rows={6} label="Loading your projects" />;
  if (list.phase === 'failed') {
    const again = (
      <button type="button" class="button" onClick={retryProjects}>
        Try again
      </button>
    );
    return (
      <Empty icon="fail" tone="bad" title="Your projects could not be loaded" actions={again}>
        <p>{list.problem}</p>
      </Empty>
    );
  }
  if (creating) return null;
  const start = (
    <button type="button" class="button button-main" onClick={create}>
      <Icon name="plus" /> New project
    </button>
  );
  return (
    <Empty icon="projects" title="Start with a project" actions={start}>
      <p>
        A project is a Linux environment of its own: files, terminals and editors that you can share with others. Give
        it a name and it starts.
      </p>
      {deleted > 0 && (
        <p>
          <button type="button" class="link-button" onClick={showDeleted}>
            Show {plural(deleted, 'deleted project')}
          </button>
        </p>
      )}
    </Empty>
  );
}

interface ToolsProps {
  typed: string;
  setTyped(typed: string): void;
  field: { current: HTMLInputElement | null };
  first: string | undefined;
  count: string;
  deleted: number;
  withDeleted: boolean;
  setWithDeleted(on: boolean): void;
}

function Tools({ typed, setTyped, field, first, count, deleted, withDeleted, setWithDeleted }: ToolsProps) {
  return (
    <div class="list-tools">
      <div class="search-box">
        <Icon name="search" />
        <input
          ref={field}
          type="search"
          aria-label="Search projects"
          placeholder="Search by title, person or state"
          value={typed}
          onInput={(event) => setTyped(event.currentTarget.value)}
          onKeyDown={(event) =>
            event.key === 'Enter' && first && navigate(paneHref(first, { kind: 'files', path: '' }))
          }
        />
      </div>
      <span class="quiet list-count" aria-hidden="true">
        {count}
      </span>
      {deleted > 0 && (
        <label class="check list-deleted">
          <input
            type="checkbox"
            checked={withDeleted}
            onChange={(event) => setWithDeleted(event.currentTarget.checked)}
          />
          Show deleted
        </label>
      )}
    </div>
  );
}

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
  const field = useRef<HTMLInputElement>(null);
  const existing = useMemo(() => list.sorted.filter((row) => withDeleted || !row.deleted), [list.sorted, withDeleted]);
  const deleted = useMemo(() => list.sorted.filter((row) => row.deleted).length, [list.sorted]);
  const found = useMemo(() => searchProjects(existing, typed), [existing, typed]);
  const create = (): void => setCreating(true);
  const group = 'Projects';
  useCommands(
    () => [
      { id: 'new-project', title: 'New project', group, icon: 'plus', keys: 'c', run: create },
      {
        id: 'search-projects',
        title: 'Search in the projects',
        group,
        icon: 'search',
        keys: '/',
        run: () => field.current?.focus(),
      },
    ],
    [],
  );
  const some = list.phase !== 'loading' && list.phase !== 'failed' && existing.length > 0;
  const count = typed ? `${found.length} of ${existing.length}` : plural(existing.length, 'project');
  return (
    <main id="main" class="page" tabIndex={-1} data-region ref={scroller}>
      <div class="page-column">
        <header class="page-head">
          <h1>Projects</h1>
          <button type="button" class="button button-main" onClick={create}>
            <Icon name="plus" /> New project
          </button>
        </header>
        {creating && <NewProject onDone={() => setCreating(false)} />}
        {some ? (
          <Tools
            first={found[0]?.project_id}
            {...{ typed, setTyped, field, count, deleted, withDeleted, setWithDeleted }}
          />
        ) : (
          <Nothing showDeleted={() => setWithDeleted(true)} {...{ list, deleted, creating, create }} />
        )}
        <Live text={typed ? `${found.length} of ${existing.length} projects` : ''} />
        {some && found.length === 0 && (
          <Empty
            icon="search"
            title={`No project matches “${typed}”`}
            actions={
              <button type="button" class="button" onClick={() => setTyped('')}>
                Clear the search
              </button>
            }
          />
        )}
        {some && found.length > 0 && (
          <ul class={list.phase === 'stale' ? 'project-list stale' : 'project-list'} aria-label="Projects">
            <VirtualRows
              scroller={scroller}
              count={found.length}
              rowHeight={phone ? rowHeight.phone : rowHeight.desktop}
            >
              {(index) => (
                <ProjectRowView
                  key={found[index]!.project_id}
                  row={found[index]!}
                  count={found.length}
                  {...{ index, now, me }}
                />
              )}
            </VirtualRows>
          </ul>
        )}
      </div>
    </main>
  );
}
