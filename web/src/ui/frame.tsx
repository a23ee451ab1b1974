/** What stands around every view: the rail (a bottom bar on phones), notices, palette, keys. */
import type { ComponentChildren } from 'preact';
import { useEffect, useLayoutEffect, useRef } from 'preact/hooks';
import { href, navigate, paneHref, route } from '../lib/router';
import { signOut } from '../net/auth';
import { hubLink, projects, reconnect, session } from '../state/app';
import { closeAllLinks, closeProject, openProjects } from '../state/project';
import { stateOf } from '../state/projects';
import { setTheme, theme, type Theme } from '../state/theme';
import { Avatar, LinkBanner } from './basics';
import { runKey, useCommands } from './commands';
import { Confirm } from './dialog';
import { useCell } from './hooks';
import { Icon, Mark } from './icons';
import { MenuButton, type MenuEntry } from './menu';
import { Keys, KeysDialog, keysOpen } from './keys-dialog';
import { Palette, paletteOpen } from './palette';
import { toast, Toasts } from './toasts';

async function leave(): Promise<void> {
  const answer = await signOut();
  if ('error' in answer) {
    toast({ text: `You are still signed in. ${answer.error}`, tone: 'bad' });
    return;
  }
  closeAllLinks();
  reconnect();
}

function themeItems(present: Theme): MenuEntry[] {
  const item = (value: Theme, label: string): MenuEntry => ({
    label,
    checked: present === value,
    run: () => setTheme(value),
  });
  return [item('system', 'Colours as the system'), item('light', 'Light'), item('dark', 'Dark')];
}

function OpenProject({ id, current }: { id: string; current: boolean }) {
  const row = useCell(projects, (list) => list.rows.get(id));
  const phase = useCell(projects, (list) => list.phase);
  const item = useRef<HTMLLIElement>(null);
  useEffect(() => {
    if (current) item.current?.scrollIntoView({ block: 'nearest', inline: 'nearest' });
  }, [current, row !== undefined]);
  if (!row) return phase === 'live' ? null : <li class="rail-item rail-placeholder" aria-hidden="true" />;
  const state = stateOf(row);
  return (
    <li class="rail-open" ref={item}>
      <a
        class="rail-item"
        href={paneHref(id, { kind: 'files', path: '' })}
        aria-current={current ? 'page' : undefined}
        title={`${row.title}: ${state.word}`}
      >
        <span class={`state-dot state-${state.tone}`} aria-hidden="true" />
        <span class="rail-label">{row.title}</span>
        <span class="visually-hidden">, {state.word}</span>
      </a>
      <button
        type="button"
        class="icon-button rail-close"
        aria-label={`Close ${row.title}`}
        title="Close"
        onClick={() => {
          closeProject(id);
          if (current) navigate(href({ view: 'projects' }));
        }}
      >
        <Icon name="close" />
      </button>
    </li>
  );
}

function AccountMenu() {
  const signedIn = useCell(session);
  const present = useCell(theme);
  if (signedIn.phase !== 'signed_in') return null;
  const { account } = signedIn;
  const name = `${account.first_name} ${account.last_name}`.trim() || account.email_address;
  const items: MenuEntry[] = [
    { label: 'Account and API keys', icon: 'person', run: () => navigate(href({ view: 'account' })) },
    { label: 'Keys', icon: 'keyboard', keys: '?', run: () => (keysOpen.value = true) },
    'line',
    ...themeItems(present),
    'line',
    { label: 'Sign out', icon: 'leave', run: () => void leave() },
  ];
  return (
    <MenuButton label={`Account: ${name}`} items={items} class="rail-item" end={false}>
      <Avatar id={account.account_id} name={name} small beside />
      <span class="rail-label">{name}</span>
    </MenuButton>
  );
}

