/**
 * One shared document: local changes go to the project server, which orders them; its order comes back to everybody.
 * Works on any holder of an EditorState, so that tests need no page. Unconfirmed changes survive lost connections, a
 * server that forgot its history (they are merged into its text), and a reload (through `draft`).
 */
import { collab, getSyncedVersion, receiveUpdates, sendableUpdates, type Update } from '@codemirror/collab';
import {
  ChangeSet,
  Compartment,
  EditorState,
  Text,
  Transaction,
  type Extension,
  type TransactionSpec,
} from '@codemirror/state';
import { Cell } from '../lib/cell';
import { randomHex } from '../lib/trace';
import { RpcError } from '../net/link';
import { isLost, sentence, type DocumentOpened, type DocumentUpdate, type PresentUser } from '../net/protocol';
import type { DocumentStatus } from './document-status';
import type { Draft } from './drafts';
import { rebase } from './rebase';
import { replay, unconfirmed } from './unconfirmed';

export interface Authority {
  open(since?: number, epoch?: string): Promise<DocumentOpened>;
  push(epoch: string, version: number, updates: DocumentUpdate[]): Promise<{ accepted: number; version: number }>;
}

export interface StateHolder {
  readonly state: EditorState;
  dispatch(transaction: Transaction): void;
  dispatch(...specs: TransactionSpec[]): void;
}

const atMost = 200;

export class DocumentSession {
  readonly status = new Cell<DocumentStatus>({
    connected: false,
    unconfirmed: 0,
    unwritten: false,
    problem: null,
    removed: false,
  });
  readonly clientID: string;
  users: PresentUser[] = [];
  epoch = '';
  /** That of the file itself, where links were resolved. */
  path = '';
  #collab = new Compartment();
  #confirmed = Text.empty;
  #savedVersion = 0;
  #pushing = false;
  /** Version that must have arrived before the next push makes sense. */
  #wanted = 0;
  #opening = false;
  /** The editor is between two histories. */
  #merging = false;
  #missed = false;
  #holder: StateHolder | null = null;
  #replay: Draft['updates'] = [];
  #start = { text: '', version: 0 };
  /** What the server answered when a draft was continued: taken in once the draft is in the editor. */
  #first: DocumentOpened | null = null;

  constructor(
    private readonly authority: Authority,
    private readonly draft: Draft | null = null,
  ) {
    this.clientID = draft?.clientID ?? randomHex(12);
  }

  /** Gets the text. A draft of the same history is continued, another one is merged after `attach`. */
  async load(): Promise<void> {
    const draft = this.draft;
    const opened = draft ? await this.authority.open(draft.version, draft.epoch) : await this.authority.open();
    this.path = opened.path;
    if (draft) {
      this.epoch = draft.epoch;
      this.#start = { text: draft.base, version: draft.version };
      this.#replay = draft.updates;
      this.#first = opened;
    } else if ('text' in opened) {
      this.epoch = opened.epoch;
      this.#start = { text: opened.text, version: opened.version };
      this.users = opened.users ?? [];
    } else {
      throw new RpcError('protocol', 'The project server sent changes without a text. Reload the page.');
    }
    this.#savedVersion = opened.version;
  }

  /** The text and extension that the editor's state starts with. */
  get doc(): string {
    return this.#start.text;
  }

  get extension(): Extension {
    return this.#collab.of(collab({ startVersion: this.#start.version, clientID: this.clientID }));
  }

