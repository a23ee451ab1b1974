/** Who works in a project: added by name or e-mail address, removed with an undo. */
import { useEffect, useRef, useState } from 'preact/hooks';
import { href, navigate } from '../lib/router';
import { isQuiet, sentence, type Collaborator } from '../net/protocol';
import { hub } from '../state/app';
import { groupOf } from '../state/projects';
import { Avatar, Empty, Live, Skeleton } from '../ui/basics';
import { useCell } from '../ui/hooks';
import { Icon } from '../ui/icons';
import { toast } from '../ui/toasts';
import type { ProjectContext } from './project';

type Found = { account_id: string; first_name: string; last_name: string };
const nameOf = (person: { first_name: string; last_name: string }): string => `${person.first_name} ${person.last_name}`.trim() || 'Unnamed';
const isAddress = (text: string): boolean => /^\S+@\S+\.\S+$/.test(text.trim()) || /^\S+@\S+$/.test(text.trim());

/** The people of the project; read again when the row says that they changed. */
function usePeople({ row }: ProjectContext) {
  const [people, setPeople] = useState<Collaborator[] | null>(null);
  const [problem, setProblem] = useState<string | null>(null);
  const key = Object.keys(row.users ?? {}).sort().join() + (row.collaborators ?? []).length;
  const load = async (): Promise<void> => {
    setProblem(null);
    try {
      setPeople(await hub.call('projects.collaborators', { project_id: row.project_id }, { timeoutMs: 0 }));
    } catch (error) {
      if (!isQuiet(error)) setProblem(sentence(error));
    }
  };
  useEffect(() => void load(), [row.project_id, key]);
  return { people, setPeople, problem, load };
}

function Add({ context, people, onAdded }: { context: ProjectContext; people: readonly Collaborator[]; onAdded(): void }) {
  const [typed, setTyped] = useState('');
  const [found, setFound] = useState<Found[] | null>(null);
  const [problem, setProblem] = useState<string | null>(null);
  const [active, setActive] = useState(0);
  const [busy, setBusy] = useState(false);
  const input = useRef<HTMLInputElement>(null);
  const query = typed.trim();
  useEffect(() => {
    setProblem(null);
    if (query.length < 2) return setFound(null);
    let current = true;
    const timer = setTimeout(() => {
      hub.call('accounts.search', { query }).then(
        (list) => {
          if (!current) return;
          const here = new Set(people.map((person) => person.account_id));
          setFound(list.filter((person) => !here.has(person.account_id)));
          setActive(0);
        },
        (error: unknown) => current && setProblem(sentence(error)),
      );
    }, 150);
    return () => {
      current = false;
      clearTimeout(timer);
    };
  }, [query, people]);
  const add = async (whom: { account_id: string } | { email_address: string }, name: string): Promise<void> => {
    if (busy) return;
    setBusy(true);
    try {
      await hub.call('projects.add_collaborator', { project_id: context.row.project_id, ...whom });
      toast({ text: `${name} can now work in this project.` });
      setTyped('');
      setFound(null);
      onAdded();
      input.current?.focus();
    } catch (error) {
      setProblem(sentence(error));
    }
    setBusy(false);
  };
  const choose = (): void => {
    const person = found?.[active];
    if (person) void add({ account_id: person.account_id }, nameOf(person));
    else if (isAddress(query)) void add({ email_address: query }, query);
  };
  const list = found ?? [];
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
        <button type="submit" class="button button-main" disabled={busy || (list.length === 0 && !isAddress(query))}>
          Add
        </button>
      </div>
      <ul id="add-person-list" role="listbox" aria-label="People found" class={list.length > 0 ? 'found' : 'found found-none'}>
        {list.map((person, index) => (
          <li key={person.account_id} id={`found-${index}`} role="option" aria-selected={index === active} class={index === active ? 'found-person active' : 'found-person'} onMouseMove={() => setActive(index)} onClick={() => void add({ account_id: person.account_id }, nameOf(person))}>
            <Avatar id={person.account_id} name={nameOf(person)} small beside /> {nameOf(person)}
          </li>
        ))}
      </ul>
      {found && found.length === 0 && query.length >= 2 && (
        <p class="quiet" role="status">
          {isAddress(query) ? `Press Enter to add the account of ${query}.` : `Nobody else here is called “${query}”. An e-mail address works too.`}
        </p>
      )}
      <Live text={list.length > 0 ? `${list.length} found` : ''} />
    </form>
  );
}

export function PeoplePane({ context }: { context: ProjectContext }) {
  const { row, me, session } = context;
  const { people, setPeople, problem, load } = usePeople(context);
  const present = useCell(session.presence);
  const here = new Set(present.map((user) => user.account_id));
  const owner = groupOf(row, me) === 'owner';
  const id = row.project_id;
  const remove = async (person: Collaborator): Promise<void> => {
    const before = people;
    setPeople((people ?? []).filter((other) => other.account_id !== person.account_id));
    try {
      await hub.call('projects.remove_collaborator', { project_id: id, account_id: person.account_id });
      if (person.account_id === me) {
        toast({ text: `You left “${row.title}”.` });
        navigate(href({ view: 'projects' }));
        return;
      }
      const undo = async (): Promise<void> => {
        try {
          await hub.call('projects.add_collaborator', { project_id: id, account_id: person.account_id });
          await load();
        } catch (error) {
          toast({ text: `${nameOf(person)} was not added again. ${sentence(error)}`, tone: 'bad' });
        }
      };
      toast({ text: `${nameOf(person)} was removed from the project.`, action: { label: 'Undo', run: () => void undo() } });
    } catch (error) {
      setPeople(before);
      toast({ text: `${nameOf(person)} was not removed. ${sentence(error)}`, tone: 'bad' });
    }
  };
  return (
    <div class="pane-page">
      <div class="pane-column">
        <h2>People</h2>
        {people && <Add context={context} people={people} onAdded={() => void load()} />}
        {!people && !problem && <Skeleton rows={3} label="Loading the people of the project" />}
        {problem && (
          <Empty icon="fail" tone="bad" title="The people could not be loaded" actions={<button type="button" class="button" onClick={() => void load()}>Try again</button>}>
            <p>{problem}</p>
          </Empty>
        )}
        {people && (
          <ul class="people" aria-label="People of the project">
            {people.map((person) => (
              <li key={person.account_id} class="person">
                <Avatar id={person.account_id} name={nameOf(person)} beside />
                <div class="person-name">
                  <span>
                    {nameOf(person)} {person.account_id === me && <span class="quiet">(you)</span>}
                  </span>
                  {person.email_address && <span class="quiet">{person.email_address}</span>}
                </div>
                {here.has(person.account_id) && (
                  <span class="state state-running">
                    <Icon name="eye" /> Here now
                  </span>
                )}
                <span class="person-group">{person.group === 'owner' ? 'Owner' : 'Collaborator'}</span>
                {person.group !== 'owner' && (owner || person.account_id === me) ? (
                  <button type="button" class="button button-small" onClick={() => void remove(person)}>
                    {person.account_id === me ? 'Leave' : 'Remove'}
                    <span class="visually-hidden"> {nameOf(person)}</span>
                  </button>
                ) : (
                  <span />
                )}
              </li>
            ))}
          </ul>
        )}
      </div>
    </div>
  );
}