function Rail() {
  const open = useCell(openProjects);
  const here = useCell(route);
  const currentId = here.view === 'project' ? here.id : null;
  return (
    <nav class="rail" aria-label="Main">
      <a class="rail-brand" href={href({ view: 'projects' })} aria-label="Atrium: projects">
        <Mark />
        <span class="rail-label">Atrium</span>
      </a>
      <button
        type="button"
        class="rail-item rail-search"
        onClick={() => (paletteOpen.value = true)}
        title="Search and actions"
      >
        <Icon name="search" />
        <span class="rail-label">Search</span>
        <span class="keys rail-keys" aria-hidden="true">
          <Keys keys="mod+k" />
        </span>
      </button>
      <a
        class="rail-item"
        href={href({ view: 'projects' })}
        aria-current={here.view === 'projects' ? 'page' : undefined}
        title="Projects"
      >
        <Icon name="projects" />
        <span class="rail-label">Projects</span>
      </a>
      {open.length > 0 && (
        <section class="rail-projects" aria-label="Open projects">
          <h2 class="rail-heading">Open</h2>
          <ul>
            {open.map((id) => (
              <OpenProject key={id} id={id} current={id === currentId} />
            ))}
          </ul>
        </section>
      )}
      <div class="rail-end">
        <AccountMenu />
      </div>
    </nav>
  );
}

function focusRegion(): void {
  const regions = [...document.querySelectorAll<HTMLElement>('nav.rail, [data-region]')].filter(
    (region) => region.offsetParent !== null,
  );
  const at = regions.findIndex((region) => region.contains(document.activeElement));
  const next = regions[(at + 1) % regions.length];
  const inside = next?.querySelector<HTMLElement>(
    '[data-focus-first], [aria-current=page], [tabindex="0"], a[href], button, input, textarea',
  );
  inside?.focus();
}

export function Frame({ children }: { children: ComponentChildren }) {
  useLayoutEffect(() => {
    const listen = (event: KeyboardEvent): void => void runKey(event);
    addEventListener('keydown', listen);
    return () => removeEventListener('keydown', listen);
  }, []);
  useCommands(
    () => [
      {
        id: 'palette',
        title: 'Search and actions',
        group: 'Everywhere',
        keys: 'mod+k',
        icon: 'search',
        hidden: true,
        overDialogs: true,
        run: () => (paletteOpen.value = !paletteOpen.value),
      },
      {
        id: 'palette-2',
        title: 'Search and actions, also in terminals',
        group: 'Everywhere',
        keys: 'mod+shift+k',
        hidden: true,
        overDialogs: true,
        run: () => (paletteOpen.value = !paletteOpen.value),
      },
      {
        id: 'keys',
        title: 'Show the keys',
        group: 'Everywhere',
        keys: '?',
        icon: 'keyboard',
        run: () => (keysOpen.value = true),
      },
      {
        id: 'region',
        title: 'Go to the next part of the page, also out of terminals',
        group: 'Everywhere',
        keys: 'mod+f6',
        hidden: true,
        run: focusRegion,
      },
      {
        id: 'projects',
        title: 'Go to projects',
        group: 'Everywhere',
        keys: 'g p',
        icon: 'projects',
        run: () => navigate(href({ view: 'projects' })),
      },
      {
        id: 'account',
        title: 'Go to your account',
        group: 'Everywhere',
        keys: 'g a',
        icon: 'person',
        run: () => navigate(href({ view: 'account' })),
      },
      { id: 'theme-light', title: 'Light colours', group: 'Everywhere', icon: 'sun', run: () => setTheme('light') },
      { id: 'theme-dark', title: 'Dark colours', group: 'Everywhere', icon: 'sun', run: () => setTheme('dark') },
      {
        id: 'theme-system',
        title: 'Colours as the system',
        group: 'Everywhere',
        icon: 'sun',
        run: () => setTheme('system'),
      },
      { id: 'sign-out', title: 'Sign out', group: 'Everywhere', icon: 'leave', run: () => void leave() },
    ],
    [],
  );
  return (
    <div class="frame">
      <a
        class="skip"
        href="#main"
        onClick={(event) => (event.preventDefault(), document.querySelector<HTMLElement>('#main')?.focus())}
      >
        Skip to the content
      </a>
      <Rail />
      <div class="frame-main">
        <LinkBanner link={hubLink} what="Atrium" />
        {children}
      </div>
      <Palette />
      <KeysDialog />
      <Confirm />
      <Toasts />
    </div>
  );
}
