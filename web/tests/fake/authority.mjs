// The ordering authority of shared documents as docs/protocols.md states it, for tests of the browser side only.
import { ChangeSet, Text } from '@codemirror/state';

export class Authority {
  constructor(text, { epoch = 'e1', kept = 10_000 } = {}) {
    this.text = Text.of(text.split('\n'));
    this.epoch = epoch;
    this.kept = kept;
    this.version = 0;
    this.history = [];
    this.seen = new Set();
    this.listeners = new Set();
  }

  open(since, epoch) {
    const first = this.version - this.history.length;
    if (since !== undefined && epoch === this.epoch && since >= first && since <= this.version)
      return { epoch: this.epoch, version: this.version, updates: this.history.slice(since - first) };
    return { epoch: this.epoch, version: this.version, text: this.text.toString(), users: [] };
  }

  push(epoch, version, updates) {
    if (epoch !== this.epoch)
      throw Object.assign(new Error('The document has another history now.'), { code: 'conflict' });
    // What was taken before is acknowledged again, never applied again.
    let accepted = 0;
    while (accepted < updates.length && this.seen.has(updates[accepted].id)) ++accepted;
    const rest = updates.slice(accepted);
    if (rest.length === 0 || version + accepted !== this.version) return { accepted, version: this.version };
    const taken = [];
    for (const update of rest) {
      this.text = ChangeSet.fromJSON(update.changes).apply(this.text);
      if (update.id) this.seen.add(update.id);
      taken.push({ clientID: update.clientID, changes: update.changes });
      ++accepted;
    }
    this.#publish(taken);
    return { accepted, version: this.version };
  }

  /** A change that nobody typed: somebody wrote the file. */
  disk(text) {
    const next = Text.of(text.split('\n'));
    const changes = ChangeSet.of({ from: 0, to: this.text.length, insert: text }, this.text.length, '\n');
    this.text = next;
    this.#publish([{ clientID: 'disk', changes: changes.toJSON() }]);
  }

  /** The server starts anew and knows only the text. */
  restart(epoch, text = this.text.toString()) {
    this.text = Text.of(text.split('\n'));
    this.epoch = epoch;
    this.version = 0;
    this.history = [];
    this.seen.clear();
  }

  #publish(updates) {
    const push = { epoch: this.epoch, version: this.version, updates };
    this.version += updates.length;
    this.history.push(...updates);
    this.history.splice(0, Math.max(0, this.history.length - this.kept));
    for (const listener of [...this.listeners]) listener(push);
  }
}
