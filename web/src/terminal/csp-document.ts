/**
 * xterm.js writes <style> elements and style attributes, which a strict Content-Security-Policy refuses. It takes the
 * document to create elements with as an option: this one gives it, for a style element, an element that feeds a
 * constructable style sheet. Parts that take the page's document all the same are caught while the terminal opens, and
 * the style attribute of the rows' cells goes through the object model, which is allowed.
 */
function styleElement(): HTMLElement {
  const element = document.createElement('i');
  element.hidden = true;
  const sheet = new CSSStyleSheet();
  document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet];
  let text = '';
  Object.defineProperty(element, 'textContent', {
    get: () => text,
    set: (value: string) => {
      text = value;
      sheet.replaceSync(value);
    },
  });
  element.remove = () => {
    document.adoptedStyleSheets = document.adoptedStyleSheets.filter((other) => other !== sheet);
    Element.prototype.remove.call(element);
  };
  return element;
}

HTMLSpanElement.prototype.setAttribute = function setAttribute(name: string, value: string): void {
  if (name === 'style') this.style.cssText = value;
  else Element.prototype.setAttribute.call(this, name, value);
};

/** Runs `open` while the page's own document, too, makes no style elements. */
export function withoutStyleElements(open: () => void): void {
  const original = document.createElement;
  document.createElement = ((tag: string, options?: ElementCreationOptions) =>
    tag === 'style' ? styleElement() : original.call(document, tag, options)) as typeof document.createElement;
  try {
    open();
  } finally {
    document.createElement = original;
  }
}

export function cspDocument(): Document {
  return new Proxy(document, {
    get(target, name) {
      if (name === 'createElement')
        return (tag: string) => (tag === 'style' ? styleElement() : target.createElement(tag));
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
    set: (target, name, value) => Reflect.set(target, name, value, target),
  });
}
