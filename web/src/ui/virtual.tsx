/** Draws only the rows that can be seen: a list of a hundred thousand scrolls like one of twenty. Rows have one height. */
import type { ComponentChildren, JSX, RefObject } from 'preact';
import { useEffect, useLayoutEffect, useState } from 'preact/hooks';

interface Window {
  first: number;
  last: number;
}

/** Rows [first, last) that a scrolled box shows, with some above and below. */
export function visibleRows(scrollTop: number, height: number, rowHeight: number, count: number, spare = 8): Window {
  const first = Math.max(0, Math.floor(scrollTop / rowHeight) - spare);
  const last = Math.min(count, Math.ceil((scrollTop + height) / rowHeight) + spare);
  return { first: Math.min(first, last), last };
}

interface VirtualProps {
  /** The element that scrolls. */
  scroller: RefObject<HTMLElement | null>;
  count: number;
  rowHeight: number;
  children(index: number): ComponentChildren;
  /** Below this many rows all are drawn, so that the browser's own search finds them. */
  all?: number;
}

export function VirtualRows({ scroller, count, rowHeight, children, all = 200 }: VirtualProps): JSX.Element {
  const [view, setView] = useState<Window>({ first: 0, last: Math.min(count, 60) });
  const whole = count <= all;
  useLayoutEffect(() => {
    const box = scroller.current;
    if (!box || whole) return;
    const look = (): void => {
      const next = visibleRows(box.scrollTop, box.clientHeight, rowHeight, count);
      setView((now) => (now.first === next.first && now.last === next.last ? now : next));
    };
    look();
    box.addEventListener('scroll', look, { passive: true });
    const observer = new ResizeObserver(look);
    observer.observe(box);
    return () => {
      box.removeEventListener('scroll', look);
      observer.disconnect();
    };
  }, [count, rowHeight, whole]);
  const first = whole ? 0 : Math.min(view.first, count);
  const last = whole ? count : Math.min(view.last, count);
  const rows: ComponentChildren[] = [];
  for (let index = first; index < last; ++index) rows.push(children(index));
  const pad =
    (height: number) =>
    (element: HTMLElement | null): void => {
      if (element) element.style.height = `${height}px`;
    };
  return (
    <>
      {first > 0 && <div role="presentation" ref={pad(first * rowHeight)} />}
      {rows}
      {last < count && <div role="presentation" ref={pad((count - last) * rowHeight)} />}
    </>
  );
}

/** Keeps row `index` inside the scrolled box when it becomes the active one. */
export function useKeepInView(
  scroller: RefObject<HTMLElement | null>,
  index: number,
  rowHeight: number,
  top = 0,
): void {
  useEffect(() => {
    const box = scroller.current;
    if (!box || index < 0) return;
    const start = index * rowHeight;
    if (start < box.scrollTop) box.scrollTop = start;
    else if (start + rowHeight + top > box.scrollTop + box.clientHeight)
      box.scrollTop = start + rowHeight + top - box.clientHeight;
  }, [index]);
}
