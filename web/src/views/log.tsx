/** The log of a project: the last start with its timeline, then who did what when, in words. */
import { useState } from 'preact/hooks';
import { clock, moment } from '../lib/format';
import { byDay, logSentence, type LogEntry } from '../lib/log-words';
import { hub } from '../state/app';
import { Awaited, useAnswer, type Answer } from '../ui/answer';
import { Avatar } from '../ui/basics';
import { TraceId } from '../ui/trace-id';
import type { ProjectContext } from './project-context';
import { TimelineSteps, useTimeline } from './project-start';

const most = 200;

/** The log; read again when the row says that something happened. */
function useLog({ row }: ProjectContext): Answer<LogEntry[]> {
  return useAnswer(
    () => hub.call('projects.log', { project_id: row.project_id, limit: most }, { timeoutMs: 0 }),
    [
      row.project_id,
      row.state?.state,
      row.action_request?.time,
      row.title,
      row.description,
      Object.keys(row.users ?? {}).length,
      row.deleted,
    ],
  );
}

export function LogPane({ context }: { context: ProjectContext }) {
  const answer = useLog(context);
  const entries = answer.value;
  const [typed, setTyped] = useState('');
  const line = useTimeline(context);
  const names = (id: string): string | undefined =>
    context.row.collaborators?.find((person) => person.account_id === id)?.name;
  const wanted = typed.trim().toLowerCase();
  const shown = (entries ?? []).filter((entry) =>
    `${entry.name || 'Atrium'} ${logSentence(entry, names)}`.toLowerCase().includes(wanted),
  );
  return (
    <div class="pane-page">
      <div class="pane-column">
        <h2>Log</h2>
        {line.steps.length > 0 && (
          <section class="card" aria-label="The last start">
            <h3>The last start</h3>
            <p class="quiet">
              {line.startedAt ? moment(line.startedAt) : ''} · {line.summary}
            </p>
            {line.reason && <p class="start-reason">{line.reason}</p>}
            <TimelineSteps line={line} />
            {line.trace && <TraceId id={line.trace} />}
          </section>
        )}
        <Awaited answer={answer} what="log" rows={5} />
        {entries && entries.length > 0 && (
          <input
            type="search"
            class="log-filter"
            data-focus-first
            aria-label="Filter the log"
            placeholder="Filter by person or action"
            value={typed}
            onInput={(event) => setTyped(event.currentTarget.value)}
          />
        )}
        {entries && shown.length === 0 && (
          <p class="quiet">{wanted ? `No entry matches “${typed}”.` : 'Nothing has happened yet.'}</p>
        )}
        {byDay(shown).map(({ day, entries: list }) => (
          <section key={day} class="log-day">
            <h3>{day}</h3>
            <ol>
              {list.map((entry) => (
                <li key={entry.id} class="log-entry">
                  <time
                    dateTime={new Date(entry.time).toISOString()}
                    title={moment(Date.parse(String(entry.time)) || Number(entry.time))}
                  >
                    {clock(new Date(entry.time).getTime())}
                  </time>
                  <Avatar id={entry.account_id ?? 'system'} name={entry.name || 'Atrium'} small beside />
                  <p>
                    <strong>{entry.name || 'Atrium'}</strong> {logSentence(entry, names)}
                  </p>
                </li>
              ))}
            </ol>
          </section>
        ))}
        {entries?.length === most && <p class="quiet">These are the newest {most} entries.</p>}
      </div>
    </div>
  );
}
