import { describe, expect, it } from 'vitest';
import { Upload, type Transport } from '../../src/net/upload';
import { FlowControl, frame, readFrame } from '../../src/terminal/flow';

const size = 20 * 1024 * 1024;

/** A server that loses the connection where the test says and keeps what it had. */
function server(losses: number[], refuse?: string) {
  let kept = 0;
  let done = false;
  const offsets: number[] = [];
  const transport: Transport = {
    put: async (url, body, total, progress) => {
      const offset = Number(new URL(url, 'http://x').searchParams.get('offset'));
      offsets.push(offset);
      if (refuse) return { status: 413, text: refuse };
      expect(offset).toBeLessThanOrEqual(kept);
      if (losses.length > 0) {
        const part = losses.shift()!;
        kept = Math.max(kept, offset + part);
        progress(part);
        throw new Error('lost');
      }
      kept = offset + body.size;
      done = kept === total;
      return { status: 200, text: '' };
    },
    held: async () => (done ? { offset: 0, present: kept } : { offset: kept }),
    sleep: async () => undefined,
  };
  return {
    transport,
    offsets,
    get kept() {
      return kept;
    },
    get done() {
      return done;
    },
  };
}

const file = (bytes: number): Blob => new Blob([new Uint8Array(bytes)]);

describe('upload', () => {
  it('goes in pieces and ends complete', async () => {
    const there = server([]);
    const upload = new Upload('p', 'a b/ü.bin', file(size), there.transport);
    expect(upload.url).toBe('/p/files/a%20b/%C3%BC.bin');
    await upload.run();
    expect(upload.state.value).toMatchObject({ phase: 'done', sent: size });
    expect(there.offsets).toEqual([0, 8388608, 16777216]);
    expect(there.done).toBe(true);
  });
  it('goes on where the server stopped', async () => {
    const there = server([5000, 0, 1_000_000]);
    const upload = new Upload('p', 'x', file(size), there.transport);
    await upload.run();
    expect(upload.state.value.phase).toBe('done');
    expect(there.offsets.slice(0, 4)).toEqual([0, 5000, 5000, 1_005_000]);
    expect(there.kept).toBe(size);
  });
  it('sends empty files', async () => {
    const there = server([]);
    const upload = new Upload('p', 'x', file(0), there.transport);
    await upload.run();
    expect(upload.state.value.phase).toBe('done');
    expect(there.offsets).toEqual([0]);
  });
  it('does not repeat what was refused, and says why', async () => {
    const there = server([], 'The disk of this project is full. Delete something first.');
    const upload = new Upload('p', 'x', file(10), there.transport);
    await upload.run();
    expect(upload.state.value).toMatchObject({
      phase: 'failed',
      problem: 'The disk of this project is full. Delete something first.',
    });
    expect(there.offsets.length).toBe(1);
  });
  it('gives up after many losses and can be continued by hand', async () => {
    const losses = Array.from({ length: 41 }, () => 1000);
    const there = server(losses);
    const upload = new Upload('p', 'x', file(size), there.transport);
    await upload.run();
    expect(upload.state.value.phase).toBe('failed');
    await upload.run();
    expect(upload.state.value.phase).toBe('done');
  });
  it('does not start over when only the last answer was lost', async () => {
    const there = server([]);
    let lost = false;
    const upload = new Upload('p', 'x', file(size), {
      ...there.transport,
      put: async (...call) => {
        const answer = await there.transport.put(...call);
        if (there.done && !lost) {
          lost = true;
          throw new Error('lost');
        }
        return answer;
      },
    });
    await upload.run();
    expect(upload.state.value).toMatchObject({ phase: 'done', sent: size });
    expect(there.offsets).toEqual([0, 8388608, 16777216]);
  });
  it('keeps its place while nobody can say how much arrived', async () => {
    const there = server([]);
    let puts = 0;
    const upload = new Upload('p', 'x', file(size), {
      ...there.transport,
      put: async (...call) => {
        if (puts++ > 0 && puts < 50) throw new Error('lost');
        return there.transport.put(...call);
      },
      held: async () => {
        throw new Error('nobody there');
      },
    });
    await upload.run();
    expect(upload.state.value.phase).toBe('failed');
    await upload.run();
    expect(upload.state.value.phase).toBe('done');
    expect(there.offsets).toEqual([0, 8388608, 16777216]);
  });
  it('stays cancelled', async () => {
    const there = server([]);
    const upload = new Upload('p', 'x', file(size), {
      ...there.transport,
      put: async (...call) => (upload.cancel(), there.transport.put(...call)),
    });
    await upload.run();
    expect(upload.state.value.phase).toBe('cancelled');
    const early = new Upload('p', 'x', file(size), there.transport);
    early.cancel();
    const before = there.offsets.length;
    await early.run();
    expect([early.state.value.phase, there.offsets.length]).toEqual(['cancelled', before]);
  });
});

describe('flow control of terminals', () => {
  it('tells in steps what was drawn in all', () => {
    const told: number[] = [];
    const flow = new FlowControl((bytes) => told.push(bytes), 100);
    for (const part of [60, 39, 1, 250, 10]) flow.rendered(part);
    expect(told).toEqual([100, 350]);
    flow.flush();
    flow.flush();
    expect(told).toEqual([100, 350, 360]);
    flow.restart();
    flow.rendered(100);
    expect(told[3]).toBe(100);
  });
  it('frames and reads bytes', () => {
    expect([...frame(0x01020304, new Uint8Array([65]))]).toEqual([1, 1, 2, 3, 4, 65]);
    expect(readFrame(frame(4_000_000_000, new Uint8Array([7, 8])))).toEqual({
      channel: 4_000_000_000,
      bytes: new Uint8Array([7, 8]),
    });
    expect(readFrame(new Uint8Array([1, 0, 0]))).toBeNull();
    expect(readFrame(new Uint8Array([2, 0, 0, 0, 1, 65]))).toBeNull();
  });
});
