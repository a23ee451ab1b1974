/** The icons of the application: 16 x 16, one stroke, drawn for it. Decorative: the words beside them are read out. */
const drawn = {
  projects: 'M2.5 4.5a1 1 0 0 1 1-1h3l1.5 2h4.5a1 1 0 0 1 1 1v5a1 1 0 0 1-1 1h-9a1 1 0 0 1-1-1zM2.5 8h11',
  search: 'M7 11.5a4.5 4.5 0 1 0 0-9 4.5 4.5 0 0 0 0 9zM10.5 10.5l3 3',
  plus: 'M8 3.5v9M3.5 8h9',
  close: 'M4.5 4.5l7 7M11.5 4.5l-7 7',
  more: 'M3.5 8h.01M8 8h.01M12.5 8h.01',
  play: 'M5.5 3.8v8.4l6.5-4.2z',
  stop: 'M4.5 4.5h7v7h-7z',
  restart: 'M12.7 6.2A5 5 0 1 0 13 8.8M13 3v3.5H9.5',
  folder: 'M2.5 4.5a1 1 0 0 1 1-1h3l1.5 1.5h4.5a1 1 0 0 1 1 1v5.5a1 1 0 0 1-1 1h-9a1 1 0 0 1-1-1z',
  file: 'M4 2.5h5l3 3v8H4zM9 2.5v3h3',
  text: 'M4 2.5h5l3 3v8H4zM9 2.5v3h3M6 8.5h4M6 10.8h4',
  image: 'M2.5 3.5h11v9h-11zM2.5 11l3-3 2.5 2.5 2-2 3.5 3.5M10.5 6.2h.01',
  archive: 'M2.5 3.5h11v2.5h-11zM3.5 6v6.5h9V6M6.5 8.5h3',
  terminal: 'M2.5 3h11v10h-11zM5 6l2 2-2 2M8.5 10.2h2.5',
  log: 'M3 4h.01M3 8h.01M3 12h.01M5.5 4H13M5.5 8H13M5.5 12H13',
  settings:
    'M8 10a2 2 0 1 0 0-4 2 2 0 0 0 0 4zM8 2v1.8M8 12.2V14M2 8h1.8M12.2 8H14M3.8 3.8 5 5M11 11l1.2 1.2M3.8 12.2 5 11M11 5l1.2-1.2',
  people:
    'M6 7.5a2.3 2.3 0 1 0 0-4.6 2.3 2.3 0 0 0 0 4.6zM2 13c0-2.3 1.7-3.8 4-3.8s4 1.5 4 3.8M10.5 3.2a2.2 2.2 0 0 1 0 4.1M11.5 9.4c1.6.4 2.5 1.7 2.5 3.6',
  person: 'M8 7.5A2.5 2.5 0 1 0 8 2.5a2.5 2.5 0 0 0 0 5zM3.5 13.5c0-2.6 1.9-4.2 4.5-4.2s4.5 1.6 4.5 4.2',
  upload: 'M8 10.5v-7.5M5 5.8l3-3 3 3M3 10.5v2h10v-2',
  download: 'M8 3v7.5M5 7.7l3 3 3-3M3 11v2h10v-2',
  rename: 'M3 13l.8-3L10.5 3.3l2.2 2.2L6 12.2zM9 5l2 2',
  trash: 'M3 4.5h10M6 4.5V3h4v1.5M4.5 4.5l.6 8.5h5.8l.6-8.5M6.8 7v3.5M9.2 7v3.5',
  copy: 'M5.5 5.5h7v7h-7zM10.5 5.5v-2h-7v7h2',
  check: 'M3.5 8.5l3 3 6-7',
  warn: 'M8 2.8l6 10.4H2zM8 6.8v3M8 11.5h.01',
  fail: 'M8 13.5a5.5 5.5 0 1 0 0-11 5.5 5.5 0 0 0 0 11zM8 5.3v3.4M8 10.7h.01',
  clock: 'M8 13.5a5.5 5.5 0 1 0 0-11 5.5 5.5 0 0 0 0 11zM8 5v3.2l2 1.3',
  dot: 'M8 8h.01',
  right: 'M6 3.5L10.5 8 6 12.5',
  down: 'M3.5 6L8 10.5 12.5 6',
  up: 'M3.5 10L8 5.5l4.5 4.5',
  back: 'M10 3.5L5.5 8l4.5 4.5',
  eye: 'M1.8 8S4 3.8 8 3.8 14.2 8 14.2 8 12 12.2 8 12.2 1.8 8 1.8 8zM8 9.8a1.8 1.8 0 1 0 0-3.6 1.8 1.8 0 0 0 0 3.6z',
  keyboard: 'M1.8 4.5h12.4v7.5H1.8zM4.3 7h.01M6.8 7h.01M9.3 7h.01M11.8 7h.01M5 9.7h6',
  sun: 'M8 10.5a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5zM8 1.8v1.4M8 12.8v1.4M1.8 8h1.4M12.8 8h1.4M3.6 3.6l1 1M11.4 11.4l1 1M3.6 12.4l1-1M11.4 4.6l1-1',
  leave: 'M6.5 3H3v10h3.5M6.5 8h7M11 5.5L13.5 8 11 10.5',
  split: 'M2.5 3h11v10h-11zM8 3v10',
  link: 'M6.8 9.2l2.4-2.4M7.5 4.9l1.2-1.2a2.5 2.5 0 0 1 3.6 3.6l-1.2 1.2M8.5 11.1l-1.2 1.2a2.5 2.5 0 0 1-3.6-3.6l1.2-1.2',
  offline:
    'M2 2l12 12M4 7.5A6 6 0 0 1 6 6.2M8.8 5.6A6 6 0 0 1 12 7.5M5.8 9.7a3.3 3.3 0 0 1 3.3-.6M8 12.3h.01M1.8 5.3a9 9 0 0 1 2-1.2M7 3.2a9.2 9.2 0 0 1 7.2 2.1',
  sparkle: 'M8 2.5v11M2.5 8h11M4.3 4.3l7.4 7.4M11.7 4.3l-7.4 7.4',
} as const;

export type IconName = keyof typeof drawn;

export function Icon({ name, class: extra }: { name: IconName; class?: string }) {
  return (
    <svg
      class={`icon ${name === 'more' ? 'icon-dots' : ''} ${extra ?? ''}`}
      viewBox="0 0 16 16"
      width="16"
      height="16"
      aria-hidden="true"
      focusable="false"
    >
      <path d={drawn[name]} />
    </svg>
  );
}

export function Mark() {
  return (
    <svg class="mark" viewBox="0 0 32 32" width="24" height="24" aria-hidden="true" focusable="false">
      <rect width="32" height="32" rx="8" />
      <path class="mark-arch" d="M8 24V14a8 8 0 0 1 16 0v10" />
      <path class="mark-door" d="M13.5 24v-9a2.5 2.5 0 0 1 5 0v9z" />
    </svg>
  );
}
