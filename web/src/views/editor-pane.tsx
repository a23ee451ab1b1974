/** An editor tab: loads the document, keeps drafts, shows the others, says whether all is saved. */
import { useEffect, useRef, useState } from 'preact/hooks';
import { createEditor, DocumentSession, dropCursors, setCursor, statusWords, type Editor } from '../editor/create';
import { documentName, forget, keep, leave, orphans, returnTo } from '../editor/drafts';
import type { Draft } from '../editor/document-session';
import { ago } from '../lib/format';
import { basename, parent } from '../lib/paths';
import { navigate, paneHref, route } from '../lib/router';
import { RpcError } from '../net/connection';
import { isQuiet, sentence, type DocumentUpdate, type PresentUser } from '../net/protocol';
import { Avatars, Empty, Live, Skeleton } from '../ui/basics';
import { useCommands } from '../ui/commands';
import { useCell } from '../ui/hooks';
import { Icon } from '../ui/icons';
import { MenuButton } from '../ui/menu';
import { toast } from '../ui/toasts';
import type { ProjectContext } from './project';

interface Props {
  context: ProjectContext;
  path: string;
  line: number | undefined;
  shown: boolean;
}

interface Opened {
  session: DocumentSession;
  orphan: Draft | null;
}

type Loading = { phase: 'loading' } | { phase: 'failed'; code: string; problem: string } | ({ phase: 'open' } & Opened);

/** Opens the document once the project is reached, and says why not when it refuses. */
function useDocument({ session: project, row }: ProjectContext, path: string, attempt: number): Loading {
  const [state, setState] = useState<Loading>({ phase: 'loading' });
  useEffect(() => {
    let current = true;
    const { api } = project;
    const name = documentName(row.project_id, path);
    const open = async (): Promise<void> => {
      const draft = returnTo(name);
      const session = new DocumentSession(
        {
          open: (since, epoch) => api.call('document.open', { path, ...(since === undefined ? {} : { since, epoch: epoch! }) }, { timeoutMs: 0 }),
          push: (epoch, version, updates) => api.call('document.push', { path, epoch, version, updates }, { safe: false }),
        },
        draft,
      );
      try {
        await session.load();
        const [orphan] = await orphans(name, Date.now());
        if (current) setState({ phase: 'open', session, orphan: orphan ?? null });
      } catch (error) {
        if (draft) leave(name, draft);
        if (current && !isQuiet(error)) setState({ phase: 'failed', code: error instanceof RpcError ? error.code : 'internal', problem: sentence(error) });
      }
    };
    setState({ phase: 'loading' });
    void open();
    return () => {
      current = false;
      if (project.link.state.value.phase === 'open') api.call('document.close', { path }).catch(() => undefined);
    };
  }, [project, path, attempt]);
  return state;
}

export function EditorPane(props: Props) {
  const { context, path } = props;
  const [attempt, setAttempt] = useState(0);
  const state = useDocument(context, path, attempt);
  const again = (): void => setAttempt(attempt + 1);
  if (state.phase === 'loading') return <Skeleton rows={10} label={`Opening ${path}`} />;
  if (state.phase === 'failed') return <Refused context={context} path={path} code={state.code} problem={state.problem} again={again} />;
  return <OpenEditor key={attempt} {...props} session={state.session} orphan={state.orphan} again={again} />;
}

function Refused({ context, path, code, problem, again }: { context: ProjectContext; path: string; code: string; problem: string; again(): void }) {
  const { session, row } = context;
  const create = async (): Promise<void> => {
    try {
      await session.api.call('files.create', { path });
      again();
    } catch (error) {
      toast({ text: `“${basename(path)}” was not created. ${sentence(error)}`, tone: 'bad' });
    }
  };
  return (
    <Empty
      icon={code === 'not_found' ? 'file' : 'fail'}
      tone="bad"
      title={code === 'not_found' ? `There is no file “${basename(path)}”` : `“${basename(path)}” cannot be edited`}
      actions={
        <>
          {code === 'not_found' && (
            <button type="button" class="button button-main" onClick={() => void create()}>
              Create it
            </button>
          )}
          <button type="button" class="button" onClick={again}>
            Try again
          </button>
          {code !== 'not_found' && (
            <a class="button" href={paneHref(row.project_id, { kind: 'files', path: parent(path), preview: basename(path) })}>
              Show in files
            </a>
          )}
        </>
      }
    >
      <p>{problem}</p>
    </Empty>
  );
}

