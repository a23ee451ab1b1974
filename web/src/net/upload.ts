/** Uploads that survive a lost connection: pieces with an offset, and a question for the offset after a failure. */
import { backoff } from '../lib/backoff';
import { Cell } from '../lib/cell';
import { encodePath } from '../lib/router';
import { traceparent } from '../lib/trace';

export interface UploadState {
  sent: number;
  total: number;
  phase: 'waiting' | 'sending' | 'retrying' | 'done' | 'failed' | 'cancelled';
  problem?: string;
}

const piece = 8 * 1024 * 1024;
/** Attempts without any progress before a person is asked: about nine minutes. */
const patience = 40;

/** What the server has of an upload: bytes to go on behind, or the size of the complete file when none is unfinished. */
export interface Held {
  offset: number;
  present?: number;
}

export interface PutAnswer {
  status: number;
  text: string;
}

/** How pieces travel; tests give their own. */
export interface Transport {
  put(
    url: string,
    body: Blob,
    total: number,
    progress: (sent: number) => void,
    signal: AbortSignal,
  ): Promise<PutAnswer>;
  held(url: string, signal: AbortSignal): Promise<Held>;
  sleep(ms: number): Promise<void>;
}

export class Upload {
  readonly state: Cell<UploadState>;
  #abort = new AbortController();

  constructor(
    readonly projectId: string,
    readonly path: string,
    readonly file: Blob,
    private readonly transport: Transport = browserTransport,
  ) {
    this.state = new Cell<UploadState>({ sent: 0, total: file.size, phase: 'waiting' });
  }

  get url(): string {
    return `/${this.projectId}/files/${encodePath(this.path)}`;
  }

  cancel(): void {
    this.#abort.abort();
    this.#set({ phase: 'cancelled' });
  }

  /** Runs to the end; goes on where a former run stopped. */
  async run(): Promise<void> {
    if (this.#abort.signal.aborted) this.#abort = new AbortController();
    const signal = this.#abort.signal;
    let offset = this.state.value.phase === 'failed' ? ((await this.#ask(signal))?.offset ?? 0) : 0;
    let failures = 0;
    this.#set({ phase: 'sending', sent: offset });
    for (;;) {
      const end = Math.min(this.file.size, offset + piece);
      let problem = '';
      try {
        const from = offset;
        const answer = await this.transport.put(
          `${this.url}?offset=${from}`,
          this.file.slice(from, end),
          this.file.size,
          (sent) => this.#set({ sent: from + sent, phase: 'sending' }),
          signal,
        );
        if (
          answer.status >= 400 &&
          answer.status < 500 &&
          answer.status !== 408 &&
          answer.status !== 409 &&
          answer.status !== 429
        ) {
          this.#set({
            phase: 'failed',
            problem: answer.text || `The server refused the file (status ${answer.status}).`,
          });
          return;
        }
        if (answer.status >= 300) {
          problem = answer.text;
          throw new Error(problem);
        }
        offset = end;
        failures = 0;
        if (offset >= this.file.size) {
          this.#set({ phase: 'done', sent: offset });
          return;
        }
      } catch {
        if (signal.aborted) return;
        if (failures >= patience) {
          this.#set({
            phase: 'failed',
            problem: 'The connection was lost too often. Press “Go on” to continue where it stopped.',
          });
          return;
        }
        this.#set({ phase: 'retrying', problem });
        await this.transport.sleep(backoff(failures++, Math.random()));
        const held = await this.#ask(signal);
        if (signal.aborted) return;
        if (held && offset > 0 && end === this.file.size && held.present === end) {
          // The pieces before are one file now: only the answer to the last one was lost.
          this.#set({ phase: 'done', sent: end });
          return;
        }
        // When nobody answers: what was confirmed is there, so the next piece fits, or is refused and asked about again.
        if (held) offset = held.offset;
      }
    }
  }

  /** What the server has; undefined when it cannot be asked at the moment. */
  async #ask(signal: AbortSignal): Promise<Held | undefined> {
    try {
      const held = await this.transport.held(`${this.url}?upload`, signal);
      return { ...held, offset: Math.min(held.offset, this.file.size) };
    } catch {
      return undefined;
    }
  }

  #set(change: Partial<UploadState>): void {
    if (this.#abort.signal.aborted && change.phase !== 'cancelled') return;
    this.state.update((state) => ({ ...state, ...change }));
  }
}

export const browserTransport: Transport = {
  // XMLHttpRequest, because fetch cannot report how much of a body has been sent.
  put: (url, body, total, progress, signal) =>
    new Promise((resolve, reject) => {
      const request = new XMLHttpRequest();
      request.open('PUT', url);
      request.setRequestHeader('Upload-Length', String(total));
      request.setRequestHeader('traceparent', traceparent());
      request.upload.onprogress = (event) => progress(event.loaded);
      request.onload = () => resolve({ status: request.status, text: problemText(request.responseText) });
      request.onerror = request.onabort = () => reject(new Error('lost'));
      signal.addEventListener('abort', () => request.abort(), { once: true });
      request.send(body);
    }),
  held: async (url, signal) => {
    const response = await fetch(url, { method: 'HEAD', signal });
    if (!response.ok) throw new Error(String(response.status));
    const present = response.headers.get('Upload-Present');
    return {
      offset: Number(response.headers.get('Upload-Offset')) || 0,
      ...(present !== null && { present: Number(present) }),
    };
  },
  sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
};

function problemText(body: string): string {
  try {
    const error = (JSON.parse(body) as { error?: unknown }).error;
    return typeof error === 'string' ? error : '';
  } catch {
    return body.length < 300 && !body.includes('<') ? body : '';
  }
}
