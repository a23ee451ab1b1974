/** Finding by a few letters, as palettes do: every letter in order, better when they start words or stand together. */
interface Match {
  score: number;
  /** Positions of the letters that matched. */
  at: number[];
}

const boundary = /[\s/_.:-]/;

export function match(text: string, typed: string): Match | null {
  const wanted = typed.toLowerCase().replace(/\s+/g, '');
  if (!wanted) return { score: 0, at: [] };
  const lower = text.toLowerCase();
  // A plain substring is always better than scattered letters.
  const whole = lower.indexOf(typed.toLowerCase().trim());
  if (whole >= 0) {
    const start = whole === 0 || boundary.test(lower[whole - 1]!);
    const length = typed.trim().length;
    return {
      score: 1000 + (start ? 200 : 0) - whole - (text.length - length) * 0.1,
      at: Array.from({ length }, (_, index) => whole + index),
    };
  }
  const at: number[] = [];
  let score = 0;
  let from = 0;
  for (const letter of wanted) {
    let found = lower.indexOf(letter, from);
    if (found < 0) return null;
    // Prefer the start of a later word over the middle of this one.
    for (let later = found; later >= 0 && later < lower.length; later = lower.indexOf(letter, later + 1)) {
      if (later === 0 || boundary.test(lower[later - 1]!)) {
        if (canFinish(lower, later, wanted.slice(at.length))) found = later;
        break;
      }
    }
    score += found === from && at.length > 0 ? 12 : found === 0 || boundary.test(lower[found - 1]!) ? 10 : 1;
    score -= Math.min(5, (found - from) * 0.2);
    at.push(found);
    from = found + 1;
  }
  return { score: score - text.length * 0.05, at };
}

function canFinish(text: string, from: number, letters: string): boolean {
  let place = from;
  for (const letter of letters) {
    place = text.indexOf(letter, place);
    if (place < 0) return false;
    ++place;
  }
  return true;
}
