/**
 * One WebSocket that comes back by itself: requests with ids, pushes, binary frames, heartbeats.
 * A request that was not sent yet waits for the next connection. One that was sent and got no answer is sent again only
 * when doing it twice does no harm (`safe`); otherwise it fails with the code `disconnected`, because nobody can know.
 */
import { backoff } from '../lib/backoff';
import { Cell } from '../lib/cell';
import { traceOf, traceparent } from '../lib/trace';
import {
  RpcError,
  type ConnectionOptions,
  type LinkState,
  type RequestOptions,
  type SocketLike,
  type Surroundings,
} from './link';

interface Pending {
  id: number;
  text: string;
  trace?: string;
  safe: boolean;
  sent: boolean;
  resolve(result: unknown): void;
  reject(error: RpcError): void;
  stopTimer(): void;
}

type PushHandler = (push: Record<string, unknown>) => void;
const nothing = (): void => undefined;

export class Connection {
  readonly state = new Cell<LinkState>({ phase: 'idle' });
  #socket: SocketLike | null = null;
  #pending = new Map<number, Pending>();
  #nextId = 1;
  #attempt = 0;
  #lostAt = 0;
  #stopRetry = nothing;
  #stopHeartbeat = nothing;
  #stopHello = nothing;
  #handlers = new Map<string, Set<PushHandler>>();
  #binary = new Set<(data: Uint8Array<ArrayBuffer>) => void>();
  #resume = new Set<() => void>();

  constructor(
    private readonly url: string | (() => string),
    private readonly around: Surroundings,
    private readonly options: ConnectionOptions,
  ) {}

  start(): void {
    const phase = this.state.value.phase;
    if (phase !== 'idle' && phase !== 'signed_out') return;
    this.#attempt = 0;
    this.#lostAt = this.around.now();
    this.#connect();
  }

  /** Closes and stays closed until `start`. Requests that wait fail with `cancelled`. */
  stop(): void {
    this.#drop();
    this.#stopRetry();
    this.#failAll(() => new RpcError('cancelled', 'The connection was closed.'));
    this.state.value = { phase: 'idle' };
  }

  /** Tries at once: the person asked, or the network or the page came back. */
  retryNow(): void {
    if (this.state.value.phase !== 'waiting') return;
    this.#stopRetry();
    this.#connect();
  }

  /** After a sleep or a change of network: finds out soon whether the socket still lives. */
  check(): void {
    if (this.state.value.phase === 'open') this.#beat(3000);
    else this.retryNow();
  }

  request<T>(method: string, params: unknown, { safe = false, timeoutMs = 30_000 }: RequestOptions = {}): Promise<T> {
    if (this.state.value.phase === 'signed_out')
      return Promise.reject(new RpcError('unauthenticated', 'You are signed out. Sign in and try again.'));
    return new Promise<T>((resolve, reject) => {
      const id = this.#nextId++;
      const parent = this.options.traced ? { traceparent: traceparent() } : undefined;
      const entry: Pending = {
        id,
        text: JSON.stringify({ id, method, params, ...parent }),
        ...(parent && { trace: traceOf(parent.traceparent) }),
        safe,
        sent: false,
        resolve: resolve as (result: unknown) => void,
        reject,
        stopTimer: nothing,
      };
      if (timeoutMs > 0) {
        entry.stopTimer = this.around.after(timeoutMs, () => {
          this.#pending.delete(id);
          const sentence = entry.sent
            ? 'No answer came in time. Check whether it was done before you try again.'
            : 'There was no connection, so nothing was changed. Try again when you are back online.';
          reject(new RpcError('timed_out', sentence, entry.trace));
        });
      }
      this.#pending.set(id, entry);
      if (this.state.value.phase === 'open') this.#send(entry);
    });
  }

