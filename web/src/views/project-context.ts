/** What the views of a project share: the project itself, and moves among its panes that keep the address true. */
import { navigate, paneHref, paneKey, route, type Pane, type Route } from '../lib/router';
import type { ProjectRow } from '../net/protocol';
import { filesOf, type ProjectFiles } from '../state/project-files';
import type { ProjectSession, Tab } from '../state/project';

export type ProjectRoute = Extract<Route, { view: 'project' }>;

export interface ProjectContext {
  row: ProjectRow;
  session: ProjectSession;
  files: ProjectFiles;
  running: boolean;
  /** Account id of the person who looks. */
  me: string;
  go(pane: Pane): void;
  /** Closes a tab; what stood beside it, or the next one, takes its place. */
  closeTab(tab: Tab): void;
  /** A file has another path: its tab and the address follow. */
  moveFile(from: string, to: string): void;
}

export function projectContext(row: ProjectRow, session: ProjectSession, me: string): ProjectContext {
  const id = row.project_id;
  const here = (): ProjectRoute | null =>
    route.value.view === 'project' && route.value.id === id ? route.value : null;
  return {
    row,
    session,
    files: filesOf(session),
    running: row.state?.state === 'running' && !row.deleted,
    me,
    go: (pane) => navigate(paneHref(id, pane, here()?.beside)),
    closeTab(tab) {
      const next = session.closeTab(tab);
      const at = here();
      if (!at) return;
      if (paneKey(at.pane) === paneKey(tab)) navigate(paneHref(id, at.beside ?? next));
      else if (at.beside && paneKey(at.beside) === paneKey(tab)) navigate(paneHref(id, at.pane));
    },
    moveFile(from, to) {
      session.renameTab(from, to);
      const at = here();
      if (!at) return;
      const moved = (pane: Pane): Pane => (pane.kind === 'edit' && pane.path === from ? { ...pane, path: to } : pane);
      navigate(paneHref(id, moved(at.pane), at.beside && moved(at.beside)), 'replace');
    },
  };
}
