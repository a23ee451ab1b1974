import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { Cell } from '../../src/lib/cell';
import { Connection } from '../../src/net/connection';
import { RpcError, type LinkState } from '../../src/net/link';
import { Api, type Entry, type ProjectMethods } from '../../src/net/protocol';
import { filesOf, ProjectFiles } from '../../src/state/project-files';
import type { ProjectSession } from '../../src/state/project';
import { TestSurroundings } from './surroundings';

/** A project whose lists are answered when the test says, with what is there at that moment or was before. */
function project(watch: () => Promise<unknown> = () => Promise.resolve({})) {
  const asked: { path: string; answer(names: string[]): Promise<void> }[] = [];
  let changed: (push: Record<string, unknown>) => void = () => undefined;
  const api = {
    call: (method: string, { path }: { path: string }) =>
      method !== 'files.list'
        ? watch()
        : new Promise((resolve) => {
            const answer = async (names: string[]): Promise<void> => {
              resolve({ entries: names.map((name) => ({ name }) as Entry) });
              for (let turn = 0; turn < 5; ++turn) await Promise.resolve();
            };
            asked.push({ path, answer });
          }),
  };
  const link = {
    state: new Cell<LinkState>({ phase: 'open' }),
    on: (_event: string, handler: typeof changed) => (changed = handler),
    onResume: () => undefined,
  };
  const files = new ProjectFiles({ api, link } as unknown as ProjectSession);
  return {
    files,
    asked,
    changed: (path: string) => changed({ path }),
    shown: (path: string) => files.listing(path).value.entries.map(({ name }) => name),
  };
}

describe('the list of a folder', () => {
  it('never goes back to an older answer, however many changes are told while it is asked for', async () => {
    const { files, asked, changed, shown } = project();
    files.show('');
    changed('');
    changed('');
    expect(asked.length).toBe(1); // two at once could be answered in either order
    await asked[0]!.answer(['old']);
    expect(asked.length).toBe(2); // what changed since the first was asked for
    await asked[1]!.answer(['old', 'new']);
    expect(shown('')).toEqual(['old', 'new']);
    expect(asked.length).toBe(2);
    changed('');
    await asked[2]!.answer([]);
    expect(shown('')).toEqual([]);
  });

  it('of one folder does not wait for that of another', async () => {
    const { files, asked, shown } = project();
    files.show('');
    files.show('folder');
    expect(asked.map(({ path }) => path)).toEqual(['', 'folder']);
    await asked[1]!.answer(['inner']);
    expect(shown('folder')).toEqual(['inner']);
  });

  it('is asked for again and again where it cannot be watched, as long as it is shown', async () => {
    vi.useFakeTimers();
    const { files, asked } = project(() => Promise.reject(new RpcError('overloaded', 'Too many folders.')));
    const hide = files.show('');
    await asked[0]!.answer([]);
    await vi.advanceTimersByTimeAsync(5000);
    expect(asked.length).toBe(2);
    await asked[1]!.answer([]);
    await vi.advanceTimersByTimeAsync(5000);
    expect(asked.length).toBe(3);
    await asked[2]!.answer([]);
    hide();
    await vi.advanceTimersByTimeAsync(20_000);
    expect(asked.length).toBe(3);
    vi.useRealTimers();
  });

  it('is up to date when a refresh has ended', async () => {
    const { files, asked, shown } = project();
    files.show('');
    let done = false;
    const refreshed = files.refresh('').then(() => (done = true));
    await asked[0]!.answer(['before']);
    expect(done).toBe(false);
    await asked[1]!.answer(['after']);
    await refreshed;
    expect(shown('')).toEqual(['after']);
  });
});

const leaving = new Set<unknown>();
beforeAll(() => {
  vi.stubGlobal('addEventListener', (event: string) => leaving.add(event));
  vi.stubGlobal('removeEventListener', (event: string) => leaving.delete(event));
});
afterAll(() => vi.unstubAllGlobals());

const entry = (name: string) => ({ name, type: 'file', size: 1, mtime: 0, mode: 0 });

it('overwrites nothing: what is dropped gets a free name, folders as a whole', async () => {
  const around = new TestSurroundings();
  const link = new Connection('ws://x', around, { heartbeat: 'status' });
  const session = { id: 'p', link, api: new Api<ProjectMethods>(link) } as ProjectSession;
  const files = filesOf(session);
  expect(filesOf(session)).toBe(files);
  link.start();
  around.last.hello();
  const paths = (): string[] => files.uploads.value.map((upload) => upload.path);
  const drop = (...names: string[]) =>
    files.upload(
      '',
      names.map((path) => ({ path, file: new Blob([]) })),
    );
  const first = drop('a.txt', 'data/x', 'data/y/z', 'new/x');
  around.last.answer('files.list', { entries: [entry('a.txt'), entry('data')] });
  await first;
  expect(paths()).toEqual(['a 2.txt', 'data 2/x', 'data 2/y/z', 'new/x']);
  expect(leaving).toContain('beforeunload');
  await drop('a.txt');
  expect(paths().at(-1), 'not the name of one that is under way').toBe('a 3.txt');
  for (const upload of [...files.uploads.value]) files.dismiss(upload);
});
