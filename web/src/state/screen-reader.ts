/** Whether terminals keep their text where screen readers find it, at the price of slower output: kept in this browser. */
import { Cell } from '../lib/cell';

const key = 'atrium.screen-reader';

function stored(): boolean {
  try {
    return localStorage.getItem(key) === 'on';
  } catch {
    return false;
  }
}

export const screenReader = new Cell(stored());

screenReader.subscribe((on) => {
  try {
    if (on) localStorage.setItem(key, 'on');
    else localStorage.removeItem(key);
  } catch {
    // storage refused: the choice lasts as long as this page
  }
});