/** Writes drafts while changes are unconfirmed and removes them when they are not. */
function useDrafts(name: string, session: DocumentSession): void {
  useEffect(() => {
    let kept = false;
    const write = (): void => {
      const draft = session.takeDraft(Date.now());
      if (draft) {
        kept = true;
        void keep(name, draft);
      } else if (kept) {
        kept = false;
        void forget(name, session.clientID);
      }
    };
    let timer: ReturnType<typeof setTimeout> | undefined;
    const stop = session.status.subscribe(() => {
      clearTimeout(timer);
      timer = setTimeout(write, 400);
    });
    const fresh = setInterval(write, 5000); // keeps the time stamp young: the draft has an owner
    const go = (): void => {
      const draft = session.takeDraft(Date.now());
      if (!draft) return;
      leave(name, draft);
      void forget(name, session.clientID);
    };
    addEventListener('pagehide', go);
    return () => {
      stop();
      clearTimeout(timer);
      clearInterval(fresh);
      removeEventListener('pagehide', go);
      write();
    };
  }, [name, session]);
}

function wire(context: ProjectContext, path: string, session: DocumentSession, editor: Editor, onMoved: (to: string) => void, onUsers: (users: PresentUser[]) => void): () => void {
  const { link } = context.session;
  const mine = (push: Record<string, unknown>): boolean => push.path === path;
  const stops = [
    link.on('document.updates', (push) => mine(push) && session.receive(push as unknown as { epoch: string; version: number; updates: DocumentUpdate[] })),
    link.on('document.saved', (push) => mine(push) && session.saved(Number(push.version))),
    link.on('document.save_failed', (push) => mine(push) && session.failed(String(push.message))),
    link.on('document.removed', (push) => mine(push) && session.removed()),
    link.on('document.moved', (push) => mine(push) && onMoved(String(push.to))),
    link.on('document.viewers', (push) => mine(push) && onUsers((push.users ?? push.viewers ?? []) as PresentUser[])),
    link.on('document.cursors', (push) => {
      if (!mine(push) || push.clientID === session.clientID) return;
      const user = push.user as PresentUser;
      editor.view.dispatch({ effects: setCursor.of({ clientID: String(push.clientID), accountId: user.account_id, name: user.name, ranges: push.ranges as { anchor: number; head: number }[] }) });
    }),
    link.state.subscribe((state) => {
      if (state.phase === 'open') return;
      session.lost();
      editor.view.dispatch({ effects: dropCursors.of(() => true) });
    }),
    link.onResume(() => void session.resume()),
    context.session.presence.subscribe((present) => {
      const here = new Set(present.map((user) => user.account_id));
      editor.view.dispatch({ effects: dropCursors.of((cursor) => !here.has(cursor.accountId)) });
    }),
  ];
  return () => stops.forEach((stop) => stop());
}

/** Tells the others where we are, a few times a second at most. */
function cursorSender(context: ProjectContext, path: string, session: DocumentSession, editor: () => Editor | null): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  return () => {
    timer ??= setTimeout(() => {
      timer = undefined;
      const view = editor()?.view;
      if (!view || context.session.link.state.value.phase !== 'open') return;
      const ranges = view.state.selection.ranges.map(({ anchor, head }) => ({ anchor, head }));
      context.session.api.call('document.cursor', { path, clientID: session.clientID, ranges }).catch(() => undefined);
    }, 80);
  };
}

