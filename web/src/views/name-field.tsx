/** A field for the name of a file: says at once what is wrong with it, ends with Enter, Escape or by leaving. */
import { useLayoutEffect, useRef, useState } from 'preact/hooks';
import { nameProblem } from '../lib/paths';

export function NameField({
  initial,
  label,
  taken,
  onEnd,
}: {
  initial: string;
  label: string;
  taken: ReadonlySet<string>;
  onEnd(name: string | null): void;
}) {
  const [typed, setTyped] = useState(initial);
  const input = useRef<HTMLInputElement>(null);
  const ended = useRef(false);
  useLayoutEffect(() => {
    input.current!.focus();
    const dot = initial.lastIndexOf('.');
    input.current!.setSelectionRange(0, dot > 0 ? dot : initial.length); // the ending usually stays
  }, []);
  const problem = typed === initial ? null : nameProblem(typed, taken);
  const end = (name: string | null): void => {
    if (ended.current) return;
    ended.current = true;
    onEnd(name);
  };
  return (
    <span class="name-field">
      <input
        ref={input}
        value={typed}
        aria-label={label}
        aria-invalid={problem ? true : undefined}
        aria-describedby={problem ? 'name-problem' : undefined}
        spellcheck={false}
        autocomplete="off"
        onInput={(event) => setTyped(event.currentTarget.value)}
        onClick={(event) => event.stopPropagation()}
        onDblClick={(event) => event.stopPropagation()}
        onKeyDown={(event) => {
          event.stopPropagation();
          if (event.key === 'Escape') end(null);
          else if (event.key === 'Enter' && !event.isComposing && typed.trim() && !problem) end(typed);
        }}
        onBlur={() => end(problem || !typed.trim() ? null : typed)}
      />
      {problem && typed !== '' && (
        <span class="field-problem" id="name-problem" role="alert">
          {problem}
        </span>
      )}
    </span>
  );
}
