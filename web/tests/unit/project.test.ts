import { beforeEach, expect, it, vi } from 'vitest';

const kept = new Map<string, string>();

beforeEach(() => {
  vi.resetModules();
  kept.clear();
  vi.stubGlobal('location', { protocol: 'http:', host: 'x' });
  vi.stubGlobal('localStorage', {
    getItem: (key: string) => kept.get(key) ?? null,
    setItem: (key: string, value: string) => void kept.set(key, value),
  });
});

it('projects and tabs that are open are written down, and found again', async () => {
  const first = await import('../../src/state/project');
  first.openProject('a').openTab({ kind: 'terminal', name: 'main' });
  vi.resetModules();
  const second = await import('../../src/state/project');
  expect(second.openProjects.value).toEqual(['a']);
  expect(second.openProject('a').tabs.value).toEqual([{ kind: 'terminal', name: 'main' }]);
});

it.each(['null', '{}', '"a"', '[', '[null, 7]'])('what cannot be read as a list is an empty one: %s', async (text) => {
  kept.set('atrium.open', text);
  kept.set('atrium.tabs.a', text);
  const { openProject, openProjects } = await import('../../src/state/project');
  expect(openProjects.value).toEqual([]);
  expect(openProject('a').tabs.value).toEqual([]);
});
