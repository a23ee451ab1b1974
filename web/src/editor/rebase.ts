/** Changes made to one text put on top of another: a server that forgot its history, the draft of a window that is gone. */
import { ChangeSet, EditorSelection, Text } from '@codemirror/state';
import type { Draft } from './drafts';
import { changeBetween } from './text-difference';

interface Rebased {
  /** From the text with our changes to the other text. */
  swap: ChangeSet;
  /** Our changes as changes to the other text. */
  again: ChangeSet;
  /** A selection in our text, after both. */
  moved(selection: EditorSelection): EditorSelection;
}

/** `ours` were made to `base`; what makes `other` of `base` is put below them. */
export function rebase(base: Text, ours: readonly ChangeSet[], other: Text): Rebased {
  const all = ours.reduce((sum, changes) => sum.compose(changes), ChangeSet.empty(base.length));
  const theirs = changeBetween(base, other);
  const again = all.map(theirs);
  return {
    swap: all.invert(base).compose(theirs),
    again,
    moved: (selection) => within(selection.map(theirs.map(all, true)), again.newLength),
  };
}

function within(selection: EditorSelection, length: number): EditorSelection {
  const fit = (position: number): number => Math.min(position, length);
  return EditorSelection.create(
    selection.ranges.map(({ anchor, head }) => EditorSelection.range(fit(anchor), fit(head))),
    selection.mainIndex,
  );
}

/** The changes of a draft put on top of a later text. */
export function changesOf(draft: Draft, present: Text): ChangeSet {
  const ours = draft.updates.map(({ changes }) => ChangeSet.fromJSON(changes));
  return rebase(Text.of(draft.base.split('\n')), ours, present).again;
}
