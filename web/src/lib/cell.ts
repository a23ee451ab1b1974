/** A value that can be watched. Listeners run at once, in order of subscription, and only when the value changed. */
export class Cell<T> {
  #value: T;
  #listeners = new Set<(value: T) => void>();

  constructor(value: T) {
    this.#value = value;
  }

  get value(): T {
    return this.#value;
  }

  set value(next: T) {
    if (Object.is(next, this.#value)) return;
    this.#value = next;
    for (const listener of [...this.#listeners]) listener(next);
  }

  update(change: (value: T) => T): void {
    this.value = change(this.#value);
  }

  /** Calls `listener` after each change until the returned function is called. */
  subscribe(listener: (value: T) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}

/** Resolves with the first value that `accepts` takes, which may be the present one. */
export function when<T, U extends T>(cell: Cell<T>, accepts: (value: T) => value is U): Promise<U> {
  const present = cell.value;
  if (accepts(present)) return Promise.resolve(present);
  return new Promise((resolve) => {
    const stop = cell.subscribe((value) => {
      if (!accepts(value)) return;
      stop();
      resolve(value);
    });
  });
}
