import { describe, expect, it } from 'vitest';
import { all, carry, findByTyping, move, none, nothingSelected, press, type Selection } from '../../src/lib/selection';

const chosen = (selection: Selection): number[] => [...selection.chosen].sort((a, b) => a - b);

describe('selection', () => {
  it('walks with the arrows and stops at the ends', () => {
    let selection = move(nothingSelected, 'down', 3, 10);
    expect(selection.active).toBe(0);
    selection = move(selection, 'up', 3, 10);
    expect(selection.active).toBe(0);
    selection = move(selection, 'page-down', 3, 10);
    expect([selection.active, chosen(selection)]).toEqual([2, [2]]);
    expect(move(nothingSelected, 'down', 0, 10)).toBe(nothingSelected);
  });

  it('extends with Shift in both directions from where it began', () => {
    let selection = press(nothingSelected, 5);
    selection = move(selection, 'down', 20, 10, { shift: true });
    selection = move(selection, 'down', 20, 10, { shift: true });
    expect(chosen(selection)).toEqual([5, 6, 7]);
    for (let count = 0; count < 4; ++count) selection = move(selection, 'up', 20, 10, { shift: true });
    expect(chosen(selection)).toEqual([3, 4, 5]);
    expect(chosen(move(selection, 'end', 20, 10, { shift: true }))).toEqual(
      Array.from({ length: 15 }, (_, index) => index + 5),
    );
  });

  it('picks single rows with Ctrl', () => {
    let selection = press(nothingSelected, 1);
    selection = move(selection, 'down', 9, 10, { toggle: true });
    selection = move(selection, 'down', 9, 10, { toggle: true });
    expect(chosen(selection)).toEqual([1]);
    selection = press(selection, selection.active, { toggle: true });
    expect(chosen(selection)).toEqual([1, 3]);
    selection = press(selection, 1, { toggle: true });
    expect(chosen(selection)).toEqual([3]);
    expect(chosen(press(selection, 6, { shift: true }))).toEqual([1, 2, 3, 4, 5, 6]);
  });

  it('takes all and none', () => {
    expect(chosen(all(press(nothingSelected, 1), 4))).toEqual([0, 1, 2, 3]);
    const left = none(all(nothingSelected, 4));
    expect([chosen(left), left.active]).toEqual([[], 0]);
    expect(all(nothingSelected, 0)).toBe(nothingSelected);
  });

  it('follows the names when the folder changes', () => {
    const selection = press(press(nothingSelected, 1), 3, { toggle: true });
    const after = carry(selection, ['a', 'b', 'c', 'd'], ['a', 'aa', 'b', 'e']);
    expect([chosen(after), after.active]).toEqual([[2], 3]);
    expect(carry(selection, ['a', 'b', 'c', 'd'], [])).toBe(nothingSelected);
  });

  it('finds by the first letters and goes round', () => {
    const names = ['Apple', 'banana', 'bread', 'cherry'];
    expect(findByTyping(names, 'b', 0)).toBe(1);
    expect(findByTyping(names, 'b', 2)).toBe(2);
    expect(findByTyping(names, 'a', 2)).toBe(0);
    expect(findByTyping(names, 'br', 1)).toBe(2);
    expect(findByTyping(names, 'x', 0)).toBe(-1);
  });
});
