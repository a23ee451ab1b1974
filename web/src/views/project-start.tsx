/** What a project that does not run says; and the timeline of its start: one line when fine, open when not. */
import { useEffect, useRef, useState } from 'preact/hooks';
import { clock, duration } from '../lib/format';
import { timeline, type Timeline } from '../lib/timeline';
import { cancelStart, startProject, undeleteProject } from '../state/actions';
import { projects } from '../state/app';
import { stateOf } from '../state/projects';
import { Empty, Live } from '../ui/basics';
import { useCell, useNow } from '../ui/hooks';
import { Icon } from '../ui/icons';
import { TraceId } from '../ui/trace-id';
import type { ProjectContext } from './project-context';

const stepIcons = { done: 'check', now: 'clock', todo: 'dot', failed: 'fail' } as const;
const stepWords = { done: 'done', now: 'in progress', todo: 'to come', failed: 'failed' } as const;

export function TimelineSteps({ line }: { line: Timeline }) {
  return (
    <ol class="timeline">
      {line.steps.map((step) => (
        <li key={step.phase} class={`timeline-step timeline-${step.state}`}>
          <span class="timeline-icon">
            <Icon name={stepIcons[step.state]} />
          </span>
          <span class="timeline-label">
            {step.label}
            <span class="visually-hidden">: {stepWords[step.state]}</span>
          </span>
          <span class="timeline-took">
            {step.took ? (step.state === 'done' ? `+${step.took}` : step.took) : step.at ? clock(step.at) : ''}
          </span>
        </li>
      ))}
    </ol>
  );
}

/** The timeline of the present or last start. */
export function useTimeline({ row, session }: ProjectContext): Timeline {
  const connectedAt = useCell(session.connectedAt);
  const { tone } = stateOf(row);
  const going = tone === 'starting' || (tone === 'running' && connectedAt === undefined);
  const now = useNow(going ? 100 : 0);
  const start = row.status?.start;
  // A page that joins a project which runs already must not count its own coming as part of the start.
  const ready = start?.ready ? Date.parse(start.ready) : NaN;
  const joined = connectedAt !== undefined && session.since > ready ? ready : connectedAt;
  return timeline(start, joined, now);
}

function Stopped({ context }: { context: ProjectContext }) {
  const { row } = context;
  const offline = useCell(projects, (list) => list.phase === 'stale');
  if (row.deleted)
    return (
      <Empty
        icon="trash"
        title="This project is deleted"
        actions={
          <button type="button" class="button button-main" onClick={() => void undeleteProject(row)}>
            Restore it
          </button>
        }
      >
        <p>Its files are kept for now. Restore it to use it again.</p>
      </Empty>
    );
  return (
    <Empty
      icon="stop"
      title="The project is stopped"
      actions={
        <button type="button" class="button button-main" disabled={offline} onClick={() => void startProject(row)}>
          <Icon name="play" /> Start
        </button>
      }
    >
      <p>Start it to see its files and to use terminals and editors. Nothing is lost while it is stopped.</p>
    </Empty>
  );
}

function Stopping() {
  return (
    <Empty icon="clock" title="Stopping…">
      <p>Programs are given a moment to end. You can start the project again afterwards.</p>
    </Empty>
  );
}

export function ProjectStart({ context, large }: { context: ProjectContext; large: boolean }) {
  const { row } = context;
  const line = useTimeline(context);
  const state = stateOf(row);
  const [open, setOpen] = useState(false);
  const [fresh, setFresh] = useState(line.state !== 'none' && Date.now() - (line.startedAt ?? 0) < 20_000);
  const seen = useRef(state.tone);
  // The line stays for a moment after a start that went well, then the status line has it.
  useEffect(() => {
    // Only who saw it start is told that it did.
    if (line.state === 'starting' && (state.tone === 'starting' || seen.current !== 'running')) setFresh(true);
    if (state.tone !== 'running') seen.current = state.tone;
    if (line.state !== 'ready') return;
    const timer = setTimeout(() => setFresh(false), 6000);
    return () => clearTimeout(timer);
  }, [line.state, state.tone]);
  const failed = state.tone === 'failed';
  if ((!failed && state.tone === 'stopped') || state.word === 'Stopping')
    return large ? (
      <div class="panes" data-region>
        {state.word === 'Stopping' ? <Stopping /> : <Stopped context={context} />}
      </div>
    ) : null;
  if (!failed && line.state === 'ready' && !fresh) return null;
  if (!failed && state.tone === 'running' && !fresh) return null;
  if (!failed && line.state === 'none' && !large) return null;
  const reason = state.reason ?? line.reason;
  const slow = line.state === 'starting' && line.total > 3000;
  const shown = failed || open || slow || large;
  return (
    <section
      class={`start ${failed ? 'start-failed' : line.state === 'ready' ? 'start-ready' : ''} ${large ? 'start-large' : ''}`}
      aria-label="Start of the project"
    >
      <div class="start-line">
        <Icon name={failed ? 'fail' : line.state === 'ready' ? 'check' : 'clock'} />
        <p class="start-summary">
          {failed && line.state !== 'failed' ? 'The project could not start' : line.summary || 'Starting…'}
        </p>
        {line.state === 'starting' && !failed && <span class="start-total">{duration(line.total)}</span>}
        {!failed && !large && (
          <button type="button" class="link-button" aria-expanded={shown} onClick={() => setOpen(!open)}>
            {shown ? 'Less' : 'Details'}
          </button>
        )}
        {failed ? (
          <button type="button" class="button button-main button-small" onClick={() => void startProject(row)}>
            Try again
          </button>
        ) : (
          state.tone === 'starting' && (
            <button type="button" class="button button-small" onClick={() => void cancelStart(row)}>
              Cancel
            </button>
          )
        )}
      </div>
      {(failed || state.tone === 'starting') && reason && <p class="start-reason">{reason}</p>}
      {shown && line.steps.length > 0 && <TimelineSteps line={line} />}
      {shown && line.trace && (
        <p class="start-trace">
          <TraceId id={line.trace} />
        </p>
      )}
      <Live text={failed ? `Failed. ${reason ?? ''}` : `${line.summary}${reason ? ` ${reason}` : ''}`} />
    </section>
  );
}
