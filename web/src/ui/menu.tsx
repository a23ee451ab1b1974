/** A menu on a button or at the pointer, on the native popover: Escape and a click elsewhere close it, arrows walk. */
import type { ComponentChildren } from 'preact';
import { useId, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { focusUnlessTaken } from './hooks';
import { Icon, type IconName } from './icons';

interface MenuItem {
  label: string;
  icon?: IconName;
  keys?: string;
  danger?: boolean;
  disabled?: boolean;
  checked?: boolean;
  href?: string;
  download?: boolean;
  run?(): void;
}

export type MenuEntry = MenuItem | 'line';

/** Puts a popover beside a box, inside the window. */
export function place(
  popover: HTMLElement,
  box: { left: number; right: number; top: number; bottom: number },
  end: boolean,
): void {
  const { offsetWidth: width, offsetHeight: height } = popover;
  const gap = 4;
  const left = end ? box.right - width : box.left;
  const below = box.bottom + gap + height <= innerHeight - gap;
  popover.style.left = `${Math.max(gap, Math.min(left, innerWidth - width - gap))}px`;
  popover.style.top = `${below ? box.bottom + gap : Math.max(gap, box.top - height - gap)}px`;
}

function step(menu: HTMLElement, event: KeyboardEvent): void {
  const items = [...menu.querySelectorAll<HTMLElement>('[role^=menuitem]:not([aria-disabled=true])')];
  const at = items.indexOf(menu.ownerDocument.activeElement as HTMLElement);
  const to = {
    ArrowDown: (at + 1) % items.length,
    ArrowUp: (at - 1 + items.length) % items.length,
    Home: 0,
    End: items.length - 1,
  }[event.key];
  if (to !== undefined) {
    event.preventDefault();
    event.stopPropagation();
    items[to]?.focus();
  } else if (event.key === 'Tab') {
    menu.hidePopover();
  } else if (event.key.length === 1 && !event.ctrlKey && !event.metaKey) {
    const wanted = event.key.toLowerCase();
    const found = [...items.slice(at + 1), ...items.slice(0, at + 1)].find((item) =>
      item.textContent?.trim().toLowerCase().startsWith(wanted),
    );
    found?.focus();
  }
}

function MenuList({
  id,
  items,
  label,
  close,
}: {
  id?: string;
  items: readonly MenuEntry[];
  label: string;
  close(): void;
}) {
  return (
    <div id={id} role="menu" aria-label={label} class="menu-list">
      {items.map((item, index) => {
        if (item === 'line') return <div role="separator" class="menu-line" key={index} />;
        const content = (
          <>
            {item.icon ? <Icon name={item.icon} /> : <span class="icon" />}
            <span class="menu-label">{item.label}</span>
            {item.keys && <kbd>{item.keys}</kbd>}
            {item.checked && <Icon name="check" />}
          </>
        );
        const shared = { class: item.danger ? 'menu-item menu-item-danger' : 'menu-item', tabIndex: -1 };
        if (item.href)
          return (
            <a
              key={index}
              role="menuitem"
              href={item.href}
              download={item.download || undefined}
              onClick={close}
              {...shared}
            >
              {content}
            </a>
          );
        const checkable = item.checked !== undefined;
        return (
          <button
            key={index}
            type="button"
            role={checkable ? 'menuitemradio' : 'menuitem'}
            {...(checkable ? { 'aria-checked': item.checked } : {})}
            aria-disabled={item.disabled || undefined}
            onClick={() => {
              if (item.disabled) return;
              close();
              item.run?.();
            }}
            {...shared}
          >
            {content}
          </button>
        );
      })}
    </div>
  );
}

interface MenuButtonProps {
  label: string;
  items: readonly MenuEntry[];
  class?: string;
  children?: ComponentChildren;
  end?: boolean;
  /** Outside the tab order, in rows that have a roving focus of their own. */
  roving?: boolean;
}

export function MenuButton({
  label,
  items,
  class: extra = 'icon-button',
  children,
  end = true,
  roving,
}: MenuButtonProps) {
  const button = useRef<HTMLButtonElement>(null);
  const popover = useRef<HTMLDivElement>(null);
  // Counts openings; 0 is closed. Closing and opening again at once are told as one event, which must not be missed.
  const [open, setOpen] = useState(0);
  const id = useId();
  useLayoutEffect(() => {
    if (open === 0) return;
    const menu = popover.current!;
    place(menu, button.current!.getBoundingClientRect(), end);
    if (!menu.contains(document.activeElement)) menu.querySelector<HTMLElement>('[role^=menuitem]')?.focus();
  }, [open]);
  // Keys that come before the focus is in the menu belong to it all the same.
  const early = (event: KeyboardEvent): void => {
    if (popover.current?.matches(':popover-open') && !['Enter', ' ', 'Escape'].includes(event.key))
      step(popover.current, event);
  };
  const close = (): void => popover.current?.hidePopover();
  return (
    <>
      <button
        ref={button}
        type="button"
        class={extra}
        aria-label={label}
        title={label}
        aria-haspopup="menu"
        aria-expanded={open > 0}
        onKeyDown={early}
        {...{ popovertarget: id }}
        tabIndex={roving ? -1 : undefined}
        onClick={(event) => event.stopPropagation()}
      >
        {children ?? <Icon name="more" />}
      </button>
      <div
        ref={popover}
        id={id}
        popover="auto"
        class="menu"
        onToggle={(event) => {
          const { newState } = event as unknown as { newState: string };
          setOpen((count) => (newState === 'open' ? count + 1 : 0));
        }}
        onKeyDown={(event) => step(popover.current!, event)}
        onClick={(event) => event.stopPropagation()}
      >
        {open > 0 && <MenuList items={items} label={label} close={close} />}
      </div>
    </>
  );
}

/** The menu of a row, opened at the pointer or by the context-menu key. */
export function ContextMenu({
  at,
  items,
  label,
  onClose,
}: {
  at: { x: number; y: number };
  items: readonly MenuEntry[];
  label: string;
  onClose(): void;
}) {
  const popover = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    const menu = popover.current!;
    const before = document.activeElement as HTMLElement | null;
    menu.showPopover();
    place(menu, { left: at.x, right: at.x, top: at.y, bottom: at.y }, false);
    menu.querySelector<HTMLElement>('[role^=menuitem]')?.focus();
    return () => focusUnlessTaken(() => before); // the action may have given it to a field
  }, [at]);
  return (
    <div
      ref={popover}
      popover="auto"
      class="menu"
      onToggle={(event) => {
        if ((event as unknown as { newState: string }).newState === 'closed') onClose();
      }}
      onKeyDown={(event) => step(popover.current!, event)}
    >
      <MenuList items={items} label={label} close={() => popover.current?.hidePopover()} />
    </div>
  );
}
