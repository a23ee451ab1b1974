/** Folders of a project as the page knows them: listed when shown, refreshed when the project says that they changed. */
import { Cell } from '../lib/cell';
import { basename, freeName, join, parent } from '../lib/paths';
import { RpcError } from '../net/link';
import { sentence, type Entry } from '../net/protocol';
import { Upload } from '../net/upload';
import type { ProjectSession } from './project';

interface Listing {
  phase: 'loading' | 'shown' | 'failed';
  entries: readonly Entry[];
  /** There are more than the server lists. */
  truncated?: boolean;
  problem?: string;
}

const loading: Listing = { phase: 'loading', entries: [] };
const skipped = new Set(['node_modules', '__pycache__', '.git', '.cache', '.trash', '.venv', 'venv']);
const mostFolders = 60;
const mostPaths = 5000;
const pollMs = 5000;

/** Leaving the page would end uploads that are under way: the browser asks first. */
let travelling = 0;
const askFirst = (event: Event): void => event.preventDefault();
function travel(): () => void {
  if (travelling++ === 0) addEventListener('beforeunload', askFirst);
  return () => {
    if (--travelling === 0) removeEventListener('beforeunload', askFirst);
  };
}

export class ProjectFiles {
  readonly paths = new Cell<readonly string[]>([]);
  readonly uploads = new Cell<readonly Upload[]>([]);
  /** What the person is about to name in the shown folder. */
  readonly creating = new Cell<'file' | 'folder' | null>(null);
  #listings = new Map<string, Cell<Listing>>();
  #watched = new Map<string, number>();
  #refreshing = new Map<string, { again: boolean; done: Promise<void> }>();
  #polls = new Map<string, ReturnType<typeof setInterval>>();
  #crawled = 0;
  #sending = 0;

  constructor(private readonly session: ProjectSession) {
    session.link.on('files.changed', (push) => void this.refresh(String(push.path)));
    session.link.onResume(() => {
      for (const path of this.#watched.keys()) {
        this.#watch(path);
        void this.refresh(path);
      }
    });
  }

  listing(path: string): Cell<Listing> {
    let cell = this.#listings.get(path);
    if (!cell) this.#listings.set(path, (cell = new Cell<Listing>(loading)));
    return cell;
  }

