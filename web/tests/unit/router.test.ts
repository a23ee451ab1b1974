import { describe, expect, it } from 'vitest';
import { href, paneHref, paneKey, parse, type Route } from '../../src/lib/router';

const id = '11111111-2222-4333-8444-555555555555';

describe('router', () => {
  const addresses: [string, Route][] = [
    ['/app/', { view: 'home' }],
    ['/app/sign-in', { view: 'sign-in' }],
    ['/app/sign-up?next=%2Fapp%2Faccount', { view: 'sign-up', next: '/app/account' }],
    ['/app/projects', { view: 'projects' }],
    [`/app/projects/${id}/files/`, { view: 'project', id, pane: { kind: 'files', path: '' } }],
    [
      `/app/projects/${id}/files/a/b%20c?preview=d.png`,
      { view: 'project', id, pane: { kind: 'files', path: 'a/b c', preview: 'd.png' } },
    ],
    [
      `/app/projects/${id}/edit/100%25/%C3%BC.md?line=12`,
      { view: 'project', id, pane: { kind: 'edit', path: '100%/ü.md', line: 12 } },
    ],
    [`/app/projects/${id}/terminal/main`, { view: 'project', id, pane: { kind: 'terminal', name: 'main' } }],
    [
      `/app/projects/${id}/edit/x.py?beside=terminal%2Fmain`,
      { view: 'project', id, pane: { kind: 'edit', path: 'x.py' }, beside: { kind: 'terminal', name: 'main' } },
    ],
    [`/app/projects/${id}/log`, { view: 'project', id, pane: { kind: 'log' } }],
  ];

  it.each(addresses)('reads and writes %s', (address, route) => {
    const [path, query = ''] = address.split('?');
    expect(parse(path!, query)).toEqual(route);
    expect(href(route)).toBe(address);
  });

  it('survives any file name', () => {
    for (const path of ['a b/c#d', 'q?x=1&y', 'häß/日本', '%', 'a+b', '..%2f']) {
      const address = new URL(paneHref(id, { kind: 'edit', path }), 'http://x');
      expect(parse(address.pathname, address.search)).toEqual({ view: 'project', id, pane: { kind: 'edit', path } });
    }
  });

  it('takes a project without a pane, a missing line and a stray percent sign', () => {
    expect(parse(`/app/projects/${id}`)).toEqual({ view: 'project', id, pane: { kind: 'files', path: '' } });
    expect(parse(`/app/projects/${id}/edit/a`, '?line=-3')).toEqual({
      view: 'project',
      id,
      pane: { kind: 'edit', path: 'a' },
    });
    expect(parse(`/app/projects/${id}/files/50%`)).toEqual({
      view: 'project',
      id,
      pane: { kind: 'files', path: '50%' },
    });
  });

  it('does not lead out of the application after signing in', () => {
    for (const next of [
      'https://evil.example/',
      '//evil.example',
      '/app//evil.example',
      '/other',
      'javascript:alert(1)',
    ])
      expect(parse('/app/sign-in', `?next=${encodeURIComponent(next)}`)).toEqual({ view: 'sign-in' });
  });

  it('shows nothing beside itself', () => {
    const files = { kind: 'files', path: 'a' } as const;
    expect(paneHref(id, files, { kind: 'files', path: '' })).toBe(`/app/projects/${id}/files/a`);
    expect(parse(`/app/projects/${id}/log`, '?beside=log')).toEqual({ view: 'project', id, pane: { kind: 'log' } });
  });

  it('says so when nothing has an address', () => {
    for (const path of [
      '/app/nowhere',
      '/app/projects/not-an-id',
      `/app/projects/${id}/other`,
      `/app/projects/${id}/edit/`,
    ])
      expect(parse(path).view).toBe('unknown');
  });

  it('keeps one tab a file, whatever the line', () => {
    expect(paneKey({ kind: 'edit', path: 'a', line: 3 })).toBe(paneKey({ kind: 'edit', path: 'a' }));
    expect(paneKey({ kind: 'edit', path: 'a' })).not.toBe(paneKey({ kind: 'terminal', name: 'a' }));
  });
});
