/** Copying text. Pages that came by plain http, other than from the machine itself, have no `navigator.clipboard`. */
import { toast } from './toasts';

/** The element with the focus, also inside shadow roots: an editor lives in one. */
function focused(): HTMLElement | null {
  let at: Element | null = document.activeElement;
  while (at?.shadowRoot?.activeElement) at = at.shadowRoot.activeElement;
  return at as HTMLElement | null;
}

/** The way of before: the browser copies what is selected in a field. */
function copySelected(text: string): boolean {
  const before = focused();
  const field = document.createElement('textarea');
  field.value = text;
  field.readOnly = true; // no keyboard comes up on a touch screen
  field.className = 'visually-hidden';
  field.style.whiteSpace = 'pre'; // else lines are joined
  // Outside of an open dialog nothing takes the focus.
  (before?.closest('dialog') ?? document.body).append(field);
  try {
    field.select();
    return document.execCommand('copy');
  } catch {
    return false;
  } finally {
    field.remove();
    before?.focus({ preventScroll: true });
  }
}

/** Whether the text is in the clipboard. Call it from a click or a key: browsers allow it then only. */
export async function copyText(text: string): Promise<boolean> {
  try {
    if (navigator.clipboard) {
      await navigator.clipboard.writeText(text);
      return true;
    }
  } catch {
    // not allowed to this page; the way of before may be
  }
  return copySelected(text);
}

/** Copies and says so by `done`, or shows the text to take it from. */
export async function copy(text: string, done: () => void = () => undefined): Promise<void> {
  if (await copyText(text)) done();
  else toast({ text: `The browser did not allow copying. Select it here and copy it yourself: ${text}`, tone: 'bad' });
}
