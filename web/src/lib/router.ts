/** What the address bar says, as data. Parsing and formatting are pure; `navigate` and friends touch the history. */
import { Cell } from './cell';

export type Pane =
  | { kind: 'files'; path: string; preview?: string }
  | { kind: 'edit'; path: string; line?: number }
  | { kind: 'terminal'; name: string }
  | { kind: 'log' }
  | { kind: 'people' }
  | { kind: 'settings' };

export type Route =
  | { view: 'home' }
  | { view: 'sign-in'; next?: string }
  | { view: 'sign-up'; next?: string }
  | { view: 'projects' }
  | { view: 'account' }
  | { view: 'project'; id: string; pane: Pane; beside?: Pane }
  | { view: 'unknown'; path: string };

export const base = '/app/';
const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

function decodeSegments(segments: string[]): string {
  return segments
    .filter((segment) => segment !== '')
    .map((segment) => {
      try {
        return decodeURIComponent(segment);
      } catch {
        return segment; // a stray % typed by hand
      }
    })
    .join('/');
}

export function encodePath(path: string): string {
  return path.split('/').filter(Boolean).map(encodeURIComponent).join('/');
}

function parsePane(segments: string[], query: URLSearchParams): Pane | null {
  const [kind = 'files', ...rest] = segments;
  const path = decodeSegments(rest);
  switch (kind) {
    case '':
    case 'files': {
      const preview = query.get('preview');
      return preview ? { kind: 'files', path, preview } : { kind: 'files', path };
    }
    case 'edit': {
      if (!path) return null;
      const line = Number(query.get('line'));
      return Number.isInteger(line) && line > 0 ? { kind: 'edit', path, line } : { kind: 'edit', path };
    }
    case 'terminal':
      return { kind: 'terminal', name: path || 'main' };
    case 'log':
    case 'people':
    case 'settings':
      return { kind };
    default:
      return null;
  }
}

function safeNext(query: URLSearchParams): string | undefined {
  const next = query.get('next');
  // Only paths of this application: anything else would let a link send people elsewhere after signing in.
  return next && next.startsWith(base) && !next.includes('//') ? next : undefined;
}

export function parse(pathname: string, search = ''): Route {
  const query = new URLSearchParams(search);
  if (!pathname.startsWith(base) && pathname !== base.slice(0, -1)) return { view: 'unknown', path: pathname };
  const segments = pathname.slice(base.length).split('/');
  const next = safeNext(query);
  switch (segments[0]) {
    case '':
    case undefined:
      return { view: 'home' };
    case 'sign-in':
    case 'sign-up':
      return next ? { view: segments[0], next } : { view: segments[0] };
    case 'account':
      return { view: 'account' };
    case 'projects': {
      const id = segments[1] ?? '';
      if (id === '') return { view: 'projects' };
      const pane = parsePane(segments.slice(2), query);
      if (!uuid.test(id) || !pane) return { view: 'unknown', path: pathname };
      const besideText = query.get('beside');
      const beside = besideText ? parsePane(besideText.split('/'), new URLSearchParams()) : null;
      return besides(beside, pane) ? { view: 'project', id, pane, beside } : { view: 'project', id, pane };
    }
    default:
      return { view: 'unknown', path: pathname };
  }
}

function paneText(pane: Pane): string {
  switch (pane.kind) {
    case 'files':
    case 'edit':
      return pane.path ? `${pane.kind}/${encodePath(pane.path)}` : `${pane.kind}/`;
    case 'terminal':
      return `terminal/${encodePath(pane.name)}`;
    default:
      return pane.kind;
  }
}

export function href(route: Route): string {
  switch (route.view) {
    case 'home':
      return base;
    case 'sign-in':
    case 'sign-up':
      return `${base}${route.view}${route.next ? `?next=${encodeURIComponent(route.next)}` : ''}`;
    case 'projects':
    case 'account':
      return `${base}${route.view}`;
    case 'project': {
      const query = new URLSearchParams();
      if (route.pane.kind === 'files' && route.pane.preview) query.set('preview', route.pane.preview);
      if (route.pane.kind === 'edit' && route.pane.line) query.set('line', String(route.pane.line));
      if (route.beside) query.set('beside', paneText(route.beside));
      const search = query.toString();
      return `${base}projects/${route.id}/${paneText(route.pane)}${search ? `?${search}` : ''}`;
    }
    case 'unknown':
      return route.path;
  }
}

/** Address of a pane of a project, and of what is beside it: nothing when that is the same. */
export function paneHref(id: string, pane: Pane, beside?: Pane): string {
  return href(besides(beside, pane) ? { view: 'project', id, pane, beside } : { view: 'project', id, pane });
}

function besides(beside: Pane | null | undefined, pane: Pane): beside is Pane {
  return !!beside && paneKey(beside) !== paneKey(pane);
}

/** A name that is the same for the same tab, whatever its line or preview. */
export function paneKey(pane: Pane): string {
  switch (pane.kind) {
    case 'edit':
      return `edit:${pane.path}`;
    case 'terminal':
      return `terminal:${pane.name}`;
    default:
      return pane.kind;
  }
}

export const route = new Cell<Route>({ view: 'home' });

function read(): void {
  route.value = parse(location.pathname, location.search);
}

export function navigate(to: string, how: 'push' | 'replace' = 'push'): void {
  if (to === location.pathname + location.search) return;
  if (how === 'push') history.pushState(null, '', to);
  else history.replaceState(null, '', to);
  read();
}

/** Follows the history, and turns clicks on links inside the application into navigation without a reload. */
export function startRouter(): void {
  read();
  addEventListener('popstate', read);
  document.addEventListener('click', (event) => {
    if (
      event.defaultPrevented ||
      event.button !== 0 ||
      event.metaKey ||
      event.ctrlKey ||
      event.shiftKey ||
      event.altKey
    )
      return;
    const link = (event.target as Element | null)?.closest?.('a');
    if (!link || link.target || link.hasAttribute('download') || link.origin !== location.origin) return;
    if (!link.pathname.startsWith(base)) return;
    event.preventDefault();
    navigate(link.pathname + link.search);
  });
}
