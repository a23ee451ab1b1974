import { afterEach, describe, expect, it, vi } from 'vitest';
import { copyText } from '../../src/ui/clipboard';

/** The least page that has a focus: what stands in it, what was copied out of it, and who has the focus. */
function page(allows: boolean) {
  const steps: string[] = [];
  const fields: Field[] = [];
  let copied = '';
  class Field {
    value = '';
    readOnly = false;
    className = '';
    selected = false;
    style: Record<string, string> = {};
    select = (): void => void (this.selected = true);
    remove = (): void => void fields.splice(fields.indexOf(this), 1);
  }
  const place = (name: string) => ({
    append: (field: Field): void => {
      steps.push(`into ${name}`);
      fields.push(field);
    },
  });
  const dialog = place('the dialog');
  const editor = { focus: () => steps.push('focus back'), closest: () => null as unknown };
  const document = {
    body: place('the page'),
    activeElement: { shadowRoot: { activeElement: editor } } as unknown,
    createElement: () => new Field(),
    execCommand: (command: string): boolean => {
      const field = fields.find((one) => one.selected);
      if (command !== 'copy' || !field || !allows) return false;
      copied = field.value;
      return true;
    },
  };
  vi.stubGlobal('document', document);
  return { steps, fields, editor, dialog, copied: () => copied };
}

const withClipboard = (writeText: (text: string) => Promise<void>): void =>
  void vi.stubGlobal('navigator', { clipboard: { writeText } });
const withoutClipboard = (): void => void vi.stubGlobal('navigator', {});

describe('copying text', () => {
  afterEach(() => void vi.unstubAllGlobals());

  it('asks the clipboard where there is one', async () => {
    const there = page(true);
    const written: string[] = [];
    withClipboard((text) => Promise.resolve(void written.push(text)));
    expect(await copyText('a\nb')).toBe(true);
    expect(written).toEqual(['a\nb']);
    expect(there.steps).toEqual([]);
  });

  it('selects the text on pages that came by plain http, and gives the focus back to whom it belongs', async () => {
    const there = page(true);
    withoutClipboard();
    expect(await copyText('a\nb')).toBe(true);
    expect(there.copied()).toBe('a\nb');
    expect(there.steps).toEqual(['into the page', 'focus back']);
    expect(there.fields).toEqual([]);
  });

  it('does so inside of an open dialog', async () => {
    const there = page(true);
    there.editor.closest = () => there.dialog;
    withoutClipboard();
    expect(await copyText('x')).toBe(true);
    expect(there.steps[0]).toBe('into the dialog');
  });

  it('tries it too when the clipboard is refused', async () => {
    const there = page(true);
    withClipboard(() => Promise.reject(new Error('not allowed')));
    expect(await copyText('x')).toBe(true);
    expect(there.copied()).toBe('x');
  });

  it('says when nothing helps', async () => {
    const there = page(false);
    withoutClipboard();
    expect(await copyText('x')).toBe(false);
    expect(there.fields).toEqual([]);
    expect(there.steps).toContain('focus back');
  });
});
