/** The change that turns one text into another, line by line, so that edits in different places stay apart. */
import { ChangeSet, Text, type ChangeSpec } from '@codemirror/state';

/** Above this many lines in the differing middle the whole middle is one change: time matters more than fineness. */
const mostLines = 2000;

/** Pairs of equal lines (longest common subsequence) of two lists, in order. */
function commonLines(before: string[], after: string[]): [number, number][] {
  const columns = after.length + 1;
  const lengths = new Uint16Array((before.length + 1) * columns);
  for (let i = before.length - 1; i >= 0; --i) {
    for (let j = after.length - 1; j >= 0; --j) {
      const at = i * columns + j;
      lengths[at] =
        before[i] === after[j] ? lengths[at + columns + 1]! + 1 : Math.max(lengths[at + columns]!, lengths[at + 1]!);
    }
  }
  const pairs: [number, number][] = [];
  for (let i = 0, j = 0; i < before.length && j < after.length; ) {
    if (before[i] === after[j]) pairs.push([i++, j++]);
    else if (lengths[(i + 1) * columns + j]! >= lengths[i * columns + j + 1]!) ++i;
    else ++j;
  }
  return pairs;
}

function offsets(lines: string[], start: number): number[] {
  const result = [start];
  for (const line of lines) result.push(result[result.length - 1]! + line.length + 1);
  return result;
}

function trimmed(from: number, removed: string, inserted: string): ChangeSpec | null {
  if (removed === inserted) return null;
  const most = Math.min(removed.length, inserted.length);
  let head = 0;
  while (head < most && removed[head] === inserted[head]) ++head;
  let tail = 0;
  while (tail < most - head && removed[removed.length - 1 - tail] === inserted[inserted.length - 1 - tail]) ++tail;
  return { from: from + head, to: from + removed.length - tail, insert: inserted.slice(head, inserted.length - tail) };
}

export function changeBetween(before: Text, after: Text): ChangeSet {
  const [a, b] = [before.toString(), after.toString()];
  const whole = (): ChangeSet => {
    const change = trimmed(0, a, b);
    return change ? ChangeSet.of(change, before.length, '\n') : ChangeSet.empty(before.length);
  };
  const [linesA, linesB] = [a.split('\n'), b.split('\n')];
  const most = Math.min(linesA.length, linesB.length);
  let head = 0;
  while (head < most && linesA[head] === linesB[head]) ++head;
  let tail = 0;
  while (tail < most - head && linesA[linesA.length - 1 - tail] === linesB[linesB.length - 1 - tail]) ++tail;
  const middleA = linesA.slice(head, linesA.length - tail);
  const middleB = linesB.slice(head, linesB.length - tail);
  if (middleA.length > mostLines || middleB.length > mostLines || middleA.length === 0 || middleB.length === 0)
    return whole();

  const startA = linesA.slice(0, head).reduce((sum, line) => sum + line.length + 1, 0);
  const placesA = offsets(middleA, startA);
  const changes: ChangeSpec[] = [];
  let [lastA, lastB] = [0, 0];
  // Each block between two equal lines is compared as text with its line breaks, the last one without.
  for (const [i, j] of [...commonLines(middleA, middleB), [middleA.length, middleB.length] as [number, number]]) {
    const end = i === middleA.length;
    const blockA = middleA
      .slice(lastA, i)
      .map((line) => `${line}\n`)
      .join('');
    const blockB = middleB
      .slice(lastB, j)
      .map((line) => `${line}\n`)
      .join('');
    const cut = end && blockA !== '' && blockB !== '';
    const change = cut
      ? trimmed(placesA[lastA]!, blockA.slice(0, -1), blockB.slice(0, -1))
      : trimmed(placesA[lastA]!, blockA, blockB);
    if (change) {
      if (end && !cut && tail === 0) return whole(); // the text ends in lines that only one side has: no line break to take along
      changes.push(change);
    }
    [lastA, lastB] = [i + 1, j + 1];
  }
  return ChangeSet.of(changes, before.length, '\n');
}
