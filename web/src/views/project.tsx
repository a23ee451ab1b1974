/** A project: its bar, the timeline of its start, tabs, one or two panes, the status line. */
import { useEffect, useLayoutEffect, useMemo, useState } from 'preact/hooks';
import { navigate, paneHref, paneKey, type Pane } from '../lib/router';
import { hubLink, projects, session } from '../state/app';
import { restartProject, startProject, stopProject } from '../state/actions';
import { noteActivity, openProject } from '../state/project';
import { isRunning, isStarting } from '../state/projects';
import { copy } from '../ui/clipboard';
import { LinkBanner, Skeleton } from '../ui/basics';
import { useCommands } from '../ui/commands';
import { useCell, useTitle } from '../ui/hooks';
import { Nowhere } from '../ui/nowhere';
import { fileSource } from '../ui/palette';
import { toast } from '../ui/toasts';
import { ProjectBar } from './project-bar';
import { ProjectStart } from './project-start';
import { fixedPanes, ProjectTabs, tabTitle } from './project-tabs';
import { PaneView, preloadPanes } from './pane';
import { projectContext, type ProjectContext, type ProjectRoute } from './project-context';
import { StatusLine } from './status-line';
import type { ProjectRow } from '../net/protocol';
import '../styles/project.css';
import '../styles/project-pages.css';
import '../styles/start.css';
import '../styles/editor.css';
import '../styles/files.css';
import '../styles/preview.css';
import '../styles/uploads.css';

/** The person does something: told to the project, so that it is not taken for idle. */
function useActivity(id: string): void {
  useEffect(() => {
    const note = (): void => noteActivity(id, Date.now());
    const kinds = ['keydown', 'pointerdown', 'wheel'] as const;
    for (const kind of kinds) addEventListener(kind, note, { passive: true, capture: true });
    return () => kinds.forEach((kind) => removeEventListener(kind, note, { capture: true }));
  }, [id]);
}

function useProjectCommands(context: ProjectContext, route: ProjectRoute): void {
  const { id, pane, beside } = route;
  useCommands(() => {
    const { row, session: project } = context;
    const go = (to: Pane) => () => context.go(to);
    const step = (by: number) => () => {
      const all: Pane[] = [{ kind: 'files', path: '' }, ...project.tabs.value, ...fixedPanes];
      const at = all.findIndex((one) => paneKey(one) === paneKey(pane));
      context.go(all[(at + by + all.length) % all.length]!);
    };
    const group = 'Project';
    return [
      { id: 'files', title: 'Files', group, icon: 'folder', keys: 'alt+1', run: go({ kind: 'files', path: '' }) },
      {
        id: 'terminal',
        title: 'New terminal',
        group,
        icon: 'terminal',
        keys: 'alt+t',
        run: () => context.go({ kind: 'terminal', name: project.newTerminalName() }),
      },
      { id: 'people', title: 'People', group, icon: 'people', run: go({ kind: 'people' }) },
      { id: 'log', title: 'Log', group, icon: 'log', run: go({ kind: 'log' }) },
      { id: 'settings', title: 'Project settings', group, icon: 'settings', run: go({ kind: 'settings' }) },
      { id: 'next-tab', title: 'Next tab', group, keys: 'alt+.', icon: 'right', run: step(1) },
      { id: 'previous-tab', title: 'Previous tab', group, keys: 'alt+,', icon: 'back', run: step(-1) },
      {
        id: 'close-tab',
        title: 'Close the tab',
        group,
        keys: 'alt+w',
        icon: 'close',
        run: () => (pane.kind === 'edit' || pane.kind === 'terminal') && context.closeTab(pane),
      },
      beside
        ? {
            id: 'split',
            title: 'Close the pane on the right',
            group,
            keys: 'alt+\\',
            icon: 'split',
            run: () => navigate(paneHref(id, pane)),
          }
        : {
            id: 'split',
            title: 'Open a terminal beside this',
            group,
            keys: 'alt+\\',
            icon: 'split',
            run: () =>
              navigate(
                paneHref(
                  id,
                  pane,
                  pane.kind === 'terminal' ? { kind: 'files', path: '' } : { kind: 'terminal', name: 'main' },
                ),
              ),
          },
      {
        id: 'copy-link',
        title: 'Copy the link to this page',
        group,
        icon: 'link',
        run: () => void copy(location.href, () => toast({ text: 'The link is copied.' })),
      },
      isRunning(row)
        ? { id: 'stop', title: 'Stop the project', group, icon: 'stop', run: () => void stopProject(row) }
        : { id: 'start', title: 'Start the project', group, icon: 'play', run: () => void startProject(row) },
      { id: 'restart', title: 'Restart the project', group, icon: 'restart', run: () => void restartProject(row) },
    ];
  }, [context, pane, beside]);
}

