/** Uploads that survive a lost connection: pieces with an offset, and a question for the offset after a failure. */
import { backoff } from '../lib/backoff';
import { Cell } from '../lib/cell';
import { encodePath } from '../lib/router';
import { traceparent } from '../lib/trace';

interface UploadState {
  sent: number;
  total: number;
  phase: 'waiting' | 'sending' | 'retrying' | 'done' | 'failed' | 'cancelled';
  problem?: string;
}

const piece = 8 * 1024 * 1024;
/** Attempts without any progress before a person is asked: about nine minutes. */
const patience = 40;

/** What the server has of an upload: bytes to go on behind, or the size of the complete file when none is unfinished. */
interface Held {
  offset: number;
  present?: number;
}

interface PutAnswer {
  status: number;
  text: string;
}

/** Refusals that another attempt does not change. */
const isFinal = (status: number): boolean => status >= 400 && status < 500 && ![408, 409, 429].includes(status);

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
  /** Bytes that the server has, as far as is known. */
  #offset = 0;

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
    const { signal } = this.#abort;
    const { size } = this.file;
    if (this.state.value.phase === 'failed' && (await this.#arrived(size, signal))) return this.#done();
    this.#set({ phase: 'sending', sent: this.#offset });
    let failures = 0;
    while (!signal.aborted) {
      const end = Math.min(size, this.#offset + piece);
      const { status, text } = await this.#put(end, signal);
      if (status >= 200 && status < 300) {
        failures = 0;
        this.#offset = end;
        if (end === size) return this.#done();
        continue;
      }
      if (isFinal(status)) return this.#fail(text || `The server refused the file (status ${status}).`);
      if (failures >= patience)
        return this.#fail('The connection was lost too often. Press “Go on” to continue where it stopped.');
      this.#set({ phase: 'retrying', problem: text });
      await this.transport.sleep(backoff(failures++, Math.random()));
      if (await this.#arrived(end, signal)) return this.#done();
    }
  }

  async #put(end: number, signal: AbortSignal): Promise<PutAnswer> {
    const from = this.#offset;
    const progress = (sent: number): void => this.#set({ sent: from + sent, phase: 'sending' });
    try {
      const body = this.file.slice(from, end);
      return await this.transport.put(`${this.url}?offset=${from}`, body, this.file.size, progress, signal);
    } catch {
      return { status: 0, text: '' };
    }
  }

  /**
   * Asks what the server has and goes on from there; true when the file is complete there up to `end`, its end: then only
   * the answer to the last piece was lost. When nobody answers, what was confirmed is there: the next piece fits, or is
   * refused and asked about again.
   */
  async #arrived(end: number, signal: AbortSignal): Promise<boolean> {
    try {
      const { offset, present } = await this.transport.held(`${this.url}?upload`, signal);
      if (this.#offset > 0 && end === this.file.size && present === end) return true;
      this.#offset = Math.min(offset, this.file.size);
    } catch {
      // asked again after the next attempt
    }
    return false;
  }

  #done(): void {
    this.#set({ phase: 'done', sent: this.file.size });
  }

  #fail(problem: string): void {
    this.#set({ phase: 'failed', problem });
  }

  #set(change: Partial<UploadState>): void {
    if (this.#abort.signal.aborted && change.phase !== 'cancelled') return;
    this.state.update((state) => ({ ...state, ...change }));
  }
}

const browserTransport: Transport = {
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
      const abort = (): void => request.abort();
      signal.addEventListener('abort', abort);
      request.onloadend = () => signal.removeEventListener('abort', abort);
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
