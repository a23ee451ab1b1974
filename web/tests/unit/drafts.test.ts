import 'fake-indexeddb/auto';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { documentName, forget, keep, leave, orphans, returnTo, type Draft } from '../../src/editor/drafts';

const name = documentName('p', 'a/b.txt');
const draft = (clientID: string, time: number): Draft => ({
  epoch: 'e',
  version: 1,
  clientID,
  base: 'text',
  updates: [{ changes: [4, [0, '!']], id: '1' }],
  time,
});

beforeEach(() => {
  const kept = new Map<string, string>();
  vi.stubGlobal('sessionStorage', {
    getItem: (key: string) => kept.get(key) ?? null,
    setItem: (key: string, value: string) => kept.set(key, value),
    removeItem: (key: string) => kept.delete(key),
  });
});

describe('drafts', () => {
  it('of windows that are gone are found, oldest first, those of living ones are not', async () => {
    await keep(name, draft('new', 70_000));
    await keep(name, draft('old', 50_000));
    await keep(name, draft('alive', 99_000));
    await keep(documentName('p', 'other'), draft('other', 0));
    const found = async (): Promise<string[]> => (await orphans(name, 100_000)).map((one) => one.clientID);
    expect(await found()).toEqual(['old', 'new']);
    await keep(name, draft('old', 99_500)); // its window wrote again
    expect(await found()).toEqual(['new']);
    await forget(name, 'new');
    expect(await found()).toEqual([]);
  });

  it('left by a reload are taken once', () => {
    leave(name, draft('c', 1));
    expect(returnTo(documentName('p', 'other'))).toBeNull();
    expect(returnTo(name)).toEqual(draft('c', 1));
    expect(returnTo(name)).toBeNull();
  });

  it('are no trouble where the browser refuses storage', async () => {
    const refuse = (): never => {
      throw new Error('refused');
    };
    vi.stubGlobal('sessionStorage', { getItem: refuse, setItem: refuse, removeItem: refuse });
    leave(name, draft('c', 1));
    expect(returnTo(name)).toBeNull();
    vi.spyOn(IDBDatabase.prototype, 'transaction').mockImplementation(refuse);
    await keep(name, draft('c', 1));
    expect(await orphans(name, 100_000)).toEqual([]);
    vi.restoreAllMocks();
  });
});
