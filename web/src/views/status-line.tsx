/** The last line of a project: connection, memory and processor time, how long it runs. */
import { useEffect, useState } from 'preact/hooks';
import { bytes, duration } from '../lib/format';
import type { ProjectStatus } from '../net/protocol';
import { useCell, useNow } from '../ui/hooks';
import { Icon } from '../ui/icons';
import type { ProjectContext } from './project-context';
import { useTimeline } from './project-start';

function useStatus({ session, running }: ProjectContext): { status: ProjectStatus; cpu: number | null } | null {
  const [shown, setShown] = useState<{ status: ProjectStatus; cpu: number | null } | null>(null);
  const phase = useCell(session.link.state, (state) => state.phase);
  useEffect(() => {
    if (!running || phase !== 'open') return;
    let last: { status: ProjectStatus; at: number } | null = null;
    let stopped = false;
    const ask = async (): Promise<void> => {
      if (document.visibilityState === 'hidden') return;
      try {
        const status = await session.api.call('status', {});
        const at = Date.now();
        const cpu = last ? Math.max(0, ((status.cpu_seconds - last.status.cpu_seconds) * 1000) / (at - last.at)) : null;
        last = { status, at };
        if (!stopped) setShown({ status, cpu });
      } catch {
        // the link says what is wrong
      }
    };
    void ask();
    const timer = setInterval(() => void ask(), 5000);
    return () => {
      stopped = true;
      clearInterval(timer);
    };
  }, [session, running, phase]);
  return running && phase === 'open' ? shown : null;
}

export function StatusLine({ context }: { context: ProjectContext }) {
  const { session, running } = context;
  const link = useCell(session.link.state);
  const shown = useStatus(context);
  const now = useNow(30_000);
  const line = useTimeline(context);
  const uptime = shown?.status.started ? now - shown.status.started : 0;
  const words = !running
    ? 'Not running'
    : link.phase === 'open'
      ? 'Connected'
      : link.phase === 'waiting' || link.phase === 'connecting'
        ? 'Connecting…'
        : 'Not connected';
  return (
    <footer class="status-line" aria-label="Status of the project">
      <span class={`status-link status-${running ? link.phase : 'idle'}`}>
        <Icon name={running && link.phase === 'open' ? 'check' : running ? 'clock' : 'stop'} />
        {words}
      </span>
      {shown && (
        <>
          <span>
            <span class="quiet">Memory</span> {bytes(shown.status.memory_bytes)}
          </span>
          {shown.cpu !== null && (
            <span class="status-wide">
              <span class="quiet">CPU</span> {Math.round(shown.cpu * 100)} %
            </span>
          )}
          {uptime > 0 && (
            <span class="status-wide">
              <span class="quiet">Up</span> {duration(uptime)}
            </span>
          )}
        </>
      )}
      <span class="spacer" />
      {running && line.state === 'ready' && <span class="quiet status-wide">Last start: {duration(line.total)}</span>}
    </footer>
  );
}
