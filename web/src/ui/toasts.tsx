/** Short notices at the edge: what was done, with a way back. They stay while pointed at or focused. */
import { useEffect, useRef, useState } from 'preact/hooks';
import { Cell } from '../lib/cell';
import { useCell } from './hooks';
import { Icon } from './icons';
import { TraceId } from './trace-id';

interface Toast {
  text: string;
  tone?: 'plain' | 'bad';
  /** Trace id of what failed. */
  trace?: string | undefined;
  action?: { label: string; run(): void };
}

interface Shown extends Toast {
  id: number;
}

const shown = new Cell<readonly Shown[]>([]);
let nextId = 1;
const lifeMs = 10_000;
const atMost = 4;

export function toast(notice: Toast): () => void {
  const entry = { ...notice, id: nextId++ };
  shown.update((list) => [...list, entry].slice(-atMost));
  return () => dismiss(entry.id);
}

function dismiss(id: number): void {
  shown.update((list) => list.filter((entry) => entry.id !== id));
}

function Notice({ entry }: { entry: Shown }) {
  const [held, setHeld] = useState(false);
  const left = useRef(lifeMs);
  useEffect(() => {
    if (held) return;
    const since = Date.now();
    const timer = setTimeout(() => dismiss(entry.id), left.current);
    return () => {
      clearTimeout(timer);
      left.current = Math.max(2000, left.current - (Date.now() - since));
    };
  }, [held, entry.id]);
  const hold = (): void => setHeld(true);
  const release = (): void => setHeld(false);
  return (
    <li
      class={`toast toast-${entry.tone ?? 'plain'}`}
      onMouseEnter={hold}
      onMouseLeave={release}
      onFocusIn={hold}
      onFocusOut={release}
    >
      {entry.tone === 'bad' && <Icon name="fail" />}
      <p>
        {entry.text}
        {entry.trace && <TraceId id={entry.trace} />}
      </p>
      {entry.action && (
        <button
          type="button"
          class="button button-small"
          onClick={() => {
            entry.action!.run();
            dismiss(entry.id);
          }}
        >
          {entry.action.label}
        </button>
      )}
      <button type="button" class="icon-button" aria-label="Dismiss" onClick={() => dismiss(entry.id)}>
        <Icon name="close" />
      </button>
    </li>
  );
}

export function Toasts() {
  const list = useCell(shown);
  return (
    <section class="toasts" aria-label="Notices" aria-live="polite">
      <ul>
        {list.map((entry) => (
          <Notice key={entry.id} entry={entry} />
        ))}
      </ul>
    </section>
  );
}
