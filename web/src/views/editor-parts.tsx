/** The line below an editor, and the offer to add what a lost window did not send. */
import { statusWords, type Editor } from '../editor/create';
import type { DocumentStatus } from '../editor/document-status';
import { forget, type Draft } from '../editor/drafts';
import { changesOf } from '../editor/rebase';
import { ago } from '../lib/format';
import { basename, parent } from '../lib/paths';
import { paneHref } from '../lib/router';
import type { PresentUser } from '../net/protocol';
import { Avatars } from '../ui/basics';
import { Icon } from '../ui/icons';
import { MenuButton } from '../ui/menu';
import { othersOf } from '../state/people';
import type { Place } from './editor-pane';
import type { ProjectContext } from './project-context';

interface LineProps {
  context: ProjectContext;
  path: string;
  status: DocumentStatus;
  viewers: readonly PresentUser[];
  place: Place;
  language: string;
  wrap: boolean;
  actions: Record<'find' | 'askLine' | 'wrap' | 'copyLink', () => void>;
}

export function EditorLine({ context, path, status, viewers, place, language, wrap, actions }: LineProps) {
  const words = statusWords(status);
  const calm = words.text === 'Saved' ? 'check' : 'clock';
  const icon = words.tone === 'bad' ? 'fail' : words.tone === 'warn' ? 'offline' : calm;
  const inFiles = paneHref(context.row.project_id, { kind: 'files', path: parent(path), preview: basename(path) });
  return (
    <div class="editor-line">
      <span class={`save-state save-${words.tone}`}>
        <Icon name={icon} />
        {words.text}
      </span>
      <Avatars people={othersOf(viewers, context.me)} label="Also in this file" />
      <span class="spacer" />
      <button type="button" class="line-button" title="Go to a line" onClick={actions.askLine}>
        Line {place.line}, column {place.column}
        {place.selected > 0 ? ` (${place.selected} selected)` : ''}
      </button>
      <span class="status-wide quiet">{language}</span>
      <MenuButton
        label="Editor actions"
        items={[
          { label: 'Find and replace', icon: 'search', run: actions.find },
          { label: 'Wrap long lines', icon: 'text', checked: wrap, run: actions.wrap },
          { label: 'Copy the link to this line', icon: 'link', run: actions.copyLink },
          { label: 'Show in files', icon: 'folder', href: inFiles },
        ]}
      />
    </div>
  );
}

interface OrphanProps {
  draft: Draft;
  name: string;
  editor: { current: Editor | null };
  onDone(): void;
}

/** Changes of a window that went away before they were sent. */
export function OrphanBar({ draft, name, editor, onDone }: OrphanProps) {
  const discard = (): void => {
    void forget(name, draft.clientID);
    onDone();
  };
  const apply = (): void => {
    const view = editor.current!.view;
    view.dispatch({ changes: changesOf(draft, view.state.doc) });
    discard();
  };
  return (
    <div class="banner banner-warn" role="status">
      <Icon name="warn" />
      <p>
        A window closed {ago(draft.time, Date.now())} before its last changes to this file were sent. They are kept
        here.
      </p>
      <button type="button" class="button button-small" onClick={apply}>
        Add them now
      </button>
      <button type="button" class="button button-small" onClick={discard}>
        Discard them
      </button>
    </div>
  );
}
