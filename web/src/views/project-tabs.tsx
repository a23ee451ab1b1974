/** The tabs of a project: files first, then what is open, then people, log and settings. */
import type { Ref } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { basename } from '../lib/paths';
import { navigate, paneHref, paneKey, type Pane } from '../lib/router';
import { useCell, phoneQuery, useMedia } from '../ui/hooks';
import { Icon, type IconName } from '../ui/icons';
import { MenuButton, type MenuEntry } from '../ui/menu';
import type { ProjectContext } from './project-context';
import type { Tab } from '../state/project';

export function tabTitle(pane: Pane): string {
  switch (pane.kind) {
    case 'files':
      return pane.path ? basename(pane.path) : 'Files';
    case 'edit':
      return basename(pane.path);
    case 'terminal':
      return pane.name === 'main' ? 'Terminal' : pane.name;
    case 'people':
      return 'People';
    case 'log':
      return 'Log';
    case 'settings':
      return 'Settings';
  }
}

const icons: Record<Pane['kind'], IconName> = {
  files: 'folder',
  edit: 'text',
  terminal: 'terminal',
  people: 'people',
  log: 'log',
  settings: 'settings',
};

/** What every project has at the end of its tabs. */
export const fixedPanes: readonly Pane[] = [{ kind: 'people' }, { kind: 'log' }, { kind: 'settings' }];

interface TabLinkProps {
  context: ProjectContext;
  to: Pane;
  pane: Pane;
  beside: Pane | undefined;
  title?: string;
  quiet?: boolean;
}

function TabLink({ context, to, pane, beside, title = tabTitle(to), quiet }: TabLinkProps) {
  const current = paneKey(to) === paneKey(pane);
  const isBeside = beside !== undefined && paneKey(to) === paneKey(beside);
  const link = useRef<HTMLAnchorElement>(null);
  useEffect(() => {
    if (current) link.current?.scrollIntoView({ block: 'nearest', inline: 'nearest' });
  }, [current]);
  return (
    <a
      ref={link as Ref<HTMLAnchorElement>}
      class={quiet ? 'tab-link tab-quiet' : 'tab-link'}
      href={paneHref(context.row.project_id, to, beside)}
      aria-current={current ? 'page' : undefined}
      data-beside={isBeside || undefined}
      title={to.kind === 'edit' ? to.path : title}
    >
      <Icon name={icons[to.kind]} />
      <span class="tab-title">{title}</span>
    </a>
  );
}

function OpenTab({
  tab,
  context,
  pane,
  beside,
}: {
  tab: Tab;
  context: ProjectContext;
  pane: Pane;
  beside: Pane | undefined;
}) {
  const titles = useCell(context.session.titles);
  const title = (tab.kind === 'terminal' && titles[tab.name]) || tabTitle(tab);
  const close = (): void => context.closeTab(tab);
  return (
    <li
      class="tab-item"
      onAuxClick={(event) => {
        if (event.button === 1) close();
      }}
    >
      <TabLink context={context} to={tab} pane={pane} beside={beside} title={title} />
      <button type="button" class="tab-close" aria-label={`Close ${title}`} title="Close" onClick={close}>
        <Icon name="close" />
      </button>
    </li>
  );
}

export function ProjectTabs({
  context,
  pane,
  beside,
}: {
  context: ProjectContext;
  pane: Pane;
  beside: Pane | undefined;
}) {
  const tabs = useCell(context.session.tabs);
  const phone = useMedia(phoneQuery);
  const { go, session, row, files } = context;
  const shared = { context, pane, beside };
  const filesPath = pane.kind === 'files' ? pane.path : '';
  const more: MenuEntry[] = [
    {
      label: 'New terminal',
      icon: 'terminal',
      keys: 'Alt T',
      run: () => go({ kind: 'terminal', name: session.newTerminalName() }),
    },
    {
      label: 'New file',
      icon: 'file',
      run: () => (go({ kind: 'files', path: filesPath }), (files.creating.value = 'file')),
    },
    'line',
    beside
      ? { label: 'Close the pane on the right', icon: 'split', run: () => navigate(paneHref(row.project_id, pane)) }
      : {
          label: 'Split: terminal on the right',
          icon: 'split',
          disabled: phone,
          run: () => navigate(paneHref(row.project_id, pane, { kind: 'terminal', name: session.newTerminalName() })),
        },
  ];
  return (
    <nav class="tabs" aria-label="Tabs of the project" data-region>
      <ul class="tab-strip">
        <li class="tab-item">
          <TabLink {...shared} to={pane.kind === 'files' ? pane : { kind: 'files', path: '' }} title="Files" />
        </li>
        {tabs.map((tab) => (
          <OpenTab key={paneKey(tab)} tab={tab} {...shared} />
        ))}
      </ul>
      <div class="tab-new">
        <MenuButton label="New tab" items={more} end={false}>
          <Icon name="plus" />
        </MenuButton>
      </div>
      <ul class="tab-fixed">
        {fixedPanes.map((to) => (
          <li class="tab-item" key={to.kind}>
            <TabLink {...shared} to={to} quiet />
          </li>
        ))}
      </ul>
    </nav>
  );
}
