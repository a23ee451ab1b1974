/** A component loaded when it is first shown. A chunk that cannot be fetched offers another try instead of a blank page. */
import type { ComponentType, JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { Empty, Skeleton } from './basics';

interface LazyComponent<P> {
  (props: P): JSX.Element;
  /** Fetches the code before it is needed; a failure is told when it is. */
  preload(): void;
}

export function lazy<P extends object>(load: () => Promise<ComponentType<P>>, what: string): LazyComponent<P> {
  let loaded: ComponentType<P> | null = null;
  function Lazy(props: P) {
    const [, show] = useState(0);
    const [failed, setFailed] = useState(false);
    useEffect(() => {
      if (loaded || failed) return;
      load().then(
        (component) => {
          loaded = component;
          show(1);
        },
        () => setFailed(true),
      );
    }, [failed]);
    if (loaded) {
      const Component = loaded;
      return <Component {...props} />;
    }
    if (!failed) return <Skeleton rows={4} label={`Loading ${what}`} />;
    return (
      <Empty
        icon="offline"
        tone="bad"
        title={`This part of the page could not be loaded`}
        actions={
          <>
            <button type="button" class="button" onClick={() => setFailed(false)}>
              Try again
            </button>
            <button type="button" class="button" onClick={() => location.reload()}>
              Reload the page
            </button>
          </>
        }
      >
        <p>The connection may be down, or Atrium was updated since the page was opened; then a reload helps.</p>
      </Empty>
    );
  }
  Lazy.preload = (): void => {
    load().then(
      (component) => {
        loaded = component;
      },
      () => undefined,
    );
  };
  return Lazy;
}