  /** False when there is no connection: the caller keeps the bytes or drops them. */
  sendBinary(data: Uint8Array<ArrayBuffer>): boolean {
    if (this.state.value.phase !== 'open' || !this.#socket) return false;
    this.#socket.send(data);
    return true;
  }

  on(event: string, handler: PushHandler): () => void {
    let set = this.#handlers.get(event);
    if (!set) this.#handlers.set(event, (set = new Set()));
    set.add(handler);
    return () => set.delete(handler);
  }

  onBinary(handler: (data: Uint8Array<ArrayBuffer>) => void): () => void {
    this.#binary.add(handler);
    return () => this.#binary.delete(handler);
  }

  /** Called at each new connection before waiting requests are sent: the place to subscribe again. */
  onResume(handler: () => void): () => void {
    this.#resume.add(handler);
    if (this.state.value.phase === 'open') handler();
    return () => this.#resume.delete(handler);
  }

  #connect(): void {
    this.state.value = { phase: 'connecting', lostAt: this.#lostAt, attempt: this.#attempt };
    let socket: SocketLike;
    try {
      socket = this.around.open(typeof this.url === 'string' ? this.url : this.url());
    } catch {
      this.#wait();
      return;
    }
    this.#socket = socket;
    socket.binaryType = 'arraybuffer';
    socket.onmessage = ({ data }) => this.#receive(socket, data);
    socket.onerror = nothing;
    socket.onclose = ({ code }) => this.#closed(socket, code);
    this.#stopHello = this.around.after(this.options.answerMs ?? 10_000, () => this.#lost(socket));
  }

  #receive(socket: SocketLike, data: unknown): void {
    if (socket !== this.#socket) return;
    this.#armHeartbeat();
    if (data instanceof ArrayBuffer) {
      const view = new Uint8Array(data);
      for (const handler of [...this.#binary]) handler(view);
      return;
    }
    let message: Record<string, unknown>;
    try {
      message = JSON.parse(String(data)) as Record<string, unknown>;
    } catch {
      return; // not ours: a proxy's word; the heartbeat decides whether the link is any good
    }
    if (typeof message.id === 'number') this.#answer(message.id, message);
    else if (typeof message.event === 'string') this.#push(message.event, message);
  }

  #answer(id: number, message: Record<string, unknown>): void {
    const entry = this.#pending.get(id);
    if (!entry) return;
    this.#pending.delete(id);
    entry.stopTimer();
    const error = message.error as { code?: string; message?: string; trace?: string } | undefined;
    if (error)
      entry.reject(
        new RpcError(
          error.code ?? 'internal',
          error.message ?? 'The server refused this and gave no reason.',
          error.trace ?? entry.trace,
        ),
      );
    else entry.resolve(message.result);
  }

  #push(event: string, message: Record<string, unknown>): void {
    if (event === 'hello') this.#hello(message);
    else this.#dispatch(event, message);
    if (event === 'signed_out') this.#signOut();
    if (event === 'moving') this.#move(Number(message.after_ms) || 0);
  }

  #dispatch(event: string, message: Record<string, unknown>): void {
    for (const handler of [...(this.#handlers.get(event) ?? [])]) {
      try {
        handler(message);
      } catch (error) {
        reportError(error); // one part of the page in trouble must not take the others with it
      }
    }
  }

  #hello(message: Record<string, unknown>): void {
    this.#stopHello();
    this.#attempt = 0;
    this.state.value = { phase: 'open' };
    this.#dispatch('hello', message);
    for (const handler of [...this.#resume]) handler();
    for (const entry of [...this.#pending.values()]) if (!entry.sent) this.#send(entry);
  }

  /** The hub drains: leave within the time it gives, at a moment of our own, so that not everybody moves at once. */
  #move(afterMs: number): void {
    const socket = this.#socket;
    this.around.after(Math.round(afterMs * this.around.random()), () => {
      if (socket && socket === this.#socket) this.#lost(socket);
    });
  }

  #send(entry: Pending): void {
    entry.sent = true;
    this.#socket?.send(entry.text);
  }

  #closed(socket: SocketLike, code: number): void {
    if (socket !== this.#socket) return;
    if (code === 4401) this.#signOut();
    else this.#lost(socket);
  }

  #lost(socket: SocketLike): void {
    if (socket !== this.#socket) return;
    const wasOpen = this.state.value.phase === 'open';
    this.#drop();
    if (wasOpen) this.#lostAt = this.around.now();
    for (const entry of [...this.#pending.values()]) {
      if (!entry.sent) continue;
      if (entry.safe) {
        entry.sent = false;
        continue;
      }
      this.#pending.delete(entry.id);
      entry.stopTimer();
      entry.reject(
        new RpcError(
          'disconnected',
          'The connection was lost before the answer came. Check whether it was done before you try again.',
          entry.trace,
        ),
      );
    }
    this.#wait();
  }

  #wait(): void {
    const ms = backoff(this.#attempt++, this.around.random());
    this.state.value = {
      phase: 'waiting',
      lostAt: this.#lostAt,
      retryAt: this.around.now() + ms,
      attempt: this.#attempt,
    };
    this.#stopRetry = this.around.after(ms, () => this.#connect());
  }

  #signOut(): void {
    this.#drop();
    this.#stopRetry();
    this.#failAll(() => new RpcError('unauthenticated', 'You are signed out. Sign in and try again.'));
    this.state.value = { phase: 'signed_out' };
  }

  #drop(): void {
    const socket = this.#socket;
    this.#socket = null;
    this.#stopHeartbeat();
    this.#stopHello();
    if (!socket) return;
    socket.onmessage = socket.onclose = null;
    socket.close();
  }

  #failAll(error: () => RpcError): void {
    const entries = [...this.#pending.values()];
    this.#pending.clear();
    for (const entry of entries) {
      entry.stopTimer();
      entry.reject(error());
    }
  }

  #armHeartbeat(): void {
    this.#stopHeartbeat();
    this.#stopHeartbeat = this.around.after(this.options.heartbeatMs ?? 20_000, () => this.#beat(8000));
  }

  #beat(deadlineMs: number): void {
    const socket = this.#socket;
    if (!socket) return;
    const id = this.#nextId++;
    socket.send(JSON.stringify({ id, method: this.options.heartbeat, params: {} }));
    this.#stopHeartbeat();
    this.#stopHeartbeat = this.around.after(deadlineMs, () => this.#lost(socket)); // any frame re-arms it
  }
}
