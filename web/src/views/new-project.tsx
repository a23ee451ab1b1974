/** A new project is a name and Enter. */
import { useLayoutEffect, useRef, useState } from 'preact/hooks';
import { createProject } from '../state/actions';
import { useKept } from '../ui/hooks';
import { Icon } from '../ui/icons';

export function NewProject({ onDone }: { onDone(): void }) {
  const [title, setTitle] = useKept('new-project', '');
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<string | null>(null);
  const input = useRef<HTMLInputElement>(null);
  useLayoutEffect(() => input.current?.focus(), []);
  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    if (busy) return;
    if (!title.trim()) {
      setProblem('Type a name for the project.');
      input.current?.focus();
      return;
    }
    setBusy(true);
    setProblem(null);
    const refused = await createProject(title.trim());
    setBusy(false);
    if (refused) {
      setProblem(refused);
      input.current?.focus();
      return;
    }
    setTitle('');
    onDone();
  };
  return (
    <form
      class="new-project"
      onSubmit={submit}
      onKeyDown={(event) => event.key === 'Escape' && onDone()}
      aria-busy={busy}
    >
      <label for="new-project-title">Name of the new project</label>
      <div class="new-project-line">
        <input
          id="new-project-title"
          ref={input}
          value={title}
          maxLength={200}
          autocomplete="off"
          placeholder="For example: Thesis, Lab 3, Website"
          aria-invalid={problem ? true : undefined}
          aria-describedby={problem ? 'new-project-problem' : undefined}
          onInput={(event) => setTitle(event.currentTarget.value)}
        />
        <button type="submit" class="button button-main" disabled={busy}>
          {busy ? 'Creating…' : 'Create and start'}
        </button>
        <button type="button" class="button" onClick={onDone}>
          Cancel
        </button>
      </div>
      {problem && (
        <p class="field-problem" id="new-project-problem" role="alert">
          <Icon name="fail" /> {problem}
        </p>
      )}
    </form>
  );
}
