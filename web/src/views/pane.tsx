/** Which component shows which pane; the heavy ones are loaded when they are needed. */
import type { Pane } from '../lib/router';
import { lazy } from '../ui/lazy';
import { FilesPane } from './files';
import { LogPane } from './log';
import { PeoplePane } from './people';
import type { ProjectContext } from './project-context';
import { SettingsPane } from './settings';

const EditorPane = lazy(() => import('./editor-pane').then((module) => module.EditorPane), 'the editor');
const TerminalPane = lazy(() => import('./terminal-pane').then((module) => module.TerminalPane), 'the terminal');

/** While a project starts there is time to fetch what its first minute needs. */
export function preloadPanes(): void {
  EditorPane.preload();
  TerminalPane.preload();
}

export function PaneView({ context, pane, shown }: { context: ProjectContext; pane: Pane; shown: boolean }) {
  switch (pane.kind) {
    case 'files':
      return <FilesPane context={context} path={pane.path} preview={pane.preview} />;
    case 'edit':
      return <EditorPane context={context} path={pane.path} line={pane.line} shown={shown} />;
    case 'terminal':
      return <TerminalPane context={context} name={pane.name} shown={shown} />;
    case 'log':
      return <LogPane context={context} />;
    case 'people':
      return <PeoplePane context={context} />;
    case 'settings':
      return <SettingsPane context={context} />;
  }
}
