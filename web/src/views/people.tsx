/** Who works in a project: added by name or e-mail address, removed with an undo. */
import { href, navigate } from '../lib/router';
import { sentence, type Collaborator } from '../net/protocol';
import { hub } from '../state/app';
import { nameOf } from '../state/people';
import { groupOf } from '../state/projects';
import { Awaited, useAnswer, type Answer } from '../ui/answer';
import { Avatar } from '../ui/basics';
import { useCell } from '../ui/hooks';
import { Icon } from '../ui/icons';
import { toast } from '../ui/toasts';
import { AddPerson } from './add-person';
import type { ProjectContext } from './project-context';

/** The people of the project; read again when the row says that they changed. */
function usePeople({ row }: ProjectContext): Answer<Collaborator[]> {
  const ids = Object.keys(row.users ?? {}).sort();
  return useAnswer(
    () => hub.call('projects.collaborators', { project_id: row.project_id }, { timeoutMs: 0 }),
    [row.project_id, ids.join(), row.collaborators?.length],
  );
}

export function PeoplePane({ context }: { context: ProjectContext }) {
  const { row, me, session } = context;
  const answer = usePeople(context);
  const { value: people, setValue: setPeople, load } = answer;
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
        <Awaited answer={answer} what="people of the project" rows={3} />
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