export function ProjectView({ route }: { route: ProjectRoute }) {
  const { id } = route;
  const row = useCell(projects, (list) => list.rows.get(id));
  const phase = useCell(projects, (list) => list.phase);
  const signedIn = useCell(session);
  if (!row) {
    if (phase === 'loading' || phase === 'stale' || signedIn.phase !== 'signed_in')
      return (
        <main id="main" class="project" tabIndex={-1}>
          <Skeleton rows={5} label="Loading the project" />
        </main>
      );
    return (
      <Nowhere name="Project not found" icon="projects" title="This project is not among yours">
        It may have been deleted, or you were never added to it. Ask the person who sent you the link to add you under
        “People”.
      </Nowhere>
    );
  }
  return (
    <OpenedProject route={route} row={row} me={signedIn.phase === 'signed_in' ? signedIn.account.account_id : ''} />
  );
}

function OpenedProject({ route, row, me }: { route: ProjectRoute; row: ProjectRow; me: string }) {
  const { id, pane, beside } = route;
  const project = useMemo(() => openProject(id), [id]);
  const startTrace = row.status?.start?.trace;
  const context = useMemo(() => projectContext(row, project, me), [row, project, me]);
  const { files, running } = context;
  // A layout effect: the socket opens before the page is drawn anew.
  useLayoutEffect(() => {
    project.startTrace = startTrace;
    project.follow(running);
  }, [running, startTrace, project]);
  useEffect(() => {
    const timer = setTimeout(preloadPanes, running ? 1500 : 0);
    return () => clearTimeout(timer);
  }, [id]);
  useEffect(() => {
    fileSource.value = { projectId: id, paths: files.paths, load: () => void files.crawl() };
    return () => {
      fileSource.value = null;
    };
  }, [id, files]);
  useEffect(() => {
    for (const one of [pane, beside]) if (one && (one.kind === 'edit' || one.kind === 'terminal')) project.openTab(one);
  }, [pane, beside, project]);
  useActivity(id);
  useProjectCommands(context, route);
  useTitle(`${tabTitle(pane)} · ${row.title}`);
  const hubUp = useCell(hubLink.state, (state) => state.phase === 'open');
  const needsProject = pane.kind === 'files' || pane.kind === 'edit' || pane.kind === 'terminal';
  // A terminal is made, measured and typed into while its project starts: then its prompt is all that is left to draw.
  const shows = !needsProject || running || (pane.kind === 'terminal' && isStarting(row));
  return (
    <main id="main" class="project" tabIndex={-1}>
      <ProjectBar context={context} quiet={needsProject && !running} />
      {running && hubUp && <LinkBanner link={project.link} what="the project" />}
      <ProjectTabs context={context} pane={pane} beside={beside} />
      <ProjectStart context={context} large={!shows} />
      {shows && (
        <div class={beside ? 'panes panes-two' : 'panes'} data-region>
          <Panes context={context} pane={pane} beside={beside} />
        </div>
      )}
      <StatusLine context={context} />
    </main>
  );
}

/** Editors and terminals that were shown stay, hidden, so that coming back is instant and nothing scrolls away. */
function Panes({ context, pane, beside }: { context: ProjectContext; pane: Pane; beside: Pane | undefined }) {
  const tabs = useCell(context.session.tabs);
  const [visited, setVisited] = useState<ReadonlySet<string>>(new Set());
  const keys = [pane, beside].filter((one): one is Pane => one !== undefined).map(paneKey);
  useEffect(() => {
    if (keys.some((key) => !visited.has(key))) setVisited(new Set([...visited, ...keys]));
  }, [keys.join('\n')]);
  // Browsers take the focus from what is hidden only a frame later; until then keys would go on changing a text that nobody sees.
  useLayoutEffect(() => {
    const focused = document.activeElement;
    if (!focused?.closest('.pane[hidden]')) return;
    const inner = focused.shadowRoot?.activeElement ?? focused;
    if (inner instanceof HTMLElement) inner.blur();
  }, [keys.join('\n')]);
  const kept: Pane[] = tabs.filter((tab) => visited.has(paneKey(tab)) || keys.includes(paneKey(tab)));
  const shown = [pane, beside].filter((one): one is Pane => one !== undefined);
  const all = [...kept];
  for (const one of shown) if (!all.some((other) => paneKey(other) === paneKey(one))) all.push(one);
  return (
    <>
      {all.map((one) => {
        const key = paneKey(one);
        const place = keys.indexOf(key);
        const current = place >= 0 ? shown[place]! : one;
        return (
          <section
            key={key}
            class={place === 1 ? 'pane pane-beside' : 'pane'}
            hidden={place < 0}
            aria-label={tabTitle(one)}
          >
            <PaneView context={context} pane={current} shown={place >= 0} />
          </section>
        );
      })}
    </>
  );
}
