/** The changes of a draft put on top of a later text. */
import { ChangeSet, Text } from '@codemirror/state';
import type { Draft } from './document-session';
import { changeBetween } from './text-difference';

export function changesOf(draft: Draft, present: Text): ChangeSet {
  const base = Text.of(draft.base.split('\n'));
  let ours = ChangeSet.empty(base.length);
  for (const { changes } of draft.updates) ours = ours.compose(ChangeSet.fromJSON(changes));
  return ours.map(changeBetween(base, present));
}
