import { useCallback, useEffect, useLayoutEffect, useReducer, useRef, useState } from 'preact/hooks';
import type { Cell } from '../lib/cell';
import type { LinkState } from '../net/link';

/** The value of a cell; the component renders again when (the picked part of) it changes. */
export function useCell<T>(cell: Cell<T>): T;
export function useCell<T, U>(cell: Cell<T>, pick: (value: T) => U): U;
export function useCell<T>(cell: Cell<T>, pick: (value: T) => unknown = (value) => value): unknown {
  const [, again] = useReducer<number, void>((count) => count + 1, 0);
  const latest = useRef(pick);
  latest.current = pick;
  const shown = pick(cell.value);
  const last = useRef(shown);
  last.current = shown;
  useLayoutEffect(() => {
    const look = (): void => {
      if (!Object.is(latest.current(cell.value), last.current)) again();
    };
    look(); // it may have changed between rendering and now
    return cell.subscribe(look);
  }, [cell]);
  return shown;
}

/** The time, renewed every `everyMs`; 0 stops it. */
export function useNow(everyMs: number): number {
  const [now, setNow] = useState(Date.now());
  useEffect(() => {
    if (everyMs <= 0) return;
    setNow(Date.now());
    const timer = setInterval(() => setNow(Date.now()), everyMs);
    return () => clearInterval(timer);
  }, [everyMs]);
  return now;
}

/** True once `ms` have passed since the component appeared: for skeletons, which must not flash. */
export function useLate(ms: number): boolean {
  const [late, setLate] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setLate(true), ms);
    return () => clearTimeout(timer);
  }, [ms]);
  return late;
}

export function useMedia(query: string): boolean {
  const [matches, setMatches] = useState(() => matchMedia(query).matches);
  useEffect(() => {
    const media = matchMedia(query);
    const look = (): void => setMatches(media.matches);
    look();
    media.addEventListener('change', look);
    return () => media.removeEventListener('change', look);
  }, [query]);
  return matches;
}

export const phoneQuery = '(max-width: 639px)';

const keptName = (key: string): string => `atrium.typed.${key}`;

/** Forgets what `useKept` kept, without changing what is shown. */
export function forgetKept(...keys: string[]): void {
  try {
    for (const key of keys) sessionStorage.removeItem(keptName(key));
  } catch {
    // nothing was kept
  }
}

/** State that survives leaving the view and a reload of the tab: what somebody typed. */
export function useKept(key: string, initial: string): [string, (value: string) => void] {
  const name = keptName(key);
  const [value, setValue] = useState(() => {
    try {
      return sessionStorage.getItem(name) ?? initial;
    } catch {
      return initial;
    }
  });
  const set = useCallback(
    (next: string) => {
      setValue(next);
      try {
        if (next) sessionStorage.setItem(name, next);
        else sessionStorage.removeItem(name);
      } catch {
        // kept in memory then
      }
    },
    [name],
  );
  return [value, set];
}

/** Gives the focus back after a field went away, unless the person has put it elsewhere meanwhile. */
export function focusUnlessTaken(element: () => HTMLElement | null): void {
  requestAnimationFrame(() => {
    if (document.activeElement === document.body) element()?.focus();
  });
}

/** Milliseconds without a connection after which people are told: shorter gaps pass unseen. */
const quietMs = 2000;

/** The state of a link as it should be shown: null while all is well or the gap is still short. */
export function useLinkTrouble(link: Cell<LinkState>): Extract<LinkState, { phase: 'connecting' | 'waiting' }> | null {
  const state = useCell(link);
  const away = state.phase === 'connecting' || state.phase === 'waiting';
  const now = useNow(away ? 250 : 0);
  return away && now - state.lostAt >= quietMs ? state : null;
}

export function useTitle(title: string): void {
  useEffect(() => {
    document.title = title ? `${title} · Atrium` : 'Atrium';
  }, [title]);
}
