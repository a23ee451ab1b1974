/** Puts an editor for one shared document into an element. The entry of the lazily loaded editor. */
import { autocompletion, closeBrackets, closeBracketsKeymap, completionKeymap } from '@codemirror/autocomplete';
import { defaultKeymap, history, historyKeymap, indentWithTab, toggleTabFocusMode } from '@codemirror/commands';
import { bracketMatching, foldGutter, foldKeymap, indentOnInput, indentUnit } from '@codemirror/language';
import { gotoLine, highlightSelectionMatches, openSearchPanel, search, searchKeymap } from '@codemirror/search';
import { Compartment, EditorState, type Extension } from '@codemirror/state';
import {
  crosshairCursor,
  drawSelection,
  dropCursor,
  EditorView,
  highlightActiveLine,
  highlightActiveLineGutter,
  highlightSpecialChars,
  keymap,
  lineNumbers,
  rectangularSelection,
  type ViewUpdate,
} from '@codemirror/view';
import { remoteCursors } from './cursors';
import type { DocumentSession } from './document-session';
import { languageOf } from './languages';
import { look } from './look';

interface EditorOptions {
  session: DocumentSession;
  path: string;
  label: string;
  onUpdate(update: ViewUpdate): void;
  save(): void;
}

export interface Editor {
  view: EditorView;
  language: string;
  setWrap(on: boolean): void;
  goTo(line: number): void;
  find(): void;
  askLine(): void;
  destroy(): void;
}

function basics(): Extension {
  return [
    lineNumbers(),
    highlightActiveLineGutter(),
    highlightSpecialChars(),
    history(),
    foldGutter(),
    drawSelection(),
    dropCursor(),
    EditorState.allowMultipleSelections.of(true),
    indentOnInput(),
    bracketMatching(),
    closeBrackets(),
    autocompletion(),
    rectangularSelection(),
    crosshairCursor(),
    highlightActiveLine(),
    highlightSelectionMatches(),
    search({ top: true }),
    indentUnit.of('    '),
    // Positions are counted by the server in the text as it is, so line breaks must not be rewritten on the way in.
    EditorState.lineSeparator.of('\n'),
  ];
}

export function createEditor(parent: HTMLElement, options: EditorOptions): Editor {
  const { session, path } = options;
  const language = new Compartment();
  const wrap = new Compartment();
  const known = languageOf(path);
  const keys = keymap.of([
    { key: 'Mod-s', preventDefault: true, run: () => (options.save(), true) },
    { key: 'Ctrl-m', mac: 'Shift-Alt-m', run: toggleTabFocusMode },
    { key: 'Mod-g', run: gotoLine },
    ...closeBracketsKeymap,
    ...defaultKeymap,
    ...searchKeymap,
    ...historyKeymap,
    ...foldKeymap,
    ...completionKeymap,
    indentWithTab,
  ]);
  const state = EditorState.create({
    doc: session.doc,
    extensions: [
      keys,
      basics(),
      look,
      remoteCursors(),
      session.extension,
      language.of([]),
      wrap.of(known ? [] : EditorView.lineWrapping),
      EditorView.contentAttributes.of({ 'aria-label': options.label, 'aria-multiline': 'true' }),
      EditorView.updateListener.of((update) => options.onUpdate(update)),
    ],
  });
  // Inside a shadow root CodeMirror uses constructable style sheets, which a Content-Security-Policy without inline styles allows.
  const root = parent.shadowRoot ?? parent.attachShadow({ mode: 'open' });

  const view = new EditorView({ state, parent: root, root });
  known?.load().then(
    (support) => view.dispatch({ effects: language.reconfigure(support) }),
    () => undefined, // the text goes without colours then
  );
  return {
    view,
    language: known?.name ?? 'Plain text',
    setWrap: (on) => view.dispatch({ effects: wrap.reconfigure(on ? EditorView.lineWrapping : []) }),
    goTo(line) {
      const place = view.state.doc.line(Math.max(1, Math.min(line, view.state.doc.lines))).from;
      view.dispatch({ selection: { anchor: place }, effects: EditorView.scrollIntoView(place, { y: 'center' }) });
      view.focus();
    },
    find: () => void openSearchPanel(view),
    askLine: () => void gotoLine(view),
    destroy: () => view.destroy(),
  };
}

export { dropCursors, setCursor } from './cursors';
export { DocumentSession } from './document-session';
export { statusWords } from './document-status';
