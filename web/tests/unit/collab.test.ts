import { ChangeSet, EditorState, Text, Transaction, type TransactionSpec } from '@codemirror/state';
import { describe, expect, it } from 'vitest';
import { DocumentSession, type Authority as AuthorityApi, type StateHolder } from '../../src/editor/document-session';
import { statusWords } from '../../src/editor/document-status';
import type { Draft } from '../../src/editor/drafts';
import { changesOf } from '../../src/editor/rebase';
import { changeBetween } from '../../src/editor/text-difference';
import { RpcError } from '../../src/net/link';
import { Authority } from '../fake/authority.mjs';

/** An editor without a page. */
class Holder implements StateHolder {
  state: EditorState;
  constructor(private readonly session: DocumentSession) {
    this.state = EditorState.create({
      doc: session.doc,
      extensions: [session.extension, EditorState.lineSeparator.of('\n')],
    });
  }
  dispatch(...specs: (Transaction | TransactionSpec)[]): void {
    const [first] = specs;
    const transaction = first instanceof Transaction ? first : this.state.update(...(specs as TransactionSpec[]));
    this.state = transaction.state;
    if (transaction.docChanged) this.session.changed();
  }
  get text(): string {
    return this.state.doc.toString();
  }
  insert(at: number, text: string): void {
    this.dispatch({ changes: { from: at, insert: text } });
  }
}

