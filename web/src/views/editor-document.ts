/** What stands between an editor tab and the project: opening, drafts, pushes from the others, telling them our cursor. */
import { useEffect, useState } from 'preact/hooks';
import { DocumentSession, dropCursors, setCursor, type Editor } from '../editor/create';
import { documentName, forget, keep, leave, orphans, returnTo, type Draft } from '../editor/drafts';
import { RpcError } from '../net/link';
import { isQuiet, sentence, type DocumentUpdate, type PresentUser } from '../net/protocol';
import type { ProjectContext } from './project-context';

export interface Opened {
  session: DocumentSession;
  /** Changes that a window which is gone did not send. */
  orphan: Draft | null;
}

export type Loading =
  | { phase: 'loading' }
  | { phase: 'failed'; code: string; problem: string }
  | ({ phase: 'open' } & Opened);

function newSession({ session: { api } }: ProjectContext, path: string, draft: Draft | null): DocumentSession {
  return new DocumentSession(
    {
      open: (since, epoch) =>
        api.call('document.open', { path, ...(since === undefined ? {} : { since, epoch: epoch! }) }, { timeoutMs: 0 }),
      push: (epoch, version, updates) => api.call('document.push', { path, epoch, version, updates }),
    },
    draft,
  );
}

/** Opens the document once the project is reached, and says why not when it refuses. */
export function useDocument(context: ProjectContext, path: string, attempt: number): Loading {
  const [state, setState] = useState<Loading>({ phase: 'loading' });
  const { session: project, row } = context;
  useEffect(() => {
    let current = true;
    let waits: (() => void) | undefined;
    /** Taken from where this tab left it, and in no editor yet. */
    let draft: Draft | null = null;
    const putBack = (document: string): void => {
      if (draft) leave(document, draft);
      draft = null;
    };
    const name = documentName(row.project_id, path);
    const open = async (): Promise<void> => {
      waits?.();
      draft = returnTo(name);
      const session = newSession(context, path, draft);
      try {
        await session.load();
        if (!current) return;
        if (session.path !== path) {
          // A link: the document has one address, that of the file itself.
          putBack(documentName(row.project_id, session.path));
          context.moveFile(path, session.path);
          return;
        }
        const [orphan] = await orphans(name, Date.now());
        if (!current) return;
        draft = null;
        setState({ phase: 'open', session, orphan: orphan ?? null });
      } catch (error) {
        if (!current) return;
        putBack(name);
        // The project stopped meanwhile: asked again when it is back.
        if (error instanceof RpcError && error.code === 'cancelled') waits = project.link.onResume(() => void open());
        if (isQuiet(error)) return;
        setState({
          phase: 'failed',
          code: error instanceof RpcError ? error.code : 'internal',
          problem: sentence(error),
        });
      }
    };
    setState({ phase: 'loading' });
    void open();
    return () => {
      current = false;
      waits?.();
      putBack(name);
      if (project.link.state.value.phase === 'open')
        project.api.call('document.close', { path }).catch(() => undefined);
    };
  }, [project, path, attempt]);
  return state;
}

/** Writes drafts while changes are unconfirmed and removes them when they are not. */
export function useDrafts(name: string, session: DocumentSession): void {
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

interface Wiring {
  context: ProjectContext;
  path: string;
  session: DocumentSession;
  editor: Editor;
  onUsers(users: PresentUser[]): void;
}

/** Hands pushes of the project to the session and the editor until the returned function is called. */
export function wire({ context, path, session, editor, onUsers }: Wiring): () => void {
  const { link, presence } = context.session;
  const on = (event: string, handle: (push: Record<string, unknown>) => void): (() => void) =>
    link.on(event, (push) => push.path === path && handle(push));
  const stops = [
    on('document.updates', (push) =>
      session.receive(push as unknown as { epoch: string; version: number; updates: DocumentUpdate[] }),
    ),
    on('document.saved', (push) => session.saved(Number(push.version))),
    on('document.save_failed', (push) => session.failed(String(push.message))),
    on('document.removed', () => session.removed()),
    on('document.moved', (push) => context.moveFile(path, String(push.to))),
    on('document.viewers', (push) => onUsers((push.users ?? []) as PresentUser[])),
    on('document.cursors', (push) => {
      if (push.clientID === session.clientID) return;
      const user = push.user as PresentUser;
      const ranges = push.ranges as { anchor: number; head: number }[];
      const cursor = { clientID: String(push.clientID), accountId: user.account_id, name: user.name, ranges };
      editor.view.dispatch({ effects: setCursor.of(cursor) });
    }),
    link.state.subscribe((state) => {
      if (state.phase === 'open') return;
      session.lost();
      editor.view.dispatch({ effects: dropCursors.of(() => true) });
    }),
    link.onResume(() => void session.resume()),
    presence.subscribe((present) => {
      const here = new Set(present.map((user) => user.account_id));
      editor.view.dispatch({ effects: dropCursors.of((cursor) => !here.has(cursor.accountId)) });
    }),
  ];
  return () => stops.forEach((stop) => stop());
}

/** Tells the others where we are, a few times a second at most. */
export function cursorSender(
  { session: { link, api } }: ProjectContext,
  path: string,
  session: DocumentSession,
  editor: () => Editor | null,
): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  return () => {
    timer ??= setTimeout(() => {
      timer = undefined;
      const view = editor()?.view;
      if (!view || link.state.value.phase !== 'open') return;
      const ranges = view.state.selection.ranges.map(({ anchor, head }) => ({ anchor, head }));
      api.call('document.cursor', { path, clientID: session.clientID, ranges }).catch(() => undefined);
    }, 80);
  };
}
