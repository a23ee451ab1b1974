/** Light, dark, or as the system: kept in this browser and applied before the first paint by theme.js. */
import { Cell } from '../lib/cell';

export type Theme = 'system' | 'light' | 'dark';

function stored(): Theme {
  const value = document.documentElement.dataset.theme;
  return value === 'light' || value === 'dark' ? value : 'system';
}

export const theme = new Cell<Theme>(stored());
/** Counts every change of colours, the system's too: what paints by itself (terminals) follows it. */
export const themeChanges = new Cell(0);

export function setTheme(next: Theme): void {
  theme.value = next;
  if (next === 'system') delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = next;
  try {
    if (next === 'system') localStorage.removeItem('atrium.theme');
    else localStorage.setItem('atrium.theme', next);
  } catch {
    // storage refused: the choice lasts as long as this page
  }
  themeChanges.update((count) => count + 1);
}

matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => themeChanges.update((count) => count + 1));
