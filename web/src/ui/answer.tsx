/** What a server is asked for when a view opens, and what stands in its place until it is there, or when it does not come. */
import { useEffect, useRef, useState } from 'preact/hooks';
import { isQuiet, sentence } from '../net/protocol';
import { Empty, Skeleton } from './basics';

export interface Answer<T> {
  value: T | null;
  setValue(value: T | null): void;
  problem: string | null;
  load(): Promise<void>;
}

/** Asks when the view opens and whenever `deps` change; only the answer to the latest question counts. */
export function useAnswer<T>(ask: () => Promise<T>, deps: readonly unknown[]): Answer<T> {
  const [value, setValue] = useState<T | null>(null);
  const [problem, setProblem] = useState<string | null>(null);
  const latest = useRef(0);
  const load = async (): Promise<void> => {
    const mine = ++latest.current;
    setProblem(null);
    try {
      const answer = await ask();
      if (mine === latest.current) setValue(answer);
    } catch (error) {
      if (mine === latest.current && !isQuiet(error)) setProblem(sentence(error));
    }
  };
  useEffect(() => void load(), deps as unknown[]);
  return { value, setValue, problem, load };
}

/** Nothing once the answer is there. `what` follows “the”. */
export function Awaited<T>({ answer, what, rows }: { answer: Answer<T>; what: string; rows: number }) {
  const { value, problem, load } = answer;
  if (problem)
    return (
      <Empty
        icon="fail"
        tone="bad"
        title={`The ${what} could not be loaded`}
        actions={
          <button type="button" class="button" onClick={() => void load()}>
            Try again
          </button>
        }
      >
        <p>{problem}</p>
      </Empty>
    );
  return value === null ? <Skeleton rows={rows} label={`Loading the ${what}`} /> : null;
}
