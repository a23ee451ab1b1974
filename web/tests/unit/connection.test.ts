import { beforeEach, describe, expect, it, vi } from 'vitest';
import { backoff, defaultBackoff } from '../../src/lib/backoff';
import { Connection } from '../../src/net/connection';
import { RpcError } from '../../src/net/link';
import { TestSurroundings } from './surroundings';

let around: TestSurroundings;
let connection: Connection;

beforeEach(() => {
  around = new TestSurroundings();
  connection = new Connection('ws://x/hub', around, { heartbeat: 'ping' });
});

function opened(): void {
  connection.start();
  around.last.hello();
}

const code = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'answered',
    (error: RpcError) => error.code,
  );

describe('back-off', () => {
  it('grows to its limit and never stays away longer', () => {
    for (let attempt = 0; attempt < 60; ++attempt)
      for (const random of [0, 0.5, 0.999]) {
        const ms = backoff(attempt, random);
        expect(ms).toBeGreaterThanOrEqual(attempt === 0 ? 0 : 150);
        expect(ms).toBeLessThanOrEqual(defaultBackoff.most);
      }
    expect(backoff(50, 0)).toBe(defaultBackoff.most / 2);
  });
});

describe('connection', () => {
  it('is open at hello, not before', () => {
    connection.start();
    expect(connection.state.value.phase).toBe('connecting');
    around.last.hello();
    expect(connection.state.value.phase).toBe('open');
  });

  it('matches answers to requests by id, in any order', async () => {
    opened();
    const [a, b] = [connection.request('one', {}), connection.request('two', {})];
    around.last.answer('two', 2);
    around.last.answer('one', 1);
    expect(await Promise.all([a, b])).toEqual([1, 2]);
  });

  it('gives each request a trace of its own when it is asked to, and failures say it', async () => {
    connection = new Connection('ws://x/hub', around, { heartbeat: 'ping', traced: true });
    opened();
    const failed = connection.request('one', {});
    const other = connection.request('two', {}, { timeoutMs: 5 });
    const [one, two] = around.last.sent.map((sent) => (sent as { traceparent?: string }).traceparent ?? '');
    for (const parent of [one, two]) expect(parent).toMatch(/^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-01$/);
    expect(one).not.toBe(two);
    around.last.push({ id: around.last.sent[0]!.id, error: { code: 'denied', message: 'No.' } });
    around.advance(10);
    await expect(failed).rejects.toMatchObject({ trace: one!.slice(3, 35) });
    await expect(other).rejects.toMatchObject({ code: 'timed_out', trace: two!.slice(3, 35) });
  });

  it('goes on when a part of the page fails: the others are told, and what waited is sent', () => {
    const reported: unknown[] = [];
    vi.stubGlobal('reportError', (error: unknown) => reported.push(error));
    const told: string[] = [];
    const fail = (): never => {
      throw new Error('in trouble');
    };
    for (const handler of [fail, () => void told.push('resume')]) connection.onResume(handler);
    for (const handler of [fail, () => void told.push('bytes')]) connection.onBinary(handler);
    for (const handler of [fail, () => void told.push('event')]) connection.on('event', handler);
    void connection.request('one', {});
    opened();
    around.last.bytes([1]);
    around.last.push({ event: 'event' });
    expect(told).toEqual(['resume', 'bytes', 'event']);
    expect(around.last.methods()).toEqual(['one']);
    expect(reported).toHaveLength(3);
    vi.unstubAllGlobals();
  });

  it('asks for its address anew at each attempt', () => {
    let count = 0;
    const urls: string[] = [];
    const open = around.open.bind(around);
    around.open = (url?: string) => {
      urls.push(url ?? '');
      return open();
    };
    connection = new Connection(() => `ws://x/ws?${++count}`, around, { heartbeat: 'ping' });
    opened();
    around.last.lose();
    around.advance(5000);
    expect(urls).toEqual(['ws://x/ws?1', 'ws://x/ws?2']);
  });

  it('hands on refusals with code and sentence', async () => {
    opened();
    const refused = connection.request('one', {});
    around.last.push({ id: around.last.sent[0]!.id, error: { code: 'denied', message: 'Only owners may do this.' } });
    await expect(refused).rejects.toMatchObject({ code: 'denied', message: 'Only owners may do this.' });
  });

  it('keeps requests made without a connection and sends them after subscriptions', async () => {
    const early = connection.request('one', { a: 1 });
    connection.onResume(() => void connection.request('subscribe', {}));
    opened();
    expect(around.last.methods()).toEqual(['subscribe', 'one']);
    around.last.answer('one', 'done');
    expect(await early).toBe('done');
  });

  it('repeats only what is safe when an answer got lost', async () => {
    opened();
    const safe = connection.request('list', {}, { safe: true });
    const unsafe = code(connection.request('create', {}));
    around.last.lose();
    expect(await unsafe).toBe('disconnected');
    around.advance(1000);
    around.last.hello();
    expect(around.last.methods()).toEqual(['list']);
    around.last.answer('list', []);
    expect(await safe).toEqual([]);
  });

  it('fails a request that waits too long, in words', async () => {
    connection.start();
    const waiting = connection.request('one', {}, { timeoutMs: 5000 });
    around.advance(5000);
    await expect(waiting).rejects.toMatchObject({
      code: 'timed_out',
      message: expect.stringContaining('nothing was changed') as string,
    });
    around.last.hello();
    expect(around.last.sent).toEqual([]);
    const tried = connection.request('two', {}, { safe: true, timeoutMs: 500 });
    around.last.lose();
    around.refuse = true;
    around.advance(500);
    await expect(tried).rejects.toMatchObject({
      code: 'timed_out',
      message: expect.stringContaining('Check whether it was done') as string,
    });
  });

  it('comes back with growing pauses and remembers since when it is away', () => {
    opened();
    around.advance(500);
    const lostAt = around.time;
    around.last.lose();
    const pauses: number[] = [];
    for (let round = 0; round < 6; ++round) {
      const state = connection.state.value;
      if (state.phase !== 'waiting') throw new Error(state.phase);
      expect(state.lostAt).toBe(lostAt);
      pauses.push(state.retryAt - around.time);
      around.advance(state.retryAt - around.time);
      expect(connection.state.value.phase).toBe('connecting');
      around.last.lose();
    }
    expect(pauses).toEqual([...pauses].sort((a, b) => a - b));
    expect(pauses[0]).toBeLessThan(1000);
    const count = around.sockets.length;
    connection.retryNow();
    expect(around.sockets.length).toBe(count + 1);
    around.last.hello();
    around.last.lose();
    const again = connection.state.value;
    expect(again.phase === 'waiting' && again.retryAt - around.time).toBe(pauses[0]);
  });

  it('gives up on a server that never says hello, and on a browser that refuses', () => {
    connection.start();
    around.advance(10_000);
    expect(connection.state.value.phase).toBe('waiting');
    around.refuse = true;
    around.advance(60_000);
    expect(connection.state.value.phase).toBe('waiting');
    around.refuse = false;
    around.advance(20_000);
    around.last.hello();
    expect(connection.state.value.phase).toBe('open');
  });

  it('finds a dead link by its silence', () => {
    opened();
    around.advance(20_000);
    expect(around.last.methods()).toEqual(['ping']);
    around.last.answer('ping', {});
    around.advance(20_000);
    expect(around.last.methods()).toEqual(['ping', 'ping']);
    around.advance(8_000);
    expect(connection.state.value.phase).toBe('waiting');
    expect(around.last.closed).toBe(true);
  });

  it('asks at once after a sleep', () => {
    opened();
    const socket = around.last;
    connection.check();
    expect(socket.methods()).toEqual(['ping']);
    around.advance(3000);
    expect(socket.closed).toBe(true);
    expect(connection.state.value.phase).not.toBe('open');
    around.last.lose();
    connection.check();
    expect(connection.state.value.phase).toBe('connecting');
  });

  it('stays away when the session ended', async () => {
    opened();
    const waiting = code(connection.request('one', {}, { safe: true }));
    around.last.lose(4401);
    expect(await waiting).toBe('unauthenticated');
    around.advance(60_000);
    expect(around.sockets.length).toBe(1);
    expect(await code(connection.request('two', {}))).toBe('unauthenticated');
    connection.start();
    expect(around.sockets.length).toBe(2);
  });

  it('moves to another hub within the time it is given', () => {
    opened();
    around.last.push({ event: 'moving', after_ms: 4000 });
    around.advance(1999);
    expect(connection.state.value.phase).toBe('open');
    around.advance(1);
    expect(connection.state.value.phase).toBe('waiting');
    around.advance(1000);
    expect(around.sockets.length).toBe(2);
  });

  it('ignores the last words of a socket that was given up, and text that is no JSON', () => {
    opened();
    const old = around.last;
    const seen: unknown[] = [];
    connection.on('changes', (push) => seen.push(push.n));
    old.push({ event: 'changes', n: 1 });
    old.onmessage?.({ data: 'Bad gateway' });
    const speak = old.onmessage!;
    old.lose();
    around.advance(1000);
    around.last.hello();
    speak({ data: JSON.stringify({ event: 'changes', n: 2 }) });
    around.last.push({ event: 'changes', n: 3 });
    expect(seen).toEqual([1, 3]);
  });

  it('carries bytes both ways', () => {
    connection.start();
    expect(connection.sendBinary(new Uint8Array([1]))).toBe(false);
    around.last.hello();
    const seen: number[][] = [];
    connection.onBinary((data) => seen.push([...data]));
    around.last.bytes([1, 0, 0, 0, 7, 65]);
    expect(seen).toEqual([[1, 0, 0, 0, 7, 65]]);
    expect(connection.sendBinary(new Uint8Array([9]))).toBe(true);
    expect([...around.last.binary[0]!]).toEqual([9]);
  });

  it('gives nothing to a socket that has begun to close: what is asked then waits for the next', async () => {
    opened();
    const closing = around.last;
    closing.readyState = 2;
    expect(connection.sendBinary(new Uint8Array([9]))).toBe(false);
    const asked = connection.request('one', {}); // not safe to send twice, and not sent once
    expect([closing.binary.length, closing.methods().includes('one')]).toEqual([0, false]);
    closing.lose();
    around.advance(1000);
    around.last.hello();
    around.last.answer('one', 1);
    expect(await asked).toBe(1);
  });

  it('stops for good when told to', async () => {
    opened();
    const waiting = code(connection.request('one', {}, { safe: true }));
    connection.stop();
    expect(await waiting).toBe('cancelled');
    around.advance(100_000);
    expect(around.sockets.length).toBe(1);
    expect(connection.state.value.phase).toBe('idle');
  });
});
