/** Changes of an editor that the server has not confirmed, each with an id by which the server takes it once only. */
import { sendableUpdates } from '@codemirror/collab';
import { ChangeSet, type EditorState, type Transaction } from '@codemirror/state';
import { randomHex } from '../lib/trace';
import type { DocumentUpdate } from '../net/protocol';
import type { StateHolder } from './document-session';
import type { Draft } from './drafts';

const ids = new WeakMap<Transaction, string>();

export function unconfirmed(state: EditorState): DocumentUpdate[] {
  return sendableUpdates(state).map(({ origin, clientID, changes }) => {
    let id = ids.get(origin);
    if (!id) ids.set(origin, (id = randomHex(12)));
    return { clientID, changes: changes.toJSON(), id };
  });
}

/** Makes the changes of a draft again, as those that they were. */
export function replay(holder: StateHolder, updates: Draft['updates']): void {
  for (const { changes, id } of updates) {
    const transaction = holder.state.update({ changes: ChangeSet.fromJSON(changes) });
    ids.set(transaction, id);
    holder.dispatch(transaction);
  }
}
