/** The start of a project as a list of steps with times, from `projects.status.start` and the browser's own connection. */
import { duration } from './format';

export const phases = [
  'queued',
  'accepted',
  'created',
  'scheduled',
  'pulled',
  'started',
  'ready',
  'connected',
] as const;
type Phase = (typeof phases)[number];

export interface StartTimes extends Partial<Record<Exclude<Phase, 'connected'> | 'failed', string | null>> {
  reason?: string | null;
  trace?: string | null;
}

const words: Record<Phase, { label: string; doing: string }> = {
  queued: { label: 'Queued', doing: 'Waiting to be picked up' },
  accepted: { label: 'Accepted', doing: 'Reading the project’s settings' },
  created: { label: 'Created', doing: 'Creating the environment' },
  scheduled: { label: 'Scheduled', doing: 'Looking for a machine with room' },
  pulled: { label: 'Image', doing: 'Fetching the software image' },
  started: { label: 'Started', doing: 'Starting the container' },
  ready: { label: 'Ready', doing: 'Waiting for the project’s server' },
  connected: { label: 'Connected', doing: 'Connecting this page' },
};

interface TimelineStep {
  phase: Phase;
  label: string;
  state: 'done' | 'now' | 'todo' | 'failed';
  /** Milliseconds since the epoch when the step was reached. */
  at?: number;
  /** How long it took after the step before, as text. */
  took?: string;
}

export interface Timeline {
  steps: TimelineStep[];
  state: 'none' | 'starting' | 'ready' | 'failed';
  /** One sentence for the line that is always seen. */
  summary: string;
  reason?: string;
  /** Trace id of the action that started it. */
  trace?: string;
  startedAt?: number;
  /** Milliseconds from the first to the last step reached. */
  total: number;
}

function time(text: string | null | undefined): number | undefined {
  if (!text) return undefined;
  const value = Date.parse(text);
  return Number.isNaN(value) ? undefined : value;
}

/** `connectedAt` is when this page's connection to the project opened, on the browser's clock. */
export function timeline(start: StartTimes | null | undefined, connectedAt: number | undefined, now: number): Timeline {
  const reached = new Map<Phase, number>();
  for (const phase of phases) {
    const at = phase === 'connected' ? connectedAt : time(start?.[phase]);
    if (at !== undefined) reached.set(phase, at);
  }
  const first = reached.get('queued') ?? reached.get('accepted') ?? reached.get('created');
  if (first === undefined) return { steps: [], state: 'none', summary: '', total: 0 };

  // A step may be skipped (an image that is there already), so everything before the last one reached counts as done.
  let last = -1;
  phases.forEach((phase, index) => {
    if (reached.has(phase) && (phase !== 'connected' || reached.has('ready'))) last = index;
  });
  const failed = time(start?.failed);
  const steps: TimelineStep[] = [];
  let before = first;
  phases.forEach((phase, index) => {
    const at = index <= last ? reached.get(phase) : undefined;
    const state = index <= last ? 'done' : index === last + 1 ? (failed === undefined ? 'now' : 'failed') : 'todo';
    const step: TimelineStep = { phase, label: words[phase].label, state };
    if (at !== undefined) {
      step.at = at;
      if (index > 0) step.took = duration(at - before);
      before = Math.max(before, at);
    } else if (state === 'now') {
      step.took = duration(now - before);
    } else if (state === 'failed') {
      step.at = failed!;
      step.took = duration(failed! - before);
    }
    steps.push(step);
  });

  const done = last === phases.length - 1;
  const end = failed ?? (done ? before : now);
  const total = Math.max(0, end - first);
  const result: Timeline = {
    steps,
    state: failed !== undefined ? 'failed' : done ? 'ready' : 'starting',
    summary: '',
    startedAt: first,
    total,
  };
  if (start?.trace) result.trace = start.trace;
  if (failed !== undefined) {
    result.reason =
      start?.reason ??
      'The project stopped during its start and left no reason. Try again; if it happens again, look at the log.';
    result.summary = `Could not start: stopped after ${duration(total)} at “${words[phases[last + 1] ?? 'ready'].label}”`;
  } else if (done) {
    result.summary = `Ready in ${duration(total)}`;
  } else {
    result.summary = `${words[phases[last + 1]!].doing}…`;
    if (start?.reason) result.reason = start.reason;
  }
  return result;
}
