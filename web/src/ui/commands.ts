/** Every action of the application by name: the palette lists them, keys run them, views add theirs while they are shown. */
import { useLayoutEffect } from 'preact/hooks';
import { Cell } from '../lib/cell';
import type { IconName } from './icons';

interface Command {
  id: string;
  title: string;
  /** Where it belongs: "Project", "Editor", ... */
  group: string;
  icon?: IconName;
  /** As it is pressed: "mod+shift+e", "?", "g p". */
  keys?: string;
  /** Shown in the key list, not in the palette. */
  hidden?: boolean;
  /** Runs while a dialog is open, too. */
  overDialogs?: boolean;
  run(): void;
}

export const commandSources = new Cell<ReadonlyMap<symbol, readonly Command[]>>(new Map());

/** Adds commands while the component is shown. `deps` as for useLayoutEffect. */
export function useCommands(make: () => readonly Command[], deps: readonly unknown[]): void {
  // Before the first paint: who sees the view may press its keys.
  useLayoutEffect(() => {
    const key = Symbol('commands');
    commandSources.update((map) => new Map(map).set(key, make()));
    return () =>
      commandSources.update((map) => {
        const next = new Map(map);
        next.delete(key);
        return next;
      });
  }, deps as unknown[]);
}

/** All commands, the latest of an id only. */
export function allCommands(): Command[] {
  const byId = new Map<string, Command>();
  for (const list of commandSources.value.values()) for (const command of list) byId.set(command.id, command);
  return [...byId.values()];
}

const isMac = /Mac|iPhone|iPad/.test(navigator.platform);

export function keyWords(keys: string): string[] {
  const words: Record<string, string> = isMac
    ? { mod: '⌘', shift: '⇧', alt: '⌥', ctrl: '⌃', enter: '↵' }
    : { mod: 'Ctrl', shift: 'Shift', alt: 'Alt', ctrl: 'Ctrl', enter: 'Enter' };
  return keys
    .split(/[+ ]/)
    .map((part) => words[part] ?? (part.length === 1 ? part.toUpperCase() : part[0]!.toUpperCase() + part.slice(1)));
}

/** The chord of an event in the notation of `keys`. */
export function chord(event: KeyboardEvent): string {
  const parts: string[] = [];
  if (isMac ? event.metaKey : event.ctrlKey) parts.push('mod');
  if (isMac && event.ctrlKey) parts.push('ctrl');
  if (event.altKey) parts.push('alt');
  const key = event.key.toLowerCase();
  if (event.shiftKey && (key.length > 1 || /[a-z0-9]/.test(key))) parts.push('shift');
  parts.push(key);
  return parts.join('+');
}

function isTyping(target: EventTarget | null): boolean {
  const element = target as HTMLElement | null;
  // Inside a shadow root (the editor) the target is its host.
  return !!element?.closest?.('input, textarea, select, [contenteditable=true], [data-typing]');
}

let first = '';
let firstAt = 0;

/** Runs the command of a key press. Single letters and pairs such as "g p" work only where nothing is typed. */
export function runKey(event: KeyboardEvent): boolean {
  if (event.defaultPrevented || event.isComposing) return false;
  const pressed = chord(event);
  const typing = isTyping(event.target);
  const pair = Date.now() - firstAt < 1000 && !typing ? `${first} ${pressed}` : '';
  const dialog = document.querySelector('dialog:modal') !== null;
  const commands = allCommands().filter((one) => !dialog || one.overDialogs);
  const command =
    commands.find((one) => one.keys === pair) ??
    commands.find(
      (one) =>
        one.keys === pressed && (!typing || pressed.includes('mod') || pressed.includes('alt') || /^f\d/.test(pressed)),
    );
  if (!typing && pressed.length === 1) {
    first = pressed;
    firstAt = Date.now();
  }
  if (!command) return false;
  event.preventDefault();
  first = '';
  command.run();
  return true;
}
