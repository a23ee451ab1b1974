import { describe, expect, it } from 'vitest';
import { ago, bytes, duration, initials, plural } from '../../src/lib/format';
import { logSentence } from '../../src/lib/log-words';
import { match } from '../../src/lib/match';
import { freeName, kindOf, nameProblem, sortEntries } from '../../src/lib/paths';
import { fieldOf } from '../../src/net/auth';
import type { ProjectRow } from '../../src/net/protocol';
import { applyChanges, searchProjects, sortProjects, stateOf } from '../../src/state/projects';
import { controlOf, rowKeys } from '../../src/terminal/keys';
import { visibleRows } from '../../src/ui/virtual';

describe('words and figures', () => {
  it('sizes', () => {
    expect([0, 999, 1000, 9949, 48_211, 999_499, 999_500, 1_840_221, 5e12].map(bytes)).toEqual([
      '0 B',
      '999 B',
      '1.0 kB',
      '9.9 kB',
      '48 kB',
      '999 kB',
      '1.0 MB',
      '1.8 MB',
      '5.0 TB',
    ]);
  });
  it('durations', () => {
    expect([-5, 0, 994, 995, 1449, 59_949, 60_000, 125_000, 3_599_800, 3_600_000, 12_000_000].map(duration)).toEqual([
      '0 ms',
      '0 ms',
      '994 ms',
      '1.0 s',
      '1.4 s',
      '59.9 s',
      '1 min',
      '2 min 5 s',
      '60 min',
      '1 h',
      '3 h 20 min',
    ]);
  });
  it('times ago', () => {
    const now = new Date(2026, 5, 15, 12).getTime();
    expect(ago(now - 10_000, now)).toBe('just now');
    expect(ago(now - 240_000, now)).toBe('4 min ago');
    expect(ago(now - 3 * 3_600_000, now)).toBe('3 h ago');
    expect(ago(now - 26 * 3_600_000, now)).toBe('yesterday');
    expect(ago(now - 3 * 86_400_000, now)).toBe('3 days ago');
    expect(ago(now - 400 * 86_400_000, now, 'en-GB')).toMatch(/2025$/);
  });
  it('people and counts', () => {
    expect(['Ada Marek', 'ada', ' Anna von der Tann ', ''].map(initials)).toEqual(['AM', 'A', 'AT', '?']);
    expect([plural(1, 'project'), plural(2, 'entry', 'entries'), plural(12_000, 'file')]).toEqual([
      '1 project',
      '2 entries',
      '12,000 files',
    ]);
  });
  it('log entries', () => {
    const entry = (event: Record<string, unknown>) => ({ id: '1', time: 0, account_id: null, event });
    expect(logSentence(entry({ event: 'start_requested' }))).toBe('asked to start the project');
    expect(logSentence(entry({ event: 'settings_changed', title: 'New' }))).toBe('renamed the project to “New”');
    expect(
      logSentence(entry({ event: 'collaborator_added', account_id: 'b' }), (id) => (id === 'b' ? 'Ben' : undefined)),
    ).toBe('added Ben');
    expect(logSentence(entry({ event: 'something_new' }))).toBe('something new');
  });
  it('puts a refusal beside its field', () => {
    expect(fieldOf('The password is too short: use at least 8 characters.')).toBe('password');
    expect(fieldOf('Enter your e-mail address.')).toBe('email');
    expect(fieldOf('Enter your first name.')).toBe('firstName');
    expect(fieldOf('Try again in a minute.')).toBeNull();
  });
});

describe('names of files', () => {
  const taken = new Set(['a.txt', 'b', 'a 2.txt']);
  it('refuses what cannot be a name, in words', () => {
    for (const name of ['', '  ', '.', '..', 'a/b', 'x'.repeat(256), 'b'])
      expect(nameProblem(name, taken), name).toBeTruthy();
    for (const name of ['c', '.hidden', 'with space', 'ü.md', '-x']) expect(nameProblem(name, taken), name).toBeNull();
  });
  it('numbers a name that exists', () => {
    expect([freeName('c', taken), freeName('a.txt', taken), freeName('b', taken)]).toEqual(['c', 'a 3.txt', 'b 2']);
  });
  it('sorts folders first and numbers by value', () => {
    const entry = (name: string, type = 'file', size = 0) => ({ name, type, size, mtime: 0 });
    const list = [entry('run10'), entry('run9'), entry('z', 'directory'), entry('A')];
    expect(sortEntries([entry('a'), { ...entry('b', 'link'), target: 'directory' }], 'name', true)[0]!.name).toBe('b');
    expect(sortEntries(list, 'name', true).map((one) => one.name)).toEqual(['z', 'A', 'run9', 'run10']);
    expect(sortEntries(list, 'name', false).map((one) => one.name)).toEqual(['z', 'run10', 'run9', 'A']);
    expect(sortEntries([entry('a', 'file', 3), entry('b', 'file', 9)], 'size', false)[0]!.name).toBe('b');
  });
  it('sorts many as it sorts few', () => {
    const names = ['a', 'B', 'b2', 'b10', 'B1', 'file-9', 'file-10', 'z'];
    const many = Array.from({ length: 3000 }, (_, index) => `x${index}`);
    const list = [...many, ...names].reverse().map((name) => ({ name, type: 'file', size: 0, mtime: 0 }));
    const sorted = sortEntries(list, 'name', true).map((one) => one.name);
    expect(sorted.filter((name) => !name.startsWith('x'))).toEqual([
      'a',
      'B',
      'B1',
      'b2',
      'b10',
      'file-9',
      'file-10',
      'z',
    ]);
    expect(sorted.filter((name) => name.startsWith('x'))).toEqual(many);
  });
  it('knows what opening means', () => {
    const kinds = (...entries: [string, string?, string?][]): string[] =>
      entries.map(([name, type = 'file', target]) => kindOf({ name, type, ...(target && { target }) }));
    expect(kinds(['x', 'directory'], ['p.PNG'], ['README'], ['.bashrc'], ['a.tar.gz'])).toEqual([
      'folder',
      'image',
      'text',
      'text',
      'archive',
    ]);
    expect(kinds(['x', 'link', 'directory'], ['p.png', 'link', 'file'], ['gone', 'link'])).toEqual([
      'folder',
      'image',
      'text',
    ]);
  });
});

