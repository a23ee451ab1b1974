/** Selection in a list by keyboard and pointer, as every file manager does it. Pure: positions in, positions out. */
export interface Selection {
  /** Index that the keyboard acts on; -1 in an empty list. */
  active: number;
  /** Index where a range started. */
  anchor: number;
  chosen: ReadonlySet<number>;
}

export const nothingSelected: Selection = { active: -1, anchor: -1, chosen: new Set() };

export type Step = 'up' | 'down' | 'page-up' | 'page-down' | 'home' | 'end';
interface Modifiers {
  shift?: boolean;
  toggle?: boolean;
}

function range(from: number, to: number): Set<number> {
  const chosen = new Set<number>();
  for (let index = Math.min(from, to); index <= Math.max(from, to); ++index) chosen.add(index);
  return chosen;
}

/** Moves the active row; with shift it extends the range from the anchor, with toggle it moves without choosing. */
export function move(
  selection: Selection,
  step: Step,
  count: number,
  page: number,
  modifiers: Modifiers = {},
): Selection {
  if (count === 0) return nothingSelected;
  const from = selection.active;
  const target = {
    up: from < 0 ? count - 1 : from - 1,
    down: from + 1,
    'page-up': from - page,
    'page-down': from + page,
    home: 0,
    end: count - 1,
  }[step];
  const active = Math.max(0, Math.min(count - 1, target));
  if (modifiers.shift) {
    const anchor = selection.anchor < 0 ? Math.max(0, from) : selection.anchor;
    return { active, anchor, chosen: range(anchor, active) };
  }
  if (modifiers.toggle) return { ...selection, active };
  return { active, anchor: active, chosen: new Set([active]) };
}

/** A click, or Space with toggle. */
export function press(selection: Selection, index: number, modifiers: Modifiers = {}): Selection {
  if (modifiers.shift) {
    const anchor = selection.anchor < 0 ? index : selection.anchor;
    return { active: index, anchor, chosen: range(anchor, index) };
  }
  if (modifiers.toggle) {
    const chosen = new Set(selection.chosen);
    if (!chosen.delete(index)) chosen.add(index);
    return { active: index, anchor: index, chosen };
  }
  return { active: index, anchor: index, chosen: new Set([index]) };
}

export function all(selection: Selection, count: number): Selection {
  return count === 0
    ? nothingSelected
    : { ...selection, active: Math.max(0, selection.active), chosen: range(0, count - 1) };
}

export function none(selection: Selection): Selection {
  return { ...selection, chosen: new Set() };
}

/** Keeps the same names selected after the list changed; the active row stays near where it was. */
export function carry(selection: Selection, before: readonly string[], after: readonly string[]): Selection {
  if (after.length === 0) return nothingSelected;
  const places = new Map(after.map((name, index) => [name, index]));
  const moved = (index: number): number =>
    index < 0 ? -1 : (places.get(before[index] ?? '') ?? Math.min(index, after.length - 1));
  const chosen = new Set<number>();
  for (const index of selection.chosen) {
    const place = places.get(before[index] ?? '');
    if (place !== undefined) chosen.add(place);
  }
  return { active: moved(selection.active), anchor: moved(selection.anchor), chosen };
}

/** First row at or after `from` whose name starts with `typed`, wrapping around; -1 when there is none. */
export function findByTyping(names: readonly string[], typed: string, from: number): number {
  const wanted = typed.toLowerCase();
  const start = Math.max(0, from);
  for (let step = 0; step < names.length; ++step) {
    const index = (start + step) % names.length;
    if (names[index]!.toLowerCase().startsWith(wanted)) return index;
  }
  return -1;
}
