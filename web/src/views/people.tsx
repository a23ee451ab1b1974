/** Who works in a project: added by name or e-mail address, removed with an undo. */
import { useEffect, useState } from 'preact/hooks';
import { href, navigate } from '../lib/router';
import { isQuiet, sentence, type Collaborator } from '../net/protocol';
import { hub } from '../state/app';
import { groupOf } from '../state/projects';
import { Avatar, Empty, Skeleton } from '../ui/basics';
import { useCell } from '../ui/hooks';
import { Icon } from '../ui/icons';
import { toast } from '../ui/toasts';
import { AddPerson, nameOf } from './add-person';
import type { ProjectContext } from './project-context';

/** The people of the project; read again when the row says that they changed. */
function usePeople({ row }: ProjectContext) {
  const [people, setPeople] = useState<Collaborator[] | null>(null);
  const [problem, setProblem] = useState<string | null>(null);
  const key =
    Object.keys(row.users ?? {})
      .sort()
      .join() + (row.collaborators ?? []).length;
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
      toast({
        text: `${nameOf(person)} was removed from the project.`,
        action: { label: 'Undo', run: () => void undo() },
      });
    } catch (error) {
      setPeople(before);
      toast({ text: `${nameOf(person)} was not removed. ${sentence(error)}`, tone: 'bad' });
    }
  };
  return (
    <div class="pane-page">
      <div class="pane-column">
        <h2>People</h2>
        {people && <AddPerson context={context} people={people} onAdded={() => void load()} />}
        {!people && !problem && <Skeleton rows={3} label="Loading the people of the project" />}
        {problem && (
          <Empty
            icon="fail"
            tone="bad"
            title="The people could not be loaded"
            actions={
              <button type="button" class="button" onClick={() => void load()}>
                Try again
              </button>
            }
          >
            <p>{problem}</p>
          </Empty>
        )}
        {people && (
          <ul class="people" aria-label="People of the project">
            {people.map((person) => (
              <PersonRow
                key={person.account_id}
                person={person}
                me={me}
                here={here.has(person.account_id)}
                mayRemove={owner}
                remove={() => void remove(person)}
              />
            ))}
          </ul>
        )}
      </div>
    </div>
  );
}

interface RowProps {
  person: Collaborator;
  me: string;
  here: boolean;
  mayRemove: boolean;
  remove(): void;
}

function PersonRow({ person, me, here, mayRemove, remove }: RowProps) {
  return (
    <li class="person">
      <Avatar id={person.account_id} name={nameOf(person)} beside />
      <div class="person-name">
        <span>
          {nameOf(person)} {person.account_id === me && <span class="quiet">(you)</span>}
        </span>
        {person.email_address && <span class="quiet">{person.email_address}</span>}
      </div>
      {here && (
        <span class="state state-running">
          <Icon name="eye" /> Here now
        </span>
      )}
      <span class="person-group">{person.group === 'owner' ? 'Owner' : 'Collaborator'}</span>
      {person.group !== 'owner' && (mayRemove || person.account_id === me) ? (
        <button type="button" class="button button-small" onClick={remove}>
          {person.account_id === me ? 'Leave' : 'Remove'}
          <span class="visually-hidden"> {nameOf(person)}</span>
        </button>
      ) : (
        <span />
      )}
    </li>
  );
}
