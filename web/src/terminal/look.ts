/** Colours of terminals, and whether they can be drawn by the graphics processor. */
import type { ITheme } from '@xterm/xterm';

function token(probe: HTMLElement, name: string): string {
  probe.style.color = `var(${name})`;
  const context = token.canvas.getContext('2d', { willReadFrequently: true })!;
  // Painting one pixel turns any notation that the browser knows into the numbers that xterm.js wants.
  context.clearRect(0, 0, 1, 1);
  context.fillStyle = getComputedStyle(probe).color;
  context.fillRect(0, 0, 1, 1);
  const [red, green, blue] = context.getImageData(0, 0, 1, 1).data;
  return `#${[red, green, blue].map((part) => part!.toString(16).padStart(2, '0')).join('')}`;
}
token.canvas = document.createElement('canvas');

/** Whether WebGL is drawn by a real graphics processor. */
let gpu: boolean | undefined;
export function hasGpu(): boolean {
  if (gpu !== undefined) return gpu;
  const context = document.createElement('canvas').getContext('webgl2', { failIfMajorPerformanceCaveat: true });
  const info = context?.getExtension('WEBGL_debug_renderer_info');
  const name = info ? String(context!.getParameter(info.UNMASKED_RENDERER_WEBGL)) : '';
  context?.getExtension('WEBGL_lose_context')?.loseContext();
  gpu = context !== null && !/swiftshader|llvmpipe|software/i.test(name);
  return gpu;
}

const names = ['black', 'red', 'green', 'yellow', 'blue', 'magenta', 'cyan', 'white'] as const;

/** The colours of a terminal from the tokens of the page, as they are now. */
export function themeFromTokens(element: HTMLElement): ITheme {
  const probe = element.appendChild(document.createElement('i'));
  probe.hidden = true;
  const colours: Record<string, string> = {
    background: token(probe, '--terminal-ground'),
    foreground: token(probe, '--terminal-text'),
    cursor: token(probe, '--accent'),
    cursorAccent: token(probe, '--terminal-ground'),
    selectionBackground: token(probe, '--terminal-selection'),
  };
  names.forEach((name, index) => {
    colours[name] = token(probe, `--ansi-${index}`);
    colours[`bright${name[0]!.toUpperCase()}${name.slice(1)}`] = token(probe, `--ansi-${index + 8}`);
  });
  probe.remove();
  return colours;
}