  /** Connects the session with the editor that was made from `doc` and `extension`. */
  attach(holder: StateHolder): void {
    this.#holder = holder;
    this.#confirmed = holder.state.doc;
    replay(holder, this.#replay);
    this.#replay = [];
    const opened = this.#first;
    this.#first = null;
    this.#set({ connected: true });
    if (opened) this.#take(opened);
    this.changed();
  }

  /** To be called after every transaction that the editor made. */
  changed(): void {
    if (!this.#holder || this.#merging) return;
    this.#set({ unconfirmed: sendableUpdates(this.#holder.state).length });
    void this.#push();
  }

  lost(): void {
    this.#pushing = false;
    this.#set({ connected: false });
  }

  /** After a reconnect, or when something was missed: asks for what happened since. */
  async resume(): Promise<void> {
    const holder = this.#holder;
    if (!holder) return;
    if (this.#opening) {
      this.#missed = true;
      return;
    }
    this.#opening = true;
    try {
      do {
        this.#missed = false;
        const opened = await this.authority.open(getSyncedVersion(holder.state), this.epoch);
        this.#pushing = false;
        this.#wanted = 0;
        const known = await this.#knownOf(opened);
        this.#set({ connected: true, problem: null });
        this.#take(opened, known);
      } while (this.#missed);
    } catch (error) {
      if (!isLost(error)) this.#set({ problem: sentence(error) });
    } finally {
      this.#opening = false;
    }
    this.changed();
  }

  /** A push `document.updates`. */
  receive(push: { epoch: string; version: number; updates: DocumentUpdate[] }): void {
    const holder = this.#holder;
    if (!holder) return;
    const present = getSyncedVersion(holder.state);
    if (push.epoch !== this.epoch || push.version > present) {
      void this.resume();
      return;
    }
    const fresh = push.updates.slice(present - push.version);
    if (fresh.length > 0) this.#apply(fresh);
    this.changed();
  }

  saved(version: number): void {
    this.#savedVersion = Math.max(this.#savedVersion, version);
    this.#set({ removed: false, problem: null });
  }

  removed(): void {
    this.#set({ removed: true });
  }

  /** The project could not write the file: the text is safe on the server, and it tries again. */
  failed(problem: string): void {
    this.#set({ problem });
  }

  /** What has to be kept so that nothing is lost when the page goes; null when everything is confirmed. */
  takeDraft(now: number): Draft | null {
    const state = this.#holder?.state;
    if (!state) return null;
    const updates = unconfirmed(state);
    if (updates.length === 0) return null;
    return {
      epoch: this.epoch,
      version: getSyncedVersion(state),
      clientID: this.clientID,
      base: this.#confirmed.toString(),
      updates: updates.map(({ changes, id }) => ({ changes, id: id! })),
      time: now,
    };
  }

  async #push(): Promise<void> {
    const state = this.#holder?.state;
    if (!state || this.#pushing || this.#opening || !this.status.value.connected) return;
    const version = getSyncedVersion(state);
    if (version < this.#wanted) return; // the updates that confirm the last push are on their way
    const updates = unconfirmed(state).slice(0, atMost);
    if (updates.length === 0) return;
    this.#pushing = true;
    try {
      const answer = await this.authority.push(this.epoch, version, updates);
      this.#pushing = false;
      this.#wanted = answer.version;
      this.#set({ problem: null });
      this.changed();
    } catch (error) {
      this.#pushing = false;
      if (isLost(error)) return; // `resume` follows; the ids keep what did arrive from being applied twice
      this.#set({ problem: sentence(error) });
      if (error instanceof RpcError && (error.code === 'not_found' || error.code === 'conflict')) void this.resume();
    }
  }

  /**
   * How many of our changes a text without history holds already: their answer got lost. The server knows them by their
   * ids; an older version keeps it from taking others.
   */
  async #knownOf(opened: DocumentOpened): Promise<number> {
    const state = this.#holder!.state;
    if (!('text' in opened) || opened.epoch !== this.epoch || opened.version === getSyncedVersion(state)) return 0;
    const updates = unconfirmed(state);
    return updates.length === 0
      ? 0
      : (await this.authority.push(this.epoch, getSyncedVersion(state), updates)).accepted;
  }

  #take(opened: DocumentOpened, known = 0): void {
    const state = this.#holder!.state;
    if ('updates' in opened && opened.epoch === this.epoch) {
      const present = getSyncedVersion(state);
      const first = opened.version - opened.updates.length;
      const fresh = opened.updates.slice(Math.max(0, present - first));
      if (fresh.length > 0) this.#apply(fresh);
    } else if ('text' in opened) {
      this.users = opened.users ?? this.users;
      if (opened.epoch !== this.epoch || opened.version !== getSyncedVersion(state)) this.#mergeInto(opened, known);
    }
  }

  #apply(updates: readonly DocumentUpdate[]): void {
    const holder = this.#holder!;
    const parsed: Update[] = updates.map(({ clientID, changes }) => ({
      clientID,
      changes: ChangeSet.fromJSON(changes),
    }));
    for (const { changes } of parsed) this.#confirmed = changes.apply(this.#confirmed);
    holder.dispatch(receiveUpdates(holder.state, parsed));
    this.#set({});
  }

  /** The server has a text of another history: its difference to what we last agreed on is put below our own changes. */
  #mergeInto({ text, version, epoch }: { text: string; version: number; epoch: string }, known: number): void {
    const holder = this.#holder!;
    const own = sendableUpdates(holder.state);
    const base = own.slice(0, known).reduce((doc, { changes }) => changes.apply(doc), this.#confirmed);
    const theirs = Text.of(text.split('\n'));
    const ours = own.slice(known).map(({ changes }) => changes);
    const { swap, again, moved } = rebase(base, ours, theirs);
    const selection = moved(holder.state.selection);

    this.#merging = true;
    const remote = [Transaction.addToHistory.of(false), Transaction.remote.of(true)];
    holder.dispatch({ effects: this.#collab.reconfigure([]) });
    holder.dispatch({ changes: swap, annotations: remote });
    holder.dispatch({ effects: this.#collab.reconfigure(collab({ startVersion: version, clientID: this.clientID })) });
    this.epoch = epoch;
    this.#confirmed = theirs;
    this.#savedVersion = version;
    holder.dispatch({ selection, ...(!again.empty && { changes: again }) });
    this.#merging = false;
    this.#set({});
  }

  #set(change: Partial<DocumentStatus>): void {
    const state = this.#holder?.state;
    const next = { ...this.status.value, ...change };
    if (state) {
      next.unconfirmed = sendableUpdates(state).length;
      next.unwritten = getSyncedVersion(state) > this.#savedVersion;
    }
    const now = this.status.value;
    if (Object.keys(next).some((key) => next[key as keyof DocumentStatus] !== now[key as keyof DocumentStatus]))
      this.status.value = next;
  }
}
