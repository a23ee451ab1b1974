import type { SocketLike, Surroundings } from '../../src/net/link';

/** A socket that the test plays the server of. */
export class TestSocket implements SocketLike {
  binaryType = '';
  readyState = 0;
  onmessage: SocketLike['onmessage'] = null;
  onclose: SocketLike['onclose'] = null;
  onerror: SocketLike['onerror'] = null;
  sent: { id: number; method: string; params: unknown }[] = [];
  binary: Uint8Array[] = [];
  closed = false;

  send(data: string | Uint8Array<ArrayBuffer>): void {
    if (typeof data === 'string') this.sent.push(JSON.parse(data) as (typeof this.sent)[number]);
    else this.binary.push(data);
  }
  close(): void {
    this.closed = true;
  }
  push(message: unknown): void {
    if (this.readyState === 0) this.readyState = 1;
    this.onmessage?.({ data: JSON.stringify(message) });
  }
  bytes(data: number[]): void {
    this.onmessage?.({ data: new Uint8Array(data).buffer });
  }
  hello(): void {
    this.push({ event: 'hello' });
  }
  answer(method: string, result: unknown): void {
    const request = this.sent.find((one) => one.method === method);
    if (!request) throw new Error(`${method} was not asked`);
    this.push({ id: request.id, result });
  }
  lose(code = 1006): void {
    this.readyState = 3;
    this.onclose?.({ code, reason: '' });
  }
  methods(): string[] {
    return this.sent.map((one) => one.method);
  }
}

/** Time that moves when the test says so. */
export class TestSurroundings implements Surroundings {
  time = 1000;
  sockets: TestSocket[] = [];
  refuse = false;
  chance = 0.5;
  #timers = new Map<number, { at: number; call: () => void }>();
  #next = 1;

  open(_url?: string): TestSocket {
    if (this.refuse) throw new Error('refused');
    const socket = new TestSocket();
    this.sockets.push(socket);
    return socket;
  }
  now(): number {
    return this.time;
  }
  random(): number {
    return this.chance;
  }
  after(ms: number, call: () => void): () => void {
    const id = this.#next++;
    this.#timers.set(id, { at: this.time + ms, call });
    return () => this.#timers.delete(id);
  }
  advance(ms: number): void {
    const end = this.time + ms;
    for (;;) {
      const due = [...this.#timers].filter(([, timer]) => timer.at <= end).sort(([, a], [, b]) => a.at - b.at)[0];
      if (!due) break;
      this.#timers.delete(due[0]);
      this.time = Math.max(this.time, due[1].at);
      due[1].call();
    }
    this.time = end;
  }
  get last(): TestSocket {
    return this.sockets[this.sockets.length - 1]!;
  }
}
