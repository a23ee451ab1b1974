/** Small parts that every view uses: people, states, banners, empty and failed states. */
import type { ComponentChildren } from 'preact';
import { hueOf, initials } from '../lib/format';
import type { Connection } from '../net/connection';
import type { LinkState } from '../net/link';
import type { StateWord } from '../state/projects';
import { useLate, useLinkTrouble, useNow } from './hooks';
import { Icon, type IconName } from './icons';

/** `beside`: the name stands next to it in words. */
export function Avatar({ id, name, small, beside }: { id: string; name: string; small?: boolean; beside?: boolean }) {
  const paint = (element: HTMLElement | null): void =>
    element?.style.setProperty('--hue', String(Math.round(hueOf(id))));
  return (
    <span
      class={small ? 'avatar avatar-small' : 'avatar'}
      ref={paint}
      title={name}
      {...(beside ? { 'aria-hidden': true } : { role: 'img' as const, 'aria-label': name })}
      data-initials={initials(name)}
    />
  );
}

export function Avatars({
  people,
  most = 4,
  label,
}: {
  people: readonly { account_id: string; name: string }[];
  most?: number;
  label: string;
}) {
  if (people.length === 0) return null;
  const names = people.map((person) => person.name).join(', ');
  return (
    <span class="avatars" role="img" aria-label={`${label}: ${names}`} title={names}>
      {people.slice(0, most).map((person) => (
        <Avatar key={person.account_id} id={person.account_id} name={person.name} small beside />
      ))}
      {people.length > most && (
        <span class="avatar avatar-small avatar-more" aria-hidden="true">
          +{people.length - most}
        </span>
      )}
    </span>
  );
}

const toneIcons = { running: 'play', starting: 'clock', stopped: 'stop', failed: 'fail' } as const;

export function StateChip({ state }: { state: StateWord }) {
  return (
    <span class={`state state-${state.tone}`} title={state.reason}>
      <Icon name={toneIcons[state.tone]} />
      {state.word}
    </span>
  );
}

/** `page`: it is all that the page shows. */
export function Empty({
  icon,
  title,
  children,
  actions,
  tone,
  page,
}: {
  icon: IconName;
  title: string;
  children?: ComponentChildren;
  actions?: ComponentChildren;
  tone?: 'bad';
  page?: boolean;
}) {
  return (
    <div class={tone ? `empty empty-${tone}` : 'empty'}>
      <span class="empty-icon">
        <Icon name={icon} />
      </span>
      {page ? <h1>{title}</h1> : <h2>{title}</h2>}
      {children && <div class="empty-text">{children}</div>}
      {actions && <div class="actions">{actions}</div>}
    </div>
  );
}

/** Grey lines where content will be; nothing at all for the first moment. */
export function Skeleton({ rows, label }: { rows: number; label: string }) {
  const late = useLate(150);
  if (!late) return <div class="skeleton-none" />;
  return (
    <div class="skeleton" role="status" aria-label={label}>
      {Array.from({ length: rows }, (_, index) => (
        <div class="skeleton-row" key={index} aria-hidden="true">
          <span />
          <span />
          <span />
        </div>
      ))}
    </div>
  );
}

/** Says that the connection is gone, after a while, with a countdown and a way to hurry. */
export function LinkBanner({ link, what }: { link: Connection; what: string }) {
  const trouble = useLinkTrouble(link.state);
  return (
    <div role="status" class="banner-place">
      {trouble && <Trouble state={trouble} link={link} what={what} />}
    </div>
  );
}

function Trouble({
  state,
  link,
  what,
}: {
  state: Extract<LinkState, { phase: 'connecting' | 'waiting' }>;
  link: Connection;
  what: string;
}) {
  const now = useNow(250);
  const seconds = state.phase === 'waiting' ? Math.max(0, Math.ceil((state.retryAt - now) / 1000)) : 0;
  return (
    <div class="banner banner-warn">
      <Icon name="offline" />
      <p>
        No connection to {what}. You can go on; changes are kept and sent later.{' '}
        <span class="nowrap" aria-hidden="true">
          {state.phase === 'connecting' ? 'Connecting…' : seconds > 0 ? `Next try in ${seconds} s.` : 'Trying…'}
        </span>
      </p>
      <button
        type="button"
        class="button button-small"
        disabled={state.phase !== 'waiting'}
        onClick={() => link.retryNow()}
      >
        Retry now
      </button>
    </div>
  );
}

export function Live({ text }: { text: string }) {
  return (
    <p class="visually-hidden" role="status">
      {text}
    </p>
  );
}
