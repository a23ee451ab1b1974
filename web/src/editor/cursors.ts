/** Where the others are: a caret with a name, and their selections, in a colour that belongs to the person. */
import { StateEffect, StateField, type Extension, type Range } from '@codemirror/state';
import { Decoration, EditorView, WidgetType, type DecorationSet } from '@codemirror/view';
import { hueOf } from '../lib/format';

interface RemoteCursor {
  clientID: string;
  accountId: string;
  name: string;
  ranges: { anchor: number; head: number }[];
}

export const setCursor = StateEffect.define<RemoteCursor>();
export const dropCursors = StateEffect.define<(cursor: RemoteCursor) => boolean>();

/** Drawn anew whenever the person moves, not when the text around it does: so the name is shown for a moment. */
class Caret extends WidgetType {
  constructor(
    readonly name: string,
    readonly hue: number,
    readonly told: RemoteCursor,
  ) {
    super();
  }

  override eq(other: Caret): boolean {
    return other.told === this.told;
  }

  toDOM(): HTMLElement {
    const caret = document.createElement('span');
    caret.className = 'cm-remote-caret';
    caret.style.setProperty('--hue', String(this.hue));
    caret.setAttribute('aria-hidden', 'true');
    const label = document.createElement('span');
    label.className = 'cm-remote-name';
    label.textContent = this.name;
    caret.append('\u2060', label);
    return caret;
  }

  override ignoreEvent(): boolean {
    return true;
  }
}

/** A cursor where it is now, with what its owner told last. */
interface Placed extends RemoteCursor {
  told: RemoteCursor;
}

interface Cursors {
  byClient: ReadonlyMap<string, Placed>;
  decorations: DecorationSet;
}

function decorate(byClient: ReadonlyMap<string, Placed>, length: number): DecorationSet {
  const ranges: Range<Decoration>[] = [];
  for (const cursor of byClient.values()) {
    const hue = hueOf(cursor.accountId);
    for (const { anchor, head } of cursor.ranges) {
      const [from, to] = [Math.min(anchor, head, length), Math.min(Math.max(anchor, head), length)];
      if (from < to)
        ranges.push(
          Decoration.mark({
            class: 'cm-remote-selection',
            attributes: { 'data-hue': String((Math.round(hue / 30) * 30) % 360) },
          }).range(from, to),
        );
      ranges.push(
        Decoration.widget({ widget: new Caret(cursor.name, hue, cursor.told), side: head >= anchor ? 1 : -1 }).range(
          Math.min(head, length),
        ),
      );
    }
  }
  return Decoration.set(ranges, true);
}

/** A cursor may lie in text that has not arrived here yet: then it stands at the end for a moment. */
function within(cursor: Placed, length: number, map = (place: number): number => place): Placed {
  const fit = (place: number): number => map(Math.max(0, Math.min(place, length)));
  return { ...cursor, ranges: cursor.ranges.map(({ anchor, head }) => ({ anchor: fit(anchor), head: fit(head) })) };
}

const cursorField = StateField.define<Cursors>({
  create: () => ({ byClient: new Map(), decorations: Decoration.none }),
  update(value, transaction) {
    let byClient = value.byClient;
    let changed = false;
    if (transaction.docChanged && byClient.size > 0) {
      const moved = new Map<string, Placed>();
      for (const [id, cursor] of byClient) {
        moved.set(
          id,
          within(cursor, transaction.startState.doc.length, (place) => transaction.changes.mapPos(place, 1)),
        );
      }
      byClient = moved;
      changed = true;
    }
    for (const effect of transaction.effects) {
      if (effect.is(setCursor)) {
        const next = new Map(byClient);
        next.delete(effect.value.clientID);
        const placed = { ...effect.value, told: effect.value };
        if (placed.ranges.length > 0) next.set(placed.clientID, within(placed, transaction.newDoc.length));
        byClient = next;
        changed = true;
      } else if (effect.is(dropCursors)) {
        byClient = new Map([...byClient].filter(([, cursor]) => !effect.value(cursor)));
        changed = true;
      }
    }
    return changed ? { byClient, decorations: decorate(byClient, transaction.newDoc.length) } : value;
  },
  provide: (field) => EditorView.decorations.from(field, (value) => value.decorations),
});

/** Colours by twelve hues: marks cannot carry a style of their own under a strict Content-Security-Policy. */
const hues: Record<string, Record<string, string>> = {};
for (let hue = 0; hue < 360; hue += 30)
  hues[`.cm-remote-selection[data-hue="${hue}"]`] = { backgroundColor: `oklch(0.7 0.14 ${hue} / 0.28)` };

const look = EditorView.baseTheme({
  ...hues,
  '.cm-remote-caret': {
    position: 'relative',
    borderLeft: '2px solid oklch(var(--person-l) var(--person-c) var(--hue))',
    marginLeft: '-1px',
    marginRight: '-1px',
  },
  '.cm-remote-name': {
    position: 'absolute',
    left: '-2px',
    bottom: '100%',
    padding: '0 5px',
    whiteSpace: 'nowrap',
    pointerEvents: 'none',
    zIndex: '5',
    font: 'var(--weight-medium) var(--size-12)/1.4 var(--font-text)',
    color: 'var(--on-person)',
    borderRadius: '4px 4px 4px 0',
    backgroundColor: 'oklch(var(--person-l) var(--person-c) var(--hue))',
    // It covers text: whoever rests is known by the colour, and by the name on pointing at the caret.
    animation: 'cm-remote-rest 200ms 2.5s forwards',
  },
  '.cm-remote-caret:hover .cm-remote-name': { animation: 'none' },
  '@keyframes cm-remote-rest': { to: { opacity: 0 } },
  '.cm-line:first-child .cm-remote-name': { bottom: 'auto', top: '100%', borderRadius: '0 4px 4px 4px' },
});

export function remoteCursors(): Extension {
  return [cursorField, look];
}