describe('palette', () => {
  it('finds letters in order and prefers words', () => {
    expect(match('New terminal', 'nt')).not.toBeNull();
    expect(match('New terminal', 'tn')).not.toBeNull();
    expect(match('New terminal', 'xq')).toBeNull();
    expect(match('src/fit.py', 'fit')!.at).toEqual([4, 5, 6]);
    expect(match('fit', 'fit')!.score).toBeGreaterThan(match('outfit', 'fit')!.score);
    expect(match('New terminal', 'nt')!.score).toBeGreaterThan(match('content', 'nt')!.score - 1000);
  });
});

describe('projects', () => {
  const row = (fields: Partial<ProjectRow>): ProjectRow => ({
    project_id: 'p',
    title: 'T',
    description: '',
    state: { state: 'opened' },
    status: null,
    action_request: null,
    users: {},
    collaborators: [],
    last_edited: null,
    last_active: null,
    created: null,
    deleted: false,
    ...fields,
  });
  const asked = (action: 'start' | 'stop' | 'restart', rest = {}) => ({
    action,
    time: '2026-01-01T00:00:00Z',
    started: null,
    finished: null,
    ...rest,
  });

  it('applies changes by key', () => {
    const rows = new Map([['a', row({ project_id: 'a' })]]);
    const after = applyChanges(rows, [
      { op: 'upsert', row: row({ project_id: 'b' }) },
      { op: 'delete', key: 'a' },
    ]);
    expect([...after.keys()]).toEqual(['b']);
    expect([...rows.keys()]).toEqual(['a']);
  });
  it('answers a press at once', () => {
    expect(stateOf(row({ action_request: asked('start') })).word).toBe('Queued');
    expect(stateOf(row({ action_request: asked('start', { started: 'x' }) })).word).toBe('Starting');
    expect(stateOf(row({ state: { state: 'running' }, action_request: asked('stop') })).word).toBe('Stopping');
    expect(stateOf(row({ state: { state: 'running' }, action_request: asked('restart') })).word).toBe('Restarting');
    expect(stateOf(row({ state: { state: 'running' }, action_request: asked('start', { finished: 'x' }) })).tone).toBe(
      'running',
    );
  });
  it('tells a failure with its reason, and forgets an old one when it runs', () => {
    const failed = asked('start', { finished: 'x', err: 'No room.' });
    expect(stateOf(row({ action_request: failed }))).toEqual({ tone: 'failed', word: 'Failed', reason: 'No room.' });
    expect(stateOf(row({ state: { state: 'running' }, action_request: failed })).tone).toBe('running');
    expect(stateOf(row({ state: null })).word).toBe('Stopped');
  });
  it('searches title, people and state, all words', () => {
    const rows = [
      row({ title: 'Line fits', collaborators: [{ account_id: '1', name: 'Ben Okafor' }] }),
      row({ title: 'Thesis', state: { state: 'running' } }),
    ];
    expect(searchProjects(rows, 'FITS ben').length).toBe(1);
    expect(searchProjects(rows, 'running')[0]!.title).toBe('Thesis');
    expect(searchProjects(rows, '  ').length).toBe(2);
    expect(searchProjects(rows, 'ben thesis').length).toBe(0);
  });
  it('orders by last use', () => {
    const rows = [
      row({ title: 'old', last_edited: '2020-01-01' }),
      row({ title: 'new', created: '2026-01-01' }),
      row({ title: 'asked', last_edited: '2019-01-01', action_request: { time: '2027-01-01' } }),
    ];
    expect(sortProjects(rows).map((one) => one.title)).toEqual(['asked', 'new', 'old']);
  });
});

describe('keys of the row on phones', () => {
  it('makes control characters', () => {
    expect([
      controlOf('c'),
      controlOf('C'),
      controlOf('['),
      controlOf(' '),
      controlOf('?'),
      controlOf('1'),
      controlOf('ab'),
    ]).toEqual(['\x03', '\x03', '\x1b', '\0', '\x7f', '1', 'ab']);
    const up = rowKeys.find((key) => key.name === 'Up')!;
    expect([up.data(true), up.data(false)]).toEqual(['\x1bOA', '\x1b[A']);
  });
});

describe('virtual list', () => {
  it('draws what is seen and a little more', () => {
    expect(visibleRows(0, 400, 40, 100_000)).toEqual({ first: 0, last: 18 });
    expect(visibleRows(40_000, 400, 40, 100_000)).toEqual({ first: 992, last: 1018 });
    expect(visibleRows(1e9, 400, 40, 10)).toEqual({ first: 10, last: 10 });
  });
});
