/** One WebSocket that comes back by itself: requests with ids (requests.ts), pushes, binary frames, heartbeats. */
import { backoff } from '../lib/backoff';
import { Cell } from '../lib/cell';
import {
  RpcError,
  type ConnectionOptions,
  type LinkState,
  type RequestOptions,
  type SocketLike,
  type Surroundings,
} from './link';
import { Requests } from './requests';

type PushHandler = (push: Record<string, unknown>) => void;

/** One part of the page in trouble must not take the others with it, nor what is sent after them. */
function tell<T>(handlers: ReadonlySet<(value: T) => void> | undefined, value: T): void {
  for (const handler of [...(handlers ?? [])]) {
    try {
      handler(value);
    } catch (error) {
      reportError(error);
    }
  }
}

const nothing = (): void => undefined;
const signedOut = ['unauthenticated', 'You are signed out. Sign in and try again.'] as const;

export class Connection {
  readonly state = new Cell<LinkState>({ phase: 'idle' });
  #socket: SocketLike | null = null;
  #requests: Requests;
  #attempt = 0;
  #lostAt = 0;
  #stopRetry = nothing;
  #stopHeartbeat = nothing;
  #stopHello = nothing;
  #handlers = new Map<string, Set<PushHandler>>();
  #binary = new Set<(data: Uint8Array<ArrayBuffer>) => void>();
  #resume = new Set<() => void>();
  #send = (text: string): void => this.#socket?.send(text);

  constructor(
    private readonly url: string | (() => string),
    private readonly around: Surroundings,
    private readonly options: ConnectionOptions,
  ) {
    this.#requests = new Requests(around, options.traced ?? false);
  }

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
    this.#requests.failAll('cancelled', 'The connection was closed.');
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

  request<T>(method: string, params: unknown, options: RequestOptions = {}): Promise<T> {
    if (this.state.value.phase === 'signed_out') return Promise.reject(new RpcError(...signedOut));
    return this.#requests.add<T>(method, params, options, this.#open ? this.#send : undefined);
  }

  /** False when there is no connection: the caller keeps the bytes or drops them. */
  sendBinary(data: Uint8Array<ArrayBuffer>): boolean {
    const socket = this.#open;
    socket?.send(data);
    return socket !== null;
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

  /** Null also for a socket that has begun to close: it drops what it is given, some time before it tells of its close. */
  get #open(): SocketLike | null {
    return this.state.value.phase === 'open' && this.#socket?.readyState === 1 ? this.#socket : null;
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
      tell(this.#binary, view);
      return;
    }
    let message: Record<string, unknown>;
    try {
      message = JSON.parse(String(data)) as Record<string, unknown>;
    } catch {
      return; // not ours: a proxy's word; the heartbeat decides whether the link is any good
    }
    if (typeof message.id === 'number') this.#requests.answer(message.id, message);
    else if (typeof message.event === 'string') this.#push(message.event, message);
  }

  #push(event: string, message: Record<string, unknown>): void {
    if (event === 'hello') this.#hello(message);
    else tell(this.#handlers.get(event), message);
    if (event === 'signed_out') this.#signOut();
    if (event === 'moving') this.#move(Number(message.after_ms) || 0);
  }

  #hello(message: Record<string, unknown>): void {
    this.#stopHello();
    this.#attempt = 0;
    this.state.value = { phase: 'open' };
    tell(this.#handlers.get('hello'), message);
    tell(this.#resume, undefined);
    this.#requests.flush(this.#send);
  }

  /** The hub drains: leave within the time it gives, at a moment of our own, so that not everybody moves at once. */
  #move(afterMs: number): void {
    const socket = this.#socket;
    this.around.after(Math.round(afterMs * this.around.random()), () => {
      if (socket && socket === this.#socket) this.#lost(socket);
    });
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
    this.#requests.lost();
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
    this.#requests.failAll(...signedOut);
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

  #armHeartbeat(): void {
    this.#stopHeartbeat();
    this.#stopHeartbeat = this.around.after(this.options.heartbeatMs ?? 20_000, () => this.#beat(8000));
  }

  #beat(deadlineMs: number): void {
    const socket = this.#socket;
    if (!socket) return;
    this.#open?.send(this.#requests.bare(this.options.heartbeat));
    this.#stopHeartbeat();
    this.#stopHeartbeat = this.around.after(deadlineMs, () => this.#lost(socket)); // any frame re-arms it
  }
}
