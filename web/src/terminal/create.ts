/** A terminal of a project in an element: output with flow control, input, scrollback after a reconnect. Loaded lazily. */
import { FitAddon } from '@xterm/addon-fit';
import { SearchAddon } from '@xterm/addon-search';
import { WebLinksAddon } from '@xterm/addon-web-links';
import { Terminal } from '@xterm/xterm';
import '@xterm/xterm/css/xterm.css';
import { Cell } from '../lib/cell';
import type { PresentUser, ProjectApi } from '../net/protocol';
import { sentence } from '../net/protocol';
import { copyText } from '../ui/clipboard';
import { cspDocument, withoutStyleElements } from './csp-document';
import { FlowControl, frame, readFrame } from './flow';
import { controlOf } from './keys';
import { hasGpu, themeFromTokens } from './look';

export interface TerminalState {
  title: string;
  viewers: PresentUser[];
  phase: 'opening' | 'open' | 'lost' | 'ended' | 'failed';
  exitCode?: number;
  problem?: string;
  /** Smaller than the room there is, because somebody else looks through a smaller window. */
  narrowed: boolean;
  /** The next key is sent with Ctrl: set by the key row on phones. */
  ctrl: boolean;
}

interface TerminalOptions {
  api: ProjectApi;
  name: string;
  folder?: string;
  label: string;
  screenReader: boolean;
  onCopy(): void;
  onRefused(reason: string): void;
  /** The session that this page has in the project; terminals tell viewers apart by it. */
  session(): string;
  /** True when the application takes this key. */
  takes(event: KeyboardEvent): boolean;
}

