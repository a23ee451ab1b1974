import { EditorState } from '@codemirror/state';
import { describe, expect, it } from 'vitest';
import { dropCursors, remoteCursors, setCursor } from '../../src/editor/cursors';
import { EditorView } from '@codemirror/view';

const cursor = (anchor: number, head = anchor, clientID = 'c') =>
  setCursor.of({ clientID, accountId: 'a', name: 'Ada', ranges: [{ anchor, head }] });

function places(state: EditorState): number[][] {
  const found: number[][] = [];
  for (const set of state.facet(EditorView.decorations)) {
    if (typeof set === 'function') continue;
    set.between(0, state.doc.length, (from, to) => void found.push([from, to]));
  }
  return found;
}

describe('cursors of the others', () => {
  it('survive positions in text that has not arrived yet', () => {
    let state = EditorState.create({ doc: 'abc', extensions: remoteCursors() });
    state = state.update({ effects: cursor(99, 50) }).state;
    expect(places(state)).toEqual([[3, 3]]);
    state = state.update({ changes: { from: 3, insert: 'def' } }).state;
    expect(places(state)).toEqual([[6, 6]]);
    state = state.update({ changes: { from: 0, to: 6 }, effects: cursor(-4) }).state;
    expect(places(state)).toEqual([[0, 0]]);
  });

  it('move with the text, are replaced and dropped', () => {
    let state = EditorState.create({ doc: 'hello world', extensions: remoteCursors() });
    state = state.update({ effects: [cursor(6, 11), cursor(2, 2, 'd')] }).state;
    expect(places(state)).toEqual([
      [2, 2],
      [6, 11],
      [11, 11],
    ]);
    state = state.update({ changes: { from: 0, insert: '>> ' } }).state;
    expect(places(state)).toEqual([
      [5, 5],
      [9, 14],
      [14, 14],
    ]);
    state = state.update({ effects: setCursor.of({ clientID: 'd', accountId: 'a', name: 'Ada', ranges: [] }) }).state;
    state = state.update({ effects: dropCursors.of((one) => one.clientID === 'c') }).state;
    expect(places(state)).toEqual([]);
  });
});
