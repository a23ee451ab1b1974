/** Entries of a project's log in words. */
export interface LogEntry {
  id: string;
  time: string | number;
  account_id: string | null;
  name?: string | null;
  event: { event?: string; [key: string]: unknown };
}

type Names = (accountId: string) => string | undefined;

function person(event: Record<string, unknown>, names: Names): string {
  return String(event.name ?? names(String(event.account_id)) ?? 'somebody');
}

function changed(event: Record<string, unknown>): string {
  if (typeof event.title === 'string') return `renamed the project to “${event.title}”`;
  return 'description' in event ? 'changed the description' : 'changed the settings';
}

const sentences: Record<string, (event: Record<string, unknown>, names: Names) => string> = {
  created: () => 'created the project',
  settings_changed: changed,
  start_requested: () => 'asked to start the project',
  started: () => 'started the project',
  stopped: () => 'stopped the project',
  stop_requested: () => 'asked to stop the project',
  restart_requested: () => 'asked to restart the project',
  start_cancelled: () => 'cancelled the start',
  start_failed: (event) => `could not start the project${event.reason ? `: ${String(event.reason)}` : ''}`,
  deleted: () => 'deleted the project',
  undeleted: () => 'restored the project',
  collaborator_added: (event, names) => `added ${person(event, names)}`,
  collaborator_removed: (event, names) => `removed ${person(event, names)}`,
};

export function logSentence({ event }: LogEntry, names: Names = () => undefined): string {
  const kind = String(event.event ?? '');
  const known = sentences[kind];
  return known ? known(event, names) : kind.replaceAll('_', ' ') || 'did something';
}

/** Day headings with their entries, newest day first, as the entries come. */
export function byDay(entries: readonly LogEntry[]): { day: string; entries: LogEntry[] }[] {
  const days: { day: string; entries: LogEntry[] }[] = [];
  for (const entry of entries) {
    const day = new Date(entry.time).toLocaleDateString(undefined, {
      weekday: 'long',
      day: 'numeric',
      month: 'long',
      year: 'numeric',
    });
    const last = days[days.length - 1];
    if (last?.day === day) last.entries.push(entry);
    else days.push({ day, entries: [entry] });
  }
  return days;
}
