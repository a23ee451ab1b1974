import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { TestSocket } from './surroundings';

const sockets: TestSocket[] = [];
const nothing = (): void => undefined;

beforeAll(() => {
  vi.useFakeTimers();
  vi.stubGlobal('location', { protocol: 'http:', host: 'x' });
  vi.stubGlobal('addEventListener', nothing);
  vi.stubGlobal('document', { addEventListener: nothing });
  vi.stubGlobal(
    'WebSocket',
    class extends TestSocket {
      constructor() {
        super();
        sockets.push(this);
      }
    },
  );
});
afterAll(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

it('subscribes once a connection, and applies no change of an earlier one', async () => {
  const { projects, startApp } = await import('../../src/state/app');
  const row = (title: string) => ({ project_id: 'p', title });
  const titles = (): string[] => projects.value.sorted.map(({ title }) => title);
  startApp();
  const hello = { event: 'hello', account: { account_id: 'a' } };
  sockets[0]!.push(hello);
  sockets[0]!.push({ event: 'changes', subscription: 1, changes: [{ op: 'upsert', row: row('old') }] });
  sockets[0]!.lose();
  await vi.advanceTimersByTimeAsync(1000);
  sockets[1]!.push(hello);
  expect(sockets[1]!.methods()).toEqual(['subscribe']);
  sockets[1]!.push({ event: 'changes', subscription: 1, changes: [{ op: 'upsert', row: row('newest') }] });
  sockets[1]!.answer('subscribe', { subscription: 1, rows: [row('new')] });
  await vi.advanceTimersByTimeAsync(0);
  expect(titles()).toEqual(['newest']);
  sockets[1]!.lose();
  expect(projects.value.phase).toBe('stale');
  await vi.advanceTimersByTimeAsync(1000);
  sockets[2]!.push(hello);
  sockets[2]!.answer('subscribe', { subscription: 1, rows: [row('later')] });
  await vi.advanceTimersByTimeAsync(0);
  expect(titles()).toEqual(['later']);
});