  /** Lists and watches a folder until the returned function is called. */
  show(path: string): () => void {
    const count = this.#watched.get(path) ?? 0;
    this.#watched.set(path, count + 1);
    // Without a connection the next one lists and watches what is shown.
    if (this.session.link.state.value.phase === 'open') {
      if (count === 0) this.#watch(path);
      void this.refresh(path);
    }
    return () => {
      const left = (this.#watched.get(path) ?? 1) - 1;
      if (left > 0) {
        this.#watched.set(path, left);
        return;
      }
      this.#watched.delete(path);
      clearInterval(this.#polls.get(path));
      if (this.session.link.state.value.phase === 'open')
        this.session.api.call('files.unwatch', { path }).catch(() => undefined);
    };
  }

  /** Lists a folder anew. Answers can overtake each other, so one is asked for at a time: a change meanwhile asks again. */
  refresh(path: string): Promise<void> {
    const running = this.#refreshing.get(path);
    if (running) {
      running.again = true;
      return running.done;
    }
    const mine = { again: false, done: Promise.resolve() };
    this.#refreshing.set(path, mine);
    mine.done = (async () => {
      do {
        mine.again = false;
        await this.#list(path);
      } while (mine.again);
      this.#refreshing.delete(path);
    })();
    return mine.done;
  }

  async #list(path: string): Promise<void> {
    const cell = this.listing(path);
    if (cell.value.phase === 'failed') cell.value = loading;
    try {
      const { entries, truncated } = await this.session.api.call('files.list', { path }, { timeoutMs: 0 });
      cell.value = { phase: 'shown', entries, truncated };
    } catch (error) {
      if (this.session.link.state.value.phase === 'open')
        cell.value = { phase: 'failed', entries: [], problem: sentence(error) };
    }
  }

  /** A folder that the project cannot watch (machines bound how many) is listed again every few seconds instead. */
  #watch(path: string): void {
    clearInterval(this.#polls.get(path));
    this.session.api.call('files.watch', { path }).catch((error: unknown) => {
      const many = error instanceof RpcError && error.code === 'overloaded';
      if (!many || !this.#watched.has(path)) return;
      clearInterval(this.#polls.get(path));
      this.#polls.set(
        path,
        setInterval(() => void this.refresh(path), pollMs),
      );
    });
  }

  /** Reads folder by folder, nearest first and within limits, so that the palette knows files by name. */
  async crawl(): Promise<void> {
    const now = Date.now();
    if (now - this.#crawled < 30_000 || this.session.link.state.value.phase !== 'open') return;
    this.#crawled = now;
    const found: string[] = [];
    const queue = [''];
    for (let count = 0; count < mostFolders && queue.length > 0 && found.length < mostPaths; ++count) {
      const folder = queue.shift()!;
      try {
        const { entries } = await this.session.api.call('files.list', { path: folder });
        for (const { name, type } of entries) {
          if (type === 'directory') {
            if (!skipped.has(name) && !name.startsWith('.')) queue.push(join(folder, name));
          } else if (found.length < mostPaths) {
            found.push(join(folder, name));
          }
        }
        this.paths.value = [...found];
      } catch {
        continue; // a folder that cannot be read has no files to offer
      }
    }
  }

  /** Queues files for the folder; two travel at a time. Nothing is overwritten: a file or folder whose name exists gets a number. */
  async upload(folder: string, files: readonly { path: string; file: Blob }[]): Promise<void> {
    if (this.listing(folder).value.phase !== 'shown') await this.refresh(folder);
    const taken = new Set(this.listing(folder).value.entries.map((entry) => entry.name));
    for (const { path } of this.uploads.value) if (parent(path) === folder) taken.add(basename(path));
    const folders = new Map<string, string>();
    const added = files.map(({ path, file }) => {
      const [root = '', ...rest] = path.split('/');
      const name = (rest.length > 0 && folders.get(root)) || freeName(root, taken);
      taken.add(name);
      if (rest.length > 0) folders.set(root, name);
      return new Upload(this.session.id, join(folder, [name, ...rest].join('/')), file);
    });
    this.uploads.update((list) => [...list, ...added]);
    this.#next();
  }

  dismiss(upload: Upload): void {
    const { phase } = upload.state.value;
    if (phase !== 'done' && phase !== 'failed') upload.cancel();
    this.uploads.update((list) => list.filter((other) => other !== upload));
  }

  dismissDone(): void {
    this.uploads.update((list) => list.filter((upload) => upload.state.value.phase !== 'done'));
  }

  retry(upload: Upload): void {
    ++this.#sending;
    void this.#run(upload);
  }

  #next(): void {
    for (const upload of this.uploads.value) {
      if (this.#sending >= 2) return;
      if (upload.state.value.phase !== 'waiting') continue;
      ++this.#sending;
      void this.#run(upload);
    }
  }

  async #run(upload: Upload): Promise<void> {
    const folder = parent(upload.path);
    const arrive = travel();
    if (folder) await this.#folders(folder);
    await upload.run();
    arrive();
    --this.#sending;
    void this.refresh(folder);
    this.#next();
  }

  /** Makes the folders of a dropped folder; those that exist are fine. */
  async #folders(folder: string): Promise<void> {
    const known = this.#listings.get(folder)?.value.phase === 'shown';
    if (known) return;
    let path = '';
    for (const name of folder.split('/')) {
      path = join(path, name);
      await this.session.api.call('files.mkdir', { path }).catch(() => undefined);
    }
  }
}

const known = new WeakMap<ProjectSession, ProjectFiles>();

/** The files of an open project, the same at every visit: uploads go on while another view is shown. */
export function filesOf(session: ProjectSession): ProjectFiles {
  let files = known.get(session);
  if (!files) known.set(session, (files = new ProjectFiles(session)));
  return files;
}
