/** Finding somebody by name or e-mail address and adding them to a project. */
import { useEffect, useRef, useState } from 'preact/hooks';
import { sentence, type Collaborator } from '../net/protocol';
import { hub } from '../state/app';
import { nameOf } from '../state/people';
import { Avatar, Live } from '../ui/basics';
import { Icon } from '../ui/icons';
import { toast } from '../ui/toasts';
import type { ProjectContext } from './project-context';

type Found = { account_id: string; first_name: string; last_name: string };

const isAddress = (text: string): boolean => /^\S+@\S+$/.test(text.trim());

/** People who are not in the project yet, a moment after somebody typed, with the query that found them. */
function useFound(query: string, people: readonly Collaborator[], tell: (problem: string | null) => void) {
  const [found, setFound] = useState<{ query: string; list: Found[] } | null>(null);
  const [active, setActive] = useState(0);
  useEffect(() => {
    tell(null);
    if (query.length < 2) return setFound(null);
    let current = true;
    const timer = setTimeout(() => {
      hub.call('accounts.search', { query }).then(
        (list) => {
          if (!current) return;
          const here = new Set(people.map((person) => person.account_id));
          setFound({ query, list: list.filter((person) => !here.has(person.account_id)) });
          setActive(0);
        },
        (error: unknown) => current && tell(sentence(error)),
      );
    }, 150);
    return () => {
      current = false;
      clearTimeout(timer);
    };
  }, [query, people]);
  return { found, active, setActive };
}

export function AddPerson({
  context,
  people,
  onAdded,
}: {
  context: ProjectContext;
  people: readonly Collaborator[];
  onAdded(): void;
}) {
  const [typed, setTyped] = useState('');
  const [problem, setProblem] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const input = useRef<HTMLInputElement>(null);
  const query = typed.trim();
  const { found, active, setActive } = useFound(query, people, setProblem);
  const add = async (whom: { account_id: string } | { email_address: string }, name: string): Promise<void> => {
    if (busy) return;
    setBusy(true);
    try {
      await hub.call('projects.add_collaborator', { project_id: context.row.project_id, ...whom });
      toast({ text: `${name} can now work in this project.` });
      setTyped('');
      onAdded();
      input.current?.focus();
    } catch (error) {
      setProblem(sentence(error));
    }
    setBusy(false);
  };
  const list = found?.list ?? [];
  const fresh = found?.query === query;
  const choose = (): void => {
    // Who was found by fewer letters may be somebody else than the person who is meant now.
    const person = fresh ? list[active] : undefined;
    if (person) void add({ account_id: person.account_id }, nameOf(person));
    else if (isAddress(query)) void add({ email_address: query }, query);
  };
  return (
    <form
      class="add-person"
      onSubmit={(event) => {
        event.preventDefault();
        choose();
      }}
    >
      <label for="add-person">Add somebody</label>
      <p class="field-hint" id="add-person-hint">
        Type a name, or the e-mail address of their account. They see everything in this project and can change it.
      </p>
      {problem && (
        <p class="field-problem" id="add-person-problem" role="alert">
          <Icon name="fail" /> {problem}
        </p>
      )}
      <div class="new-project-line">
        <input
          id="add-person"
          ref={input}
          data-focus-first
          type="text"
          role="combobox"
          autocomplete="off"
          aria-expanded={list.length > 0}
          aria-controls="add-person-list"
          aria-autocomplete="list"
          aria-activedescendant={list[active] ? `found-${active}` : undefined}
          aria-describedby={problem ? 'add-person-hint add-person-problem' : 'add-person-hint'}
          aria-invalid={problem ? true : undefined}
          value={typed}
          onInput={(event) => setTyped(event.currentTarget.value)}
          onKeyDown={(event) => {
            const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
            if (by === undefined || list.length === 0) return;
            event.preventDefault();
            setActive((active + by + list.length) % list.length);
          }}
        />
        <button
          type="submit"
          class="button button-main"
          disabled={busy || !(isAddress(query) || (fresh && list.length > 0))}
        >
          Add
        </button>
      </div>
      <ul
        id="add-person-list"
        role="listbox"
        aria-label="People found"
        class={list.length > 0 ? 'found' : 'found found-none'}
      >
        {list.map((person, index) => (
          <li
            key={person.account_id}
            id={`found-${index}`}
            role="option"
            aria-selected={index === active}
            class={index === active ? 'found-person active' : 'found-person'}
            onMouseMove={() => setActive(index)}
            onClick={() => void add({ account_id: person.account_id }, nameOf(person))}
          >
            <Avatar id={person.account_id} name={nameOf(person)} small beside /> {nameOf(person)}
          </li>
        ))}
      </ul>
      {fresh && list.length === 0 && (
        <p class="quiet" role="status">
          {isAddress(query)
            ? `Press Enter to add the account of ${query}.`
            : `Nobody else here is called “${query}”. An e-mail address works too.`}
        </p>
      )}
      <Live text={list.length > 0 ? `${list.length} found` : ''} />
    </form>
  );
}