/** Replies to questions about the terminal (device attributes, cursor position): not to be given again for old output. */
const reply = /^\x1b(?:\[[?>]?[\d;]*[cRn]|\[\?[\d;]*\$y|[\]P][^]*(?:\x1b\\|\x07))$/;

export class TerminalView {
  readonly state = new Cell<TerminalState>({ title: '', viewers: [], phase: 'opening', narrowed: false, ctrl: false });
  readonly terminal: Terminal;
  readonly #fit = new FitAddon();
  readonly #search = new SearchAddon();
  readonly #flow: FlowControl;
  #channel = 0;
  #generation = 0;
  /** Output bytes of old scrollback still to come: questions in it were answered long ago. */
  #replay = 0;
  #clearFirst = false;
  /** What this page has room for; the server makes it the smallest of all viewers. */
  #room = { cols: 80, rows: 24 };
  /** What was typed before the terminal was opened for the first time. */
  #typedAhead: Uint8Array[] | null = [];
  #stops: (() => void)[] = [];

  constructor(
    private readonly element: HTMLElement,
    private readonly options: TerminalOptions,
  ) {
    const style = getComputedStyle(element);
    this.terminal = new Terminal({
      fontFamily: style.getPropertyValue('--font-code').trim() || 'monospace',
      fontSize: 13,
      lineHeight: 1.25,
      scrollback: 10_000,
      allowProposedApi: true,
      minimumContrastRatio: 4.5,
      screenReaderMode: options.screenReader,
      theme: themeFromTokens(element),
      documentOverride: cspDocument(),
      rightClickSelectsWord: true,
    } as ConstructorParameters<typeof Terminal>[0]);
    this.#flow = new FlowControl((bytes) => {
      if (this.#channel) this.#quietly(options.api.call('terminal.ack', { channel: this.#channel, bytes }));
    });
    this.terminal.loadAddon(this.#fit);
    this.terminal.loadAddon(this.#search);
    this.terminal.loadAddon(new WebLinksAddon());
    withoutStyleElements(() => this.terminal.open(element));
    this.terminal.textarea?.setAttribute('aria-label', options.label);
    this.#wire();
    void this.#drawWithGpu();
  }

  /** A real graphics processor draws faster than the page does; a simulated one does not. */
  async #drawWithGpu(): Promise<void> {
    if (!hasGpu()) return;
    try {
      const { WebglAddon } = await import('@xterm/addon-webgl');
      const addon = new WebglAddon();
      addon.onContextLoss(() => addon.dispose()); // browsers keep few contexts: the page draws then
      this.terminal.loadAddon(addon);
    } catch {
      // the page draws
    }
  }

  #wire(): void {
    const { connection } = this.options.api;
    const { terminal } = this;
    terminal.onData((data) => this.input(data));
    terminal.onBinary((data) => this.#send(Uint8Array.from(data, (letter) => letter.charCodeAt(0))));
    terminal.attachCustomKeyEventHandler((event) => !this.options.takes(event));
    const observer = new ResizeObserver(() => this.fit());
    observer.observe(this.element);
    const copy = (): void => {
      const text = terminal.getSelection();
      if (text) void copyText(text).then((copied) => copied && this.options.onCopy());
    };
    this.element.addEventListener('mouseup', copy);
    this.#stops = [
      () => observer.disconnect(),
      () => this.element.removeEventListener('mouseup', copy),
      connection.onBinary((data) => this.#output(data)),
      connection.on('terminal.exit', (push) => {
        if (push.channel !== this.#channel) return;
        this.#channel = 0;
        this.#set({ phase: 'ended', exitCode: Number(push.code) });
      }),
      connection.on(
        'terminal.title',
        (push) => push.channel === this.#channel && this.#set({ title: String(push.title) }),
      ),
      connection.on(
        'terminal.viewers',
        (push) => push.channel === this.#channel && this.#set({ viewers: push.users as PresentUser[] }),
      ),
      connection.on(
        'terminal.size',
        (push) => push.channel === this.#channel && this.#take({ cols: Number(push.cols), rows: Number(push.rows) }),
      ),
      connection.on(
        'terminal.input_refused',
        (push) => push.channel === this.#channel && this.options.onRefused(String(push.message)),
      ),
      connection.on('terminal.resync', (push) => {
        if (push.channel !== this.#channel) return;
        this.#clearFirst = true;
        this.#replay = Number(push.replay) || 0;
      }),
      connection.state.subscribe((link) => {
        if (link.phase === 'open') return;
        // A link that was closed, not lost: the project stops, and its next start makes the terminal anew.
        if (link.phase === 'idle') this.#set({ phase: 'opening' });
        else if (this.#channel) this.#set({ phase: 'lost' });
        this.#channel = 0;
      }),
      connection.onResume(() => {
        if (this.state.value.phase !== 'ended') void this.open();
      }),
    ];
  }

  /** Opens the terminal on the server, or joins it when it runs. */
  async open(): Promise<void> {
    const generation = ++this.#generation;
    this.fit();
    const { cols, rows } = this.#room;
    const { name, folder, api } = this.options;
    try {
      const opened = await api.call(
        'terminal.open',
        { terminal: name, cols, rows, ...(folder ? { path: folder } : {}) },
        { timeoutMs: 0 },
      );
      if (generation !== this.#generation) return;
      this.#channel = opened.channel;
      this.#clearFirst = true;
      this.#replay = opened.replay ?? 0;
      this.#flow.restart();
      this.#set({ phase: 'open', title: opened.title, viewers: opened.viewers });
      this.#take({ cols: opened.cols ?? cols, rows: opened.rows ?? rows });
      this.fit();
      for (const bytes of this.#typedAhead ?? []) this.#send(bytes);
      this.#typedAhead = null;
    } catch (error) {
      if (generation !== this.#generation) return;
      this.#typedAhead = null;
      this.#set({
        phase: this.options.api.connection.state.value.phase === 'open' ? 'failed' : 'lost',
        problem: sentence(error),
      });
    }
  }

  input(data: string): void {
    if (reply.test(data) && !this.#answers()) return;
    if (this.state.value.phase === 'ended') {
      if (data === '\r') void this.open();
      return;
    }
    if (this.state.value.ctrl) {
      this.#set({ ctrl: false });
      data = controlOf(data);
    }
    this.#send(new TextEncoder().encode(data));
  }

  setCtrl(on: boolean): void {
    this.#set({ ctrl: on });
  }

  fit(): void {
    if (this.element.offsetWidth === 0 || this.element.offsetHeight === 0) return; // hidden: keeps its size
    const room = this.#fit.proposeDimensions();
    if (!room || !Number.isFinite(room.cols) || !Number.isFinite(room.rows)) return;
    const same = room.cols === this.#room.cols && room.rows === this.#room.rows;
    this.#room = { cols: room.cols, rows: room.rows };
    const alone = this.state.value.viewers.length < 2;
    if (!this.#channel || alone) this.#take(this.#room);
    if (this.#channel && !same)
      this.options.api.call('terminal.resize', { channel: this.#channel, ...this.#room }).then(
        (size) => this.#take({ cols: size.cols ?? this.#room.cols, rows: size.rows ?? this.#room.rows }),
        () => undefined, // the next reconnect opens the terminal anew
      );
  }

  #take({ cols, rows }: { cols: number; rows: number }): void {
    if (cols !== this.terminal.cols || rows !== this.terminal.rows) this.terminal.resize(cols, rows);
    this.#set({ narrowed: cols < this.#room.cols || rows < this.#room.rows });
  }

  /** Programs ask terminals questions; one viewer answers, and only what is asked now. */
  #answers(): boolean {
    if (this.#replay > 0) return false;
    const first = this.state.value.viewers[0]?.session;
    return first === undefined || first === this.options.session();
  }

  focus(): void {
    this.terminal.focus();
  }

  setScreenReader(on: boolean): void {
    this.terminal.options.screenReaderMode = on;
  }

  retheme(): void {
    this.terminal.options.theme = themeFromTokens(this.element);
  }

  find(text: string, back = false): boolean {
    const options = { incremental: !back };
    return back ? this.#search.findPrevious(text, options) : this.#search.findNext(text, options);
  }

  findNext(text: string): boolean {
    return this.#search.findNext(text);
  }

  endFind(): void {
    this.#search.clearDecorations();
    this.terminal.clearSelection();
  }

  dispose(): void {
    for (const stop of this.#stops) stop();
    if (this.#channel) this.#quietly(this.options.api.call('terminal.close', { channel: this.#channel }));
    this.terminal.dispose();
  }

  #output(data: Uint8Array<ArrayBuffer>): void {
    const part = readFrame(data);
    if (!part || part.channel !== this.#channel) return;
    if (this.#clearFirst) {
      this.#clearFirst = false;
      this.terminal.reset(); // the scrollback comes again from its start
    }
    const count = part.bytes.length;
    const channel = this.#channel;
    this.terminal.write(part.bytes, () => {
      if (channel !== this.#channel) return;
      this.#replay = Math.max(0, this.#replay - count);
      this.#flow.rendered(count);
    });
  }

  #send(bytes: Uint8Array): void {
    if (this.#channel) this.options.api.connection.sendBinary(frame(this.#channel, bytes));
    else this.#typedAhead?.push(bytes);
  }

  #quietly(call: Promise<unknown>): void {
    call.catch(() => undefined); // the next reconnect opens the terminal anew
  }

  #set(change: Partial<TerminalState>): void {
    this.state.update((state) => ({ ...state, ...change }));
  }
}
