/** Keys that phones lack, as the bytes a terminal expects. */
export function controlOf(text: string): string {
  const first = text[0];
  if (!first || text.length > 1) return text;
  if (first === ' ') return '\0';
  if (first === '?') return '\x7f';
  const code = first.toUpperCase().charCodeAt(0);
  return code >= 0x40 && code <= 0x5f ? String.fromCharCode(code & 0x1f) : text;
}

interface RowKey {
  label: string;
  name: string;
  data: string;
}

/** `application` is the cursor-key mode that full-screen programs switch on. */
export function rowKeys(application: boolean): RowKey[] {
  const arrow = (letter: string): string => (application ? `\x1bO${letter}` : `\x1b[${letter}`);
  return [
    { label: 'Esc', name: 'Escape', data: '\x1b' },
    { label: 'Tab', name: 'Tab', data: '\t' },
    { label: '←', name: 'Left', data: arrow('D') },
    { label: '↑', name: 'Up', data: arrow('A') },
    { label: '↓', name: 'Down', data: arrow('B') },
    { label: '→', name: 'Right', data: arrow('C') },
    { label: '/', name: 'Slash', data: '/' },
    { label: '-', name: 'Hyphen', data: '-' },
    { label: '|', name: 'Pipe', data: '|' },
    { label: '~', name: 'Tilde', data: '~' },
  ];
}
