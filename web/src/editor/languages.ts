/** Which language a file has, and its support loaded when it is needed. */
import { StreamLanguage, type StreamParser } from '@codemirror/language';
import type { Extension } from '@codemirror/state';
import { basename, extension } from '../lib/paths';

type Loader = () => Promise<Extension>;
interface Language {
  name: string;
  load: Loader;
}

const legacy = (module: () => Promise<Record<string, unknown>>, name: string): Loader => {
  return async () => StreamLanguage.define((await module())[name] as StreamParser<unknown>);
};

const languages: Record<string, Language> = {
  python: { name: 'Python', load: async () => (await import('@codemirror/lang-python')).python() },
  javascript: {
    name: 'JavaScript',
    load: async () => (await import('@codemirror/lang-javascript')).javascript({ jsx: true }),
  },
  typescript: {
    name: 'TypeScript',
    load: async () => (await import('@codemirror/lang-javascript')).javascript({ jsx: true, typescript: true }),
  },
  json: { name: 'JSON', load: async () => (await import('@codemirror/lang-json')).json() },
  cpp: { name: 'C++', load: async () => (await import('@codemirror/lang-cpp')).cpp() },
  markdown: { name: 'Markdown', load: async () => (await import('@codemirror/lang-markdown')).markdown() },
  yaml: { name: 'YAML', load: async () => (await import('@codemirror/lang-yaml')).yaml() },
  html: { name: 'HTML', load: async () => (await import('@codemirror/lang-html')).html() },
  css: { name: 'CSS', load: async () => (await import('@codemirror/lang-css')).css() },
  sql: { name: 'SQL', load: async () => (await import('@codemirror/lang-sql')).sql() },
  rust: { name: 'Rust', load: async () => (await import('@codemirror/lang-rust')).rust() },
  shell: { name: 'Shell', load: legacy(() => import('@codemirror/legacy-modes/mode/shell'), 'shell') },
  r: { name: 'R', load: legacy(() => import('@codemirror/legacy-modes/mode/r'), 'r') },
  julia: { name: 'Julia', load: legacy(() => import('@codemirror/legacy-modes/mode/julia'), 'julia') },
  go: { name: 'Go', load: legacy(() => import('@codemirror/legacy-modes/mode/go'), 'go') },
  latex: { name: 'LaTeX', load: legacy(() => import('@codemirror/legacy-modes/mode/stex'), 'stex') },
  toml: { name: 'TOML', load: legacy(() => import('@codemirror/legacy-modes/mode/toml'), 'toml') },
  ini: { name: 'Properties', load: legacy(() => import('@codemirror/legacy-modes/mode/properties'), 'properties') },
  dockerfile: {
    name: 'Dockerfile',
    load: legacy(() => import('@codemirror/legacy-modes/mode/dockerfile'), 'dockerFile'),
  },
  cmake: { name: 'CMake', load: legacy(() => import('@codemirror/legacy-modes/mode/cmake'), 'cmake') },
  lua: { name: 'Lua', load: legacy(() => import('@codemirror/legacy-modes/mode/lua'), 'lua') },
  ruby: { name: 'Ruby', load: legacy(() => import('@codemirror/legacy-modes/mode/ruby'), 'ruby') },
  diff: { name: 'Diff', load: legacy(() => import('@codemirror/legacy-modes/mode/diff'), 'diff') },
};

const byExtension: Record<string, keyof typeof languages> = {
  py: 'python',
  pyi: 'python',
  js: 'javascript',
  mjs: 'javascript',
  cjs: 'javascript',
  jsx: 'javascript',
  ts: 'typescript',
  tsx: 'typescript',
  json: 'json',
  ipynb: 'json',
  c: 'cpp',
  h: 'cpp',
  cc: 'cpp',
  cpp: 'cpp',
  cxx: 'cpp',
  hpp: 'cpp',
  md: 'markdown',
  markdown: 'markdown',
  yml: 'yaml',
  yaml: 'yaml',
  html: 'html',
  htm: 'html',
  svg: 'html',
  xml: 'html',
  css: 'css',
  sql: 'sql',
  rs: 'rust',
  sh: 'shell',
  bash: 'shell',
  zsh: 'shell',
  r: 'r',
  jl: 'julia',
  go: 'go',
  tex: 'latex',
  sty: 'latex',
  bib: 'latex',
  toml: 'toml',
  ini: 'ini',
  cfg: 'ini',
  conf: 'ini',
  env: 'ini',
  cmake: 'cmake',
  lua: 'lua',
  rb: 'ruby',
  diff: 'diff',
  patch: 'diff',
};
const byName: Record<string, keyof typeof languages> = {
  Dockerfile: 'dockerfile',
  'CMakeLists.txt': 'cmake',
  '.bashrc': 'shell',
  '.profile': 'shell',
  '.bash_profile': 'shell',
  '.zshrc': 'shell',
  '.gitconfig': 'ini',
};

export function languageOf(path: string): Language | null {
  const key = byName[basename(path)] ?? byExtension[extension(path)];
  return key ? (languages[key] ?? null) : null;
}