/** A line between a session and the authority on which messages travel when the test lets them. */
class Person {
  online = true;
  chance = (): number => 1;
  queue: (() => void)[] = [];
  #pending = new Set<() => void>();
  session: DocumentSession;
  holder!: Holder;
  #listener = (push: { epoch: string; version: number; updates: { clientID: string; changes: unknown }[] }): void => {
    if (this.online) this.queue.push(() => this.session.receive(push));
  };

  constructor(
    readonly authority: InstanceType<typeof Authority>,
    draft: Draft | null = null,
  ) {
    const api: AuthorityApi = {
      open: async (since, epoch) => {
        if (!this.online) throw new RpcError('disconnected', 'lost');
        return { path: 'f', ...(authority.open(since, epoch) as object) } as never;
      },
      push: (epoch, version, updates) =>
        new Promise((resolve, reject) => {
          const lost = (): void => reject(new RpcError('disconnected', 'lost'));
          if (!this.online) return lost();
          this.#pending.add(lost);
          this.queue.push(() => {
            try {
              const answer = authority.push(epoch, version, updates);
              this.queue.push(() => (this.online ? resolve(answer) : lost()));
            } catch (error) {
              reject(new RpcError((error as { code: string }).code, (error as Error).message));
            }
          });
        }),
    };
    this.session = new DocumentSession(api, draft);
  }

  async join(): Promise<this> {
    await this.session.load();
    this.authority.listeners.add(this.#listener);
    this.holder = new Holder(this.session);
    this.session.attach(this.holder);
    return this;
  }

  lose(): void {
    this.online = false;
    for (const step of this.queue.splice(0)) if (this.chance() < 0.5) step(); // some of it still arrives
    this.queue = [];
    for (const lost of this.#pending) lost(); // as the connection does with what was sent and not answered
    this.#pending.clear();
    this.session.lost();
  }

  comeBack(): void {
    this.online = true;
    void this.session.resume();
  }

  leave(): void {
    this.authority.listeners.delete(this.#listener);
  }
}

const settle = async (...people: Person[]): Promise<void> => {
  for (let quiet = 0; quiet < 5; ) {
    const step = people.map((person) => person.queue.shift()).filter((one) => one !== undefined);
    step.forEach((one) => one());
    await Promise.resolve();
    await Promise.resolve();
    quiet = step.length === 0 ? quiet + 1 : 0;
  }
};

function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

describe('shared document', () => {
  it('brings what one types to the other', async () => {
    const authority = new Authority('hello');
    const [a, b] = [await new Person(authority).join(), await new Person(authority).join()];
    a.holder.insert(5, ' world');
    expect(statusWords(a.session.status.value).text).toBe('Saving…');
    await settle(a, b);
    expect([b.holder.text, authority.text.toString()]).toEqual(['hello world', 'hello world']);
    a.session.saved(authority.version);
    a.session.changed();
    expect(statusWords(a.session.status.value).text).toBe('Saved');
  });

  it('keeps both when two type at once, in one order for all', async () => {
    const authority = new Authority('abc');
    const [a, b] = [await new Person(authority).join(), await new Person(authority).join()];
    a.holder.insert(0, 'A');
    b.holder.insert(3, 'B');
    a.holder.insert(1, 'a');
    await settle(a, b);
    expect([a.holder.text, b.holder.text, authority.text.toString()]).toEqual(['AaabcB', 'AaabcB', 'AaabcB']);
    expect(a.session.status.value.unconfirmed).toBe(0);
  });

  it('keeps what was typed while the connection was away', async () => {
    const authority = new Authority('one\ntwo\n');
    const [a, b] = [await new Person(authority).join(), await new Person(authority).join()];
    a.lose();
    a.holder.insert(0, 'A');
    expect(statusWords(a.session.status.value).text).toBe('Offline: 1 change kept in this browser');
    b.holder.insert(8, 'B');
    await settle(b);
    a.comeBack();
    await settle(a, b);
    expect(a.holder.text).toBe('Aone\ntwo\nB');
    expect([b.holder.text, authority.text.toString()]).toEqual([a.holder.text, a.holder.text]);
  });

  it('does not apply a change twice whose answer got lost', async () => {
    const authority = new Authority('');
    const a = await new Person(authority).join();
    a.holder.insert(0, 'x');
    await Promise.resolve();
    a.queue.shift()!(); // the push arrives, nothing comes back
    expect(authority.text.toString()).toBe('x');
    a.lose();
    a.comeBack();
    await settle(a);
    expect([authority.text.toString(), a.holder.text, a.session.status.value.unconfirmed]).toEqual(['x', 'x', 0]);
  });

  it('merges with the text of a server that lost its history', async () => {
    const authority = new Authority('first\nmiddle\nlast\n');
    const a = await new Person(authority).join();
    a.holder.dispatch({ selection: { anchor: 12 } });
    a.lose();
    a.holder.insert(12, ' (mine)');
    authority.restart('e2', 'FIRST line\nmiddle\nlast\nmore\n');
    a.comeBack();
    await settle(a);
    expect(a.holder.text).toBe('FIRST line\nmiddle (mine)\nlast\nmore\n');
    expect(authority.text.toString()).toBe(a.holder.text);
    a.holder.insert(0, '!');
    await settle(a);
    expect([authority.text.toString()[0], a.session.epoch]).toEqual(['!', 'e2']);
  });

  it('opens anew when its version is older than the history that is kept', async () => {
    const authority = new Authority('x', { kept: 2 });
    const [a, b] = [await new Person(authority).join(), await new Person(authority).join()];
    a.lose();
    a.holder.insert(0, 'A');
    for (let count = 0; count < 6; ++count) {
      b.holder.insert(b.holder.state.doc.length, String(count));
      await settle(b);
    }
    a.comeBack();
    await settle(a, b);
    expect([a.holder.text, b.holder.text, authority.text.toString()]).toEqual(['Ax012345', 'Ax012345', 'Ax012345']);
  });

  it('notices updates that it missed', async () => {
    const authority = new Authority('');
    const [a, b] = [await new Person(authority).join(), await new Person(authority).join()];
    b.holder.insert(0, '1');
    await settle(b);
    a.queue = [];
    b.holder.insert(1, '2');
    await settle(a, b);
    expect(a.holder.text).toBe('12');
  });

  it('takes over what was written to the file', async () => {
    const authority = new Authority('a\nb\n');
    const a = await new Person(authority).join();
    authority.disk('a\nB\n');
    await settle(a);
    expect([a.holder.text, a.session.status.value.unconfirmed]).toEqual(['a\nB\n', 0]);
  });

  it('continues a draft after a reload, and only its own changes', async () => {
    const authority = new Authority('base\n');
    const a = await new Person(authority).join();
    const b = await new Person(authority).join();
    a.holder.insert(0, 'sent ');
    await settle(a, b);
    a.lose();
    a.holder.insert(5, 'kept ');
    a.holder.insert(10, 'too ');
    const draft = a.session.takeDraft(1)!;
    a.leave();
    b.holder.insert(b.holder.state.doc.length, 'B');
    await settle(b);
    const reloaded = await new Person(authority, JSON.parse(JSON.stringify(draft)) as Draft).join();
    await settle(reloaded, b);
    expect(reloaded.holder.text).toBe('sent kept too base\nB');
    expect([b.holder.text, reloaded.session.takeDraft(2)]).toEqual(['sent kept too base\nB', null]);
  });

  it('does not repeat the part of a draft that had arrived', async () => {
    const authority = new Authority('');
    const a = await new Person(authority).join();
    a.holder.insert(0, 'x');
    await Promise.resolve();
    const draft = a.session.takeDraft(1)!;
    a.queue.shift()!();
    a.leave();
    const reloaded = await new Person(authority, draft).join();
    await settle(reloaded);
    expect([reloaded.holder.text, authority.text.toString()]).toEqual(['x', 'x']);
  });

  it('puts the draft of a window that is gone on top of a later text', () => {
    const base = 'alpha\nbeta\n';
    const changes = ChangeSet.of({ from: 5, insert: '!' }, base.length).toJSON();
    const draft: Draft = { epoch: 'e', version: 0, clientID: 'c', base, updates: [{ changes, id: '1' }], time: 0 };
    const present = Text.of(['zero', 'alpha', 'BETA', '']);
    expect(changesOf(draft, present).apply(present).toString()).toBe('zero\nalpha!\nBETA\n');
  });

  it('agrees after a storm of edits, losses and returns', async () => {
    for (let seed = 1; seed <= 40; ++seed) {
      const next = random(seed);
      const authority = new Authority('The quick brown fox\njumps over\nthe lazy dog\n', {
        kept: seed % 3 === 0 ? 5 : 10_000,
      });
      const people: Person[] = [];
      for (let count = 0; count < 3; ++count) people.push(await new Person(authority).join());
      for (const person of people) person.chance = next;
      let marks = 0;
      const typed: string[] = [];
      for (let round = 0; round < 150; ++round) {
        const person = people[Math.floor(next() * people.length)]!;
        const dice = next();
        const length = person.holder.state.doc.length;
        if (dice < 0.55) {
          const mark = `<${seed}.${marks++}>`;
          typed.push(mark);
          person.holder.insert(Math.floor(next() * (length + 1)), mark);
        } else if (dice < 0.62 && person.online) person.lose();
        else if (dice < 0.75 && !person.online) person.comeBack();
        else if (dice < 0.78 && seed % 4 === 0) {
          authority.restart(`e${round}`);
          for (const one of people) {
            one.lose();
            one.comeBack();
          }
        } else person.queue.shift()?.();
        await Promise.resolve();
      }
      for (const person of people) if (!person.online) person.comeBack();
      await settle(...people);
      for (const person of people) person.comeBack();
      await settle(...people);
      const text = authority.text.toString();
      for (const person of people) expect(person.holder.text, `seed ${seed}`).toBe(text);
      // Marks may be split by others typing inside them; their digits and brackets are all there, once.
      const count = (all: string, letter: string): number => all.split(letter).length - 1;
      for (const letter of '<>.0123456789') {
        const [there, wanted] = [count(text, letter), count(typed.join(''), letter)];
        // A server that forgot its history cannot know what it took: then nothing may be lost, but something may come twice.
        if (seed % 4 === 0) expect(there, `seed ${seed} ${letter}`).toBeGreaterThanOrEqual(wanted);
        else expect(there, `seed ${seed} ${letter}`).toBe(wanted);
      }
    }
  });
});

describe('difference of texts', () => {
  it('is exact for any two texts and keeps separate places apart', () => {
    const pairs: [string, string][] = [
      ['', ''],
      ['', 'a'],
      ['a', ''],
      ['a\n', 'a'],
      ['a', 'a\n'],
      ['a\nb\nc', 'a\nB\nc'],
      ['a\nb\nc\nd\ne', 'A\nb\nc\nd\nE'],
      ['a\nb\nc\n', 'b\nc\nd\n'],
      ['x\nx\nx', 'x\ny\nx\nx'],
      ['a\nb', 'c\nd\ne'],
      ['same\n1\nsame', 'same\nsame'],
      ['a\n\nb\n\n', '\na\n\nb'],
    ];
    const next = random(7);
    const line = (): string => 'abc'[Math.floor(next() * 3)]!.repeat(Math.floor(next() * 3));
    for (let count = 0; count < 400; ++count)
      pairs.push([
        Array.from({ length: next() * 8 }, line).join('\n'),
        Array.from({ length: next() * 8 }, line).join('\n'),
      ]);
    for (const [before, after] of pairs) {
      const [a, b] = [Text.of(before.split('\n')), Text.of(after.split('\n'))];
      expect(changeBetween(a, b).apply(a).toString(), JSON.stringify([before, after])).toBe(b.toString());
    }
    const a = Text.of('a\nb\nc\nd\ne'.split('\n'));
    const places: number[] = [];
    changeBetween(a, Text.of('A\nb\nc\nd\nE'.split('\n'))).iterChanges((from) => places.push(from));
    expect(places).toEqual([0, 8]);
  });
});
