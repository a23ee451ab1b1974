/**
 * Trace ids: one for each thing a person does, in every log from here to the pod (W3C Trace Context). People quote them
 * when something went wrong.
 */

/** Random bytes in hex digits, never all zeros: those would mean none. */
export function randomHex(bytes: number): string {
  const random = crypto.getRandomValues(new Uint8Array(bytes));
  random[0]! |= 1;
  return Array.from(random, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** `traceparent` of a new action, or one more step of the action with this trace id. */
export function traceparent(trace?: string | null): string {
  return `00-${trace && /^[0-9a-f]{32}$/.test(trace) ? trace : randomHex(16)}-${randomHex(8)}-01`;
}

/** The trace id in a `traceparent`. */
export const traceOf = (parent: string): string => parent.slice(3, 35);
