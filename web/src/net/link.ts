/** What a connection is made of: its errors, its states, and what it needs from the page around it. */
export class RpcError extends Error {
  constructor(
    readonly code: string,
    message: string,
    /** Trace id of what failed, for people to quote. */
    readonly trace?: string,
  ) {
    super(message);
  }
}

export type LinkState =
  | { phase: 'idle' }
  | { phase: 'connecting'; lostAt: number; attempt: number }
  | { phase: 'open' }
  | { phase: 'waiting'; lostAt: number; retryAt: number; attempt: number }
  | { phase: 'signed_out' };

export interface SocketLike {
  binaryType: string;
  readonly readyState: number;
  onmessage: ((event: { data: unknown }) => void) | null;
  onclose: ((event: { code: number; reason: string }) => void) | null;
  onerror: ((event: unknown) => void) | null;
  send(data: string | Uint8Array<ArrayBuffer>): void;
  close(code?: number, reason?: string): void;
}

/** What the connection needs from its surroundings; tests give their own clock and sockets. */
export interface Surroundings {
  open(url: string): SocketLike;
  now(): number;
  after(ms: number, call: () => void): () => void;
  random(): number;
}

export interface ConnectionOptions {
  /** A method without effect that shows that the other side is there. */
  heartbeat: string;
  heartbeatMs?: number;
  /** Each request gets a trace id of its own; else they belong to the trace of the connection. */
  traced?: boolean;
  answerMs?: number;
}

export interface RequestOptions {
  safe?: boolean;
  /** Milliseconds until the request fails with `timed_out`, waiting for a connection included; 0 waits for ever. */
  timeoutMs?: number;
}

/** The browser's own sockets and timers. */
export const browserSurroundings: Surroundings = {
  open: (url) => new WebSocket(url) as unknown as SocketLike,
  now: () => Date.now(),
  after: (ms, call) => {
    const timer = setTimeout(call, ms);
    return () => clearTimeout(timer);
  },
  random: () => Math.random(),
};

/** ws: or wss: address of a path on this origin. */
export function socketUrl(path: string): string {
  return `${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}${path}`;
}
