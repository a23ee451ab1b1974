/** An editor tab: the text, who else is in it, and whether all is saved. */
import { useEffect, useRef, useState } from 'preact/hooks';
import { createEditor, statusWords, type DocumentSession, type Editor } from '../editor/create';
import { documentName } from '../editor/drafts';
import { basename, parent } from '../lib/paths';
import { paneHref } from '../lib/router';
import { sentence, type PresentUser } from '../net/protocol';
import { Empty, Live, Skeleton } from '../ui/basics';
import { copy } from '../ui/clipboard';
import { useCommands } from '../ui/commands';
import { useCell } from '../ui/hooks';
import { Icon } from '../ui/icons';
import { toast } from '../ui/toasts';
import { cursorSender, useDocument, useDrafts, wire, type Opened } from './editor-document';
import { EditorLine, OrphanBar } from './editor-parts';
import type { ProjectContext } from './project-context';

interface Props {
  context: ProjectContext;
  path: string;
  line: number | undefined;
  shown: boolean;
}

export function EditorPane(props: Props) {
  const { context, path } = props;
  const [attempt, setAttempt] = useState(0);
  const state = useDocument(context, path, attempt);
  const again = (): void => setAttempt(attempt + 1);
  if (state.phase === 'loading') return <Skeleton rows={10} label={`Opening ${path}`} />;
  if (state.phase === 'failed')
    return <Refused context={context} path={path} code={state.code} problem={state.problem} again={again} />;
  return <OpenEditor key={attempt} {...props} session={state.session} orphan={state.orphan} again={again} />;
}

interface RefusedProps {
  context: ProjectContext;
  path: string;
  code: string;
  problem: string;
  again(): void;
}

function Refused({ context, path, code, problem, again }: RefusedProps) {
  const { session, row } = context;
  const missing = code === 'not_found';
  const name = basename(path);
  const create = async (): Promise<void> => {
    try {
      await session.api.call('files.create', { path });
      again();
    } catch (error) {
      toast({ text: `“${name}” was not created. ${sentence(error)}`, tone: 'bad' });
    }
  };
  const inFiles = paneHref(row.project_id, { kind: 'files', path: parent(path), preview: name });
  const actions = (
    <>
      {missing && (
        <button type="button" class="button button-main" onClick={() => void create()}>
          Create it
        </button>
      )}
      <button type="button" class="button" onClick={again}>
        Try again
      </button>
      {!missing && (
        <a class="button" href={inFiles}>
          Show in files
        </a>
      )}
    </>
  );
  const title = missing ? `There is no file “${name}”` : `“${name}” cannot be edited`;
  return (
    <Empty icon={missing ? 'file' : 'fail'} tone="bad" title={title} actions={actions}>
      <p>{problem}</p>
    </Empty>
  );
}

export interface Place {
  line: number;
  column: number;
  selected: number;
}

/** The editor in its element, connected with the session as long as the tab is open. */
function useEditor({ context, path }: Props, session: DocumentSession) {
  const host = useRef<HTMLDivElement>(null);
  const editor = useRef<Editor | null>(null);
  const [language, setLanguage] = useState('');
  const [place, setPlace] = useState<Place>({ line: 1, column: 1, selected: 0 });
  const [viewers, setViewers] = useState<PresentUser[]>(session.users);
  useEffect(() => {
    const tellCursor = cursorSender(context, path, session, () => editor.current);
    const made = createEditor(host.current!, {
      session,
      path,
      label: `Text of ${path}`,
      save: () => {
        const { text, tone } = statusWords(session.status.value);
        toast(tone === 'quiet' ? { text: 'Saved as you type: there is nothing to do.' } : { text, tone: 'bad' });
      },
      onUpdate: ({ docChanged, selectionSet, state }) => {
        if (docChanged) session.changed();
        if (!docChanged && !selectionSet) return;
        const { main } = state.selection;
        const at = state.doc.lineAt(main.head);
        setPlace({ line: at.number, column: main.head - at.from + 1, selected: main.to - main.from });
        tellCursor();
      },
    });
    editor.current = made;
    setLanguage(made.language);
    session.attach(made.view);
    const unwire = wire({ context, path, session, editor: made, onUsers: setViewers });
    tellCursor();
    return () => {
      unwire();
      made.destroy();
      editor.current = null;
    };
  }, [session]);
  return { host, editor, language, place, viewers };
}

function RemovedBar({ write, close }: { write(): void; close(): void }) {
  return (
    <div class="banner banner-warn" role="alert">
      <Icon name="warn" />
      <p>Somebody deleted or moved this file. The text is still here.</p>
      <button type="button" class="button button-small" onClick={write}>
        Write it again
      </button>
      <button type="button" class="button button-small" onClick={close}>
        Close
      </button>
    </div>
  );
}

function OpenEditor(props: Props & Opened & { again(): void }) {
  const { context, path, line, shown, session, orphan, again } = props;
  const { row, session: project } = context;
  const name = documentName(row.project_id, path);
  useDrafts(name, session);
  const { host, editor, language, place, viewers } = useEditor(props, session);
  const [lost, setLost] = useState(orphan);
  const [wrap, setWrap] = useState(language === '' || language === 'Plain text');
  const status = useCell(session.status);
  useEffect(() => {
    if (shown && !line) editor.current?.view.focus();
  }, [shown]);
  useEffect(() => {
    if (line && shown) editor.current?.goTo(line);
  }, [line, shown]);
  useEffect(() => setWrap(language === 'Plain text'), [language]);
  const actions = {
    find: () => editor.current?.find(),
    askLine: () => editor.current?.askLine(),
    wrap: () => {
      editor.current?.setWrap(!wrap);
      setWrap(!wrap);
    },
    copyLink: () => {
      const link = location.origin + paneHref(row.project_id, { kind: 'edit', path, line: place.line });
      void copy(link, () => toast({ text: `The link to line ${place.line} is copied.` }));
    },
  };
  const group = 'Editor';
  useCommands(() => {
    if (!shown) return [];
    const wrapTitle = wrap ? 'Do not wrap long lines' : 'Wrap long lines';
    return [
      { id: 'find', title: 'Find and replace', group, icon: 'search', keys: 'mod+f', run: actions.find },
      { id: 'line', title: 'Go to a line', group, icon: 'right', keys: 'mod+g', run: actions.askLine },
      { id: 'wrap', title: wrapTitle, group, icon: 'text', run: actions.wrap },
      { id: 'link-line', title: 'Copy the link to this line', group, icon: 'link', run: actions.copyLink },
      { id: 'tab-out', title: 'Let Tab leave the text', group, keys: 'mod+m', hidden: true, run: () => undefined },
    ];
  }, [shown, wrap, place.line]);
  const writeAgain = async (): Promise<void> => {
    try {
      await project.api.call('files.write', { path, text: editor.current!.view.state.doc.toString() });
      again();
    } catch (error) {
      toast({ text: `The file was not written. ${sentence(error)}`, tone: 'bad' });
    }
  };
  const close = (): void => context.closeTab({ kind: 'edit', path });
  return (
    <div class="editor">
      {lost && <OrphanBar draft={lost} name={name} editor={editor} onDone={() => setLost(null)} />}
      {status.removed && <RemovedBar write={() => void writeAgain()} close={close} />}
      <div class="editor-host" ref={host} data-typing data-focus-first />
      <EditorLine {...{ context, path, status, viewers, place, language, wrap, actions }} />
      <Live text={status.connected ? '' : statusWords(status).text} />
    </div>
  );
}
