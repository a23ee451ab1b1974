import { describe, expect, it } from 'vitest';
import { phases, timeline, type StartTimes } from '../../src/lib/timeline';

const start = Date.UTC(2026, 0, 1, 12);
const at = (ms: number): string => new Date(start + ms).toISOString();
const states = (line: ReturnType<typeof timeline>): string => line.steps.map((step) => step.state[0]).join('');

describe('timeline of a start', () => {
  it('is empty without a start', () => {
    expect(timeline(undefined, undefined, start)).toMatchObject({ steps: [], state: 'none' });
    expect(timeline({}, start, start)).toMatchObject({ state: 'none' });
    expect(timeline({ queued: 'no date' }, undefined, start).state).toBe('none');
  });

  it('says what it waits for and since when', () => {
    const line = timeline({ queued: at(0), accepted: at(20), created: at(60) }, undefined, start + 1560);
    expect(states(line)).toBe('dddntttt');
    expect(line).toMatchObject({ state: 'starting', summary: 'Looking for a machine with room…', total: 1560 });
    expect(line.steps.map((step) => step.took)).toEqual([
      undefined,
      '20 ms',
      '40 ms',
      '1.5 s',
      undefined,
      undefined,
      undefined,
      undefined,
    ]);
  });

  it('counts skipped steps as done', () => {
    const line = timeline(
      { queued: at(0), accepted: at(10), created: at(20), started: at(200) },
      undefined,
      start + 250,
    );
    expect(states(line)).toBe('ddddddnt');
    expect(line.steps[4]).toMatchObject({ phase: 'pulled', state: 'done' });
    expect(line.steps[4]!.took).toBeUndefined();
  });

  it('is done when this page is connected', () => {
    const times: StartTimes = Object.fromEntries(phases.slice(0, 7).map((phase, index) => [phase, at(index * 50)]));
    const line = timeline(times, start + 345, start + 9999);
    expect(states(line)).toBe('dddddddd');
    expect(line).toMatchObject({ state: 'ready', summary: 'Ready in 345 ms', total: 345 });
    expect(timeline(times, undefined, start + 400).summary).toBe('Connecting this page…');
  });

  it('gives the reason of a failure at the step that failed', () => {
    const line = timeline(
      { queued: at(0), accepted: at(10), created: at(20), failed: at(30_020), reason: 'No node has 4 GB free.' },
      undefined,
      start + 90_000,
    );
    expect(states(line)).toBe('dddftttt');
    expect(line).toMatchObject({ state: 'failed', reason: 'No node has 4 GB free.', total: 30_020 });
    expect(line.summary).toContain('30.0 s');
    expect(timeline({ queued: at(0), failed: at(1) }, undefined, start).reason).toMatch(/Try again/);
  });

  it('shows no negative times when clocks disagree', () => {
    const line = timeline({ queued: at(100), accepted: at(40), ready: at(300) }, start + 200, start);
    expect(line.steps.every((step) => !step.took?.startsWith('-'))).toBe(true);
    expect(line.total).toBeGreaterThanOrEqual(0);
  });
});
