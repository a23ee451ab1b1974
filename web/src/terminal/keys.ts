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
  /** `application` is the cursor-key mode that full-screen programs switch on. */
  data(application: boolean): string;
}

const plain = (label: string, name: string, data = label): RowKey => ({ label, name, data: () => data });
const arrow = (label: string, name: string, letter: string): RowKey => ({
  label,
  name,
  data: (application) => (application ? `\x1bO${letter}` : `\x1b[${letter}`),
});

export const rowKeys: readonly RowKey[] = [
  plain('Esc', 'Escape', '\x1b'),
  plain('Tab', 'Tab', '\t'),
  arrow('←', 'Left', 'D'),
  arrow('↑', 'Up', 'A'),
  arrow('↓', 'Down', 'B'),
  arrow('→', 'Right', 'C'),
  plain('/', 'Slash'),
  plain('-', 'Hyphen'),
  plain('|', 'Pipe'),
  plain('~', 'Tilde'),
];
