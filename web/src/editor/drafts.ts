/**
 * Changes that the server has not confirmed, kept in the browser: sessionStorage for a reload of this tab (written while
 * the page goes), IndexedDB for a crash. A tab that lives owns its drafts through a time stamp that it keeps fresh.
 */
export interface Draft {
  epoch: string;
  version: number;
  clientID: string;
  base: string;
  updates: { changes: unknown; id: string }[];
  time: number;
}

interface Kept {
  key: string;
  document: string;
  draft: Draft;
}

const store = 'drafts';
/** A draft not refreshed for this long belongs to a tab that is gone. */
const orphanAfterMs = 20_000;

function request<T>(source: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    source.onsuccess = () => resolve(source.result);
    source.onerror = () => reject(source.error);
  });
}

let database: Promise<IDBDatabase> | null = null;
function open(): Promise<IDBDatabase> {
  database ??= new Promise((resolve, reject) => {
    const opening = indexedDB.open('atrium', 1);
    opening.onupgradeneeded = () => {
      opening.result.createObjectStore(store, { keyPath: 'key' }).createIndex('document', 'document');
    };
    opening.onsuccess = () => resolve(opening.result);
    opening.onerror = () => reject(opening.error);
  });
  return database;
}

async function objects(mode: IDBTransactionMode): Promise<IDBObjectStore> {
  return (await open()).transaction(store, mode).objectStore(store);
}

export const documentName = (projectId: string, path: string): string => `${projectId}/${path}`;

/** Browsers may refuse storage (private windows, full disks): then the draft lives in memory only, as before a reload. */
async function quietly<T>(work: () => Promise<T>, otherwise: T): Promise<T> {
  try {
    return await work();
  } catch {
    return otherwise;
  }
}

export function keep(document: string, draft: Draft): Promise<void> {
  return quietly(async () => {
    const kept: Kept = { key: `${document} ${draft.clientID}`, document, draft };
    await request((await objects('readwrite')).put(kept));
  }, undefined);
}

export function forget(document: string, clientID: string): Promise<void> {
  return quietly(async () => {
    await request((await objects('readwrite')).delete(`${document} ${clientID}`));
  }, undefined);
}

/** Drafts of tabs that went without sending them, oldest first. */
export function orphans(document: string, now: number): Promise<Draft[]> {
  return quietly(async () => {
    const all = (await request((await objects('readonly')).index('document').getAll(document))) as Kept[];
    const gone = all.map((kept) => kept.draft).filter((draft) => now - draft.time > orphanAfterMs);
    return gone.sort((a, b) => a.time - b.time);
  }, []);
}

const sessionKey = (document: string): string => `atrium.draft.${document}`;

/** For the moment when the page goes: synchronous, so that it happens. */
export function leave(document: string, draft: Draft): void {
  try {
    sessionStorage.setItem(sessionKey(document), JSON.stringify(draft));
  } catch {
    // too large for sessionStorage: IndexedDB has it from the last pause in typing
  }
}

/** Takes the draft that this tab left before its reload; a second call finds nothing, nor does a duplicated tab. */
export function returnTo(document: string): Draft | null {
  try {
    const text = sessionStorage.getItem(sessionKey(document));
    sessionStorage.removeItem(sessionKey(document));
    return text ? (JSON.parse(text) as Draft) : null;
  } catch {
    return null;
  }
}