function OpenEditor({ context, path, line, shown, session, orphan, again }: Props & Opened & { again(): void }) {
  const host = useRef<HTMLDivElement>(null);
  const editor = useRef<Editor | null>(null);
  const [language, setLanguage] = useState('');
  const [place, setPlace] = useState({ line: 1, column: 1, selected: 0 });
  const [viewers, setViewers] = useState<PresentUser[]>(session.users);
  const [lost, setLost] = useState(orphan);
  const [wrap, setWrap] = useState<boolean | null>(null);
  const { row, session: project, me } = context;
  const name = documentName(row.project_id, path);
  useDrafts(name, session);
  useEffect(() => {
    const tellCursor = cursorSender(context, path, session, () => editor.current);
    const made = createEditor(host.current!, {
      session,
      path,
      label: `Text of ${path}`,
      save: () => toast({ text: 'Saved as you type: there is nothing to do.' }),
      onUpdate: (update) => {
        if (update.docChanged) session.changed();
        if (update.selectionSet || update.docChanged) {
          const { main } = update.state.selection;
          const at = update.state.doc.lineAt(main.head);
          setPlace({ line: at.number, column: main.head - at.from + 1, selected: main.to - main.from });
          tellCursor();
        }
      },
    });
    editor.current = made;
    setLanguage(made.language);
    session.attach(made.view);
    const moved = (to: string): void => {
      project.renameTab(path, to);
      const here = route.value;
      if (here.view === 'project' && here.pane.kind === 'edit' && here.pane.path === path) navigate(paneHref(row.project_id, { kind: 'edit', path: to }, here.beside), 'replace');
    };
    const unwire = wire(context, path, session, made, moved, setViewers);
    tellCursor();
    return () => {
      unwire();
      made.destroy();
      editor.current = null;
    };
  }, [session]);
  useEffect(() => {
    if (shown && !line) editor.current?.view.focus();
  }, [shown]);
  useEffect(() => {
    if (line && shown) editor.current?.goTo(line);
  }, [line, shown]);
  useCommands(
    () =>
      shown
        ? [
            { id: 'find', title: 'Find and replace', group: 'Editor', icon: 'search', keys: 'mod+f', run: () => editor.current?.find() },
            { id: 'line', title: 'Go to a line', group: 'Editor', icon: 'right', keys: 'mod+g', run: () => editor.current?.askLine() },
            { id: 'wrap', title: wrap ? 'Do not wrap long lines' : 'Wrap long lines', group: 'Editor', icon: 'text', run: () => toggleWrap() },
            { id: 'link-line', title: 'Copy the link to this line', group: 'Editor', icon: 'link', run: () => copyLink() },
            { id: 'tab-out', title: 'Let Tab leave the text', group: 'Editor', keys: 'mod+m', hidden: true, run: () => undefined },
          ]
        : [],
    [shown, wrap, place.line],
  );
  const toggleWrap = (): void => {
    editor.current?.setWrap(!wrap);
    setWrap(!wrap);
  };
  const copyLink = (): void => {
    const link = location.origin + paneHref(row.project_id, { kind: 'edit', path, line: place.line });
    void navigator.clipboard?.writeText(link).then(() => toast({ text: `The link to line ${place.line} is copied.` }));
  };
  const status = useCell(session.status);
  const words = statusWords(status);
  const others = viewers.filter((user, index) => user.account_id !== me && viewers.findIndex((other) => other.account_id === user.account_id) === index);
  const writeAgain = async (): Promise<void> => {
    try {
      await project.api.call('files.write', { path, text: editor.current!.view.state.doc.toString() });
      again();
    } catch (error) {
      toast({ text: `The file was not written. ${sentence(error)}`, tone: 'bad' });
    }
  };
  return (
    <div class="editor">
      {lost && <OrphanBar draft={lost} name={name} editor={editor} onDone={() => setLost(null)} />}
      {status.removed && (
        <div class="banner banner-warn" role="alert">
          <Icon name="warn" />
          <p>Somebody deleted or moved this file. The text is still here.</p>
          <button type="button" class="button button-small" onClick={() => void writeAgain()}>
            Write it again
          </button>
          <button type="button" class="button button-small" onClick={() => navigate(paneHref(row.project_id, project.closeTab({ kind: 'edit', path })))}>
            Close
          </button>
        </div>
      )}
      <div class="editor-host" ref={host} data-typing data-focus-first />
      <div class="editor-line">
        <span class={`save-state save-${words.tone}`}>
          <Icon name={words.tone === 'bad' ? 'fail' : words.tone === 'warn' ? 'offline' : words.text === 'Saved' ? 'check' : 'clock'} />
          {words.text}
        </span>
        <Avatars people={others} label="Also in this file" />
        <span class="spacer" />
        <button type="button" class="line-button" title="Go to a line" onClick={() => editor.current?.askLine()}>
          Line {place.line}, column {place.column}
          {place.selected > 0 ? ` (${place.selected} selected)` : ''}
        </button>
        <span class="status-wide quiet">{language}</span>
        <MenuButton
          label="Editor actions"
          items={[
            { label: 'Find and replace', icon: 'search', run: () => editor.current?.find() },
            { label: 'Wrap long lines', icon: 'text', checked: wrap ?? language === 'Plain text', run: toggleWrap },
            { label: 'Copy the link to this line', icon: 'link', run: copyLink },
            { label: 'Show in files', icon: 'folder', href: paneHref(row.project_id, { kind: 'files', path: parent(path), preview: basename(path) }) },
          ]}
        />
      </div>
      <Live text={status.connected ? '' : words.text} />
    </div>
  );
}

/** Changes of a window that went away before they were sent. */
function OrphanBar({ draft, name, editor, onDone }: { draft: Draft; name: string; editor: { current: Editor | null }; onDone(): void }) {
  const discard = (): void => {
    void forget(name, draft.clientID);
    onDone();
  };
  const apply = async (): Promise<void> => {
    const { changesOf } = await import('../editor/orphan');
    const view = editor.current!.view;
    view.dispatch({ changes: changesOf(draft, view.state.doc) });
    discard();
  };
  return (
    <div class="banner banner-warn" role="status">
      <Icon name="warn" />
      <p>A window closed {ago(draft.time, Date.now())} before its last changes to this file were sent. They are kept here.</p>
      <button type="button" class="button button-small" onClick={() => void apply()}>
        Add them now
      </button>
      <button type="button" class="button button-small" onClick={discard}>
        Discard them
      </button>
    </div>
  );
}
