/** Settings of a project: saved when the field is left, each group with a sentence. */
import { useEffect, useRef, useState } from 'preact/hooks';
import { moment } from '../lib/format';
import {
  deleteProject,
  restartProject,
  startProject,
  stopProject,
  undeleteProject,
  updateProject,
} from '../state/actions';
import { isBusy, stateOf } from '../state/projects';
import { copy } from '../ui/clipboard';
import { useCopied } from '../ui/copied';
import { StateChip } from '../ui/basics';
import { Icon } from '../ui/icons';
import type { ProjectContext } from './project-context';

function TextSetting({
  id,
  label,
  hint,
  value,
  most,
  lines,
  required,
  save,
}: {
  id: string;
  label: string;
  hint: string;
  value: string;
  most: number;
  lines?: number;
  required?: boolean;
  save(value: string): Promise<boolean>;
}) {
  const [typed, setTyped] = useState(value);
  const [state, setState] = useState<'' | 'saving' | 'saved' | 'failed' | 'missing'>('');
  const [touched, setTouched] = useState(false);
  const latest = useRef(typed);
  latest.current = typed;
  useEffect(() => {
    if (!touched) setTyped(value);
  }, [value, touched]);
  const leave = async (): Promise<void> => {
    if (typed === value) return setTouched(false);
    if (required && !typed.trim()) return setState('missing');
    setState('saving');
    const saved = await save(typed);
    if (latest.current !== typed) return; // somebody went on typing meanwhile: saved when they leave
    setState(saved ? 'saved' : 'failed');
    if (saved) setTouched(false); // until then what was typed stays, whatever the others make of the value
  };
  const shared = {
    id,
    value: typed,
    maxLength: most,
    'aria-describedby': `${id}-hint`,
    onInput: (event: { currentTarget: { value: string } }) => {
      setTouched(true);
      setState('');
      setTyped(event.currentTarget.value);
    },
    onBlur: () => void leave(),
  };
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <p class="field-hint" id={`${id}-hint`}>
        {hint}
      </p>
      {lines ? (
        <textarea rows={lines} {...shared} />
      ) : (
        <input
          type="text"
          {...shared}
          onKeyDown={(event) => event.key === 'Enter' && !event.isComposing && event.currentTarget.blur()}
        />
      )}
      <p class="field-state" role="status">
        {
          {
            '': '',
            saving: 'Saving…',
            saved: 'Saved. No restart is needed.',
            failed: 'Not saved: what you typed is still here.',
            missing: `Not saved: the ${label.toLowerCase()} cannot be empty.`,
          }[state]
        }
      </p>
    </div>
  );
}

export function SettingsPane({ context: { row, running } }: { context: ProjectContext }) {
  const [copied, noteCopy] = useCopied();
  const state = stateOf(row);
  const created = row.created ? Date.parse(row.created) : 0;
  return (
    <div class="pane-page">
      <div class="pane-column">
        <h2>Settings</h2>
        <section class="card" aria-label="Name">
          <h3>Name and description</h3>
          <TextSetting
            id="setting-title"
            label="Title"
            hint="What everybody in the project sees in their list."
            value={row.title}
            most={200}
            required
            save={(title) => updateProject(row, { title: title.trim() })}
          />
          <TextSetting
            id="setting-description"
            label="Description"
            hint="A sentence or two; found by the search over projects."
            value={row.description ?? ''}
            most={10000}
            lines={3}
            save={(description) => updateProject(row, { description })}
          />
        </section>
        <section class="card" aria-label="State">
          <h3>State</h3>
          <p class="setting-line">
            <StateChip state={state} />
            {state.reason && <span>{state.reason}</span>}
          </p>
          <p class="field-hint">
            Stopping ends all programs in the project; files stay. Restarting gives it a fresh start.
          </p>
          <div class="actions actions-start">
            {running ? (
              <>
                <button type="button" class="button" onClick={() => void restartProject(row)}>
                  <Icon name="restart" /> Restart
                </button>
                <button type="button" class="button" onClick={() => void stopProject(row)}>
                  <Icon name="stop" /> Stop
                </button>
              </>
            ) : (
              <button
                type="button"
                class="button"
                disabled={isBusy(row) || row.deleted === true}
                onClick={() => void startProject(row)}
              >
                <Icon name="play" /> Start
              </button>
            )}
          </div>
        </section>
        <section class="card" aria-label="Facts">
          <h3>For programs</h3>
          <p class="field-hint">The id names this project in the API and over SSH.</p>
          <p class="setting-line">
            <code class="id">{row.project_id}</code>
            <button type="button" class="button button-small" onClick={() => void copy(row.project_id, noteCopy)}>
              <Icon name="copy" /> {copied ? 'Copied' : 'Copy'}
            </button>
          </p>
          {created > 0 && <p class="quiet">Created {moment(created)}</p>}
        </section>
        <section class="card" aria-label="Deletion">
          <h3>{row.deleted ? 'Restore' : 'Delete'}</h3>
          <p class="field-hint">
            {row.deleted
              ? 'The project is deleted; its files are kept for now.'
              : 'Everybody loses access, programs end. You can restore the project afterwards.'}
          </p>
          <div class="actions actions-start">
            {row.deleted ? (
              <button type="button" class="button" onClick={() => void undeleteProject(row)}>
                Restore the project
              </button>
            ) : (
              <button type="button" class="button button-danger" onClick={() => void deleteProject(row)}>
                <Icon name="trash" /> Delete the project
              </button>
            )}
          </div>
        </section>
      </div>
    </div>
  );
}
