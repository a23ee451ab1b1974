/**
 * The requests of a connection, over all its sockets. One that was not sent yet waits for the next socket. One that was
 * sent and got no answer is sent again only when doing it twice does no harm (`safe`); otherwise it fails with the code
 * `disconnected`, because nobody can know.
 */
import { traceOf, traceparent } from '../lib/trace';
import { RpcError, type RequestOptions, type Surroundings } from './link';

interface Pending {
  id: number;
  text: string;
  trace?: string;
  safe: boolean;
  sent: boolean;
  /** It was sent at least once, so it may have been done. */
  tried: boolean;
  resolve(result: unknown): void;
  reject(error: RpcError): void;
  stopTimer(): void;
}

type Send = (text: string) => void;
const checkFirst = 'Check whether it was done before you try again.';

export class Requests {
  #pending = new Map<number, Pending>();
  #nextId = 1;

  constructor(
    private readonly around: Surroundings,
    private readonly traced: boolean,
  ) {}

  /** A new request, sent at once where there is a socket. */
  add<T>(method: string, params: unknown, options: RequestOptions, send: Send | undefined): Promise<T> {
    const { safe = false, timeoutMs = 30_000 } = options;
    return new Promise<T>((resolve, reject) => {
      const id = this.#nextId++;
      const parent = this.traced ? { traceparent: traceparent() } : undefined;
      const entry: Pending = {
        id,
        text: JSON.stringify({ id, method, params, ...parent }),
        ...(parent && { trace: traceOf(parent.traceparent) }),
        safe,
        sent: false,
        tried: false,
        resolve: resolve as (result: unknown) => void,
        reject,
        stopTimer: () => undefined,
      };
      if (timeoutMs > 0) entry.stopTimer = this.around.after(timeoutMs, () => this.#timeOut(entry));
      this.#pending.set(id, entry);
      if (send) this.#send(entry, send);
    });
  }

  /** Text of a request whose answer nobody waits for. */
  bare(method: string): string {
    return JSON.stringify({ id: this.#nextId++, method, params: {} });
  }

  /** Sends what waits, in the order in which it was asked. */
  flush(send: Send): void {
    for (const entry of [...this.#pending.values()]) if (!entry.sent) this.#send(entry, send);
  }

  answer(id: number, message: Record<string, unknown>): void {
    const entry = this.#pending.get(id);
    if (!entry) return;
    this.#end(entry);
    const error = message.error as { code?: string; message?: string; trace?: string } | undefined;
    if (!error) return entry.resolve(message.result);
    const sentence = error.message ?? 'The server refused this and gave no reason.';
    entry.reject(new RpcError(error.code ?? 'internal', sentence, error.trace ?? entry.trace));
  }

  /** The socket is gone, and with it the answers to what was sent. */
  lost(): void {
    for (const entry of [...this.#pending.values()]) {
      if (!entry.sent) continue;
      if (entry.safe) {
        entry.sent = false;
        continue;
      }
      this.#end(entry);
      const sentence = `The connection was lost before the answer came. ${checkFirst}`;
      entry.reject(new RpcError('disconnected', sentence, entry.trace));
    }
  }

  failAll(code: string, sentence: string): void {
    for (const entry of [...this.#pending.values()]) {
      this.#end(entry);
      entry.reject(new RpcError(code, sentence));
    }
  }

  #send(entry: Pending, send: Send): void {
    entry.sent = entry.tried = true;
    send(entry.text);
  }

  #timeOut(entry: Pending): void {
    this.#end(entry);
    const sentence = entry.tried
      ? `No answer came in time. ${checkFirst}`
      : 'There was no connection, so nothing was changed. Try again when you are back online.';
    entry.reject(new RpcError('timed_out', sentence, entry.trace));
  }

  #end(entry: Pending): void {
    this.#pending.delete(entry.id);
    entry.stopTimer();
  }
}
