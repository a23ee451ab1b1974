/** Paths inside a project, relative to its home. */
export function join(folder: string, name: string): string {
  return folder ? `${folder}/${name}` : name;
}

export function parent(path: string): string {
  const cut = path.lastIndexOf('/');
  return cut < 0 ? '' : path.slice(0, cut);
}

export function basename(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

export function extension(path: string): string {
  const name = basename(path);
  const dot = name.lastIndexOf('.');
  return dot > 0 ? name.slice(dot + 1).toLowerCase() : '';
}

/** What is wrong with a new name, in words; null when it can be used. */
export function nameProblem(name: string, taken: ReadonlySet<string>): string | null {
  if (!name.trim()) return 'Type a name.';
  if (name === '.' || name === '..') return 'This name means a folder itself; choose another one.';
  if (name.includes('/')) return 'A name cannot contain “/”.';
  if (name.includes('\0')) return 'A name cannot contain a NUL character.';
  if (new TextEncoder().encode(name).length > 255) return 'The name is too long: 255 bytes at most.';
  if (taken.has(name)) return `“${name}” exists already; choose another name.`;
  return null;
}

/** `name` when it is free, else "name 2.ext", "name 3.ext", ... */
export function freeName(name: string, taken: ReadonlySet<string>): string {
  if (!taken.has(name)) return name;
  const dot = name.lastIndexOf('.');
  const [stem, tail] = dot > 0 ? [name.slice(0, dot), name.slice(dot)] : [name, ''];
  for (let count = 2; ; ++count) {
    const candidate = `${stem} ${count}${tail}`;
    if (!taken.has(candidate)) return candidate;
  }
}

export type FileKind = 'folder' | 'text' | 'image' | 'pdf' | 'audio' | 'video' | 'archive' | 'other';

const images = new Set(['png', 'jpg', 'jpeg', 'gif', 'webp', 'avif', 'svg', 'bmp', 'ico']);
const archives = new Set(['zip', 'gz', 'tgz', 'xz', 'zst', 'bz2', 'tar', '7z', 'rar', 'deb', 'rpm', 'jar', 'whl']);
const media: Record<string, FileKind> = {
  mp3: 'audio',
  wav: 'audio',
  ogg: 'audio',
  flac: 'audio',
  mp4: 'video',
  webm: 'video',
  mov: 'video',
  mkv: 'video',
  pdf: 'pdf',
};
const opaque = new Set([
  'o',
  'so',
  'a',
  'exe',
  'dll',
  'bin',
  'pyc',
  'class',
  'wasm',
  'db',
  'sqlite',
  'sqlite3',
  'npy',
  'npz',
  'parquet',
  'h5',
  'pkl',
  'iso',
  'img',
  'woff',
  'woff2',
  'ttf',
  'otf',
  'xlsx',
  'docx',
  'pptx',
  'odt',
  'ods',
]);

interface Typed {
  name: string;
  type: string;
  /** Type of what a link leads to. */
  target?: string;
}

const isFolder = ({ type, target }: Typed): boolean => (target ?? type) === 'directory';

/** What opening a file should do, guessed from its name. Unknown names count as text: the server refuses what is not. */
export function kindOf(entry: Typed): FileKind {
  if (isFolder(entry)) return 'folder';
  const tail = extension(entry.name);
  if (images.has(tail)) return 'image';
  if (archives.has(tail)) return 'archive';
  if (media[tail]) return media[tail];
  return opaque.has(tail) ? 'other' : 'text';
}

const collator = new Intl.Collator(undefined, { numeric: true, sensitivity: 'base' });
export type SortKey = 'name' | 'size' | 'mtime';
interface Sortable extends Typed {
  size: number;
  mtime: number;
}

/** Above this many entries names are compared by prepared keys: a collator would be felt. */
const manyEntries = 2000;

/** Compares as the collator does for plain names: without case, numbers by value. */
function sortingKey(name: string): string {
  return name.toLowerCase().replace(/\d+/g, (digits) => digits.padStart(12, '0'));
}

/** Folders first, then by `key`; equal rows by name. Sorts a copy. */
export function sortEntries<T extends Sortable>(entries: readonly T[], key: SortKey, ascending: boolean): T[] {
  const sign = ascending ? 1 : -1;
  const many = entries.length > manyEntries;
  const rows = entries.map((entry) => ({
    entry,
    folder: isFolder(entry) ? 0 : 1,
    value: key === 'name' ? 0 : entry[key],
    name: many ? sortingKey(entry.name) : entry.name,
  }));
  const plain = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
  const byName = many ? plain : collator.compare;
  rows.sort(
    (a, b) =>
      a.folder - b.folder || sign * (a.value - b.value || byName(a.name, b.name)) || plain(a.entry.name, b.entry.name),
  );
  return rows.map((row) => row.entry);
}
