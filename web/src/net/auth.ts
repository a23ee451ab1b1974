import { traceOf, traceparent } from '../lib/trace';

/** Sign-in, sign-up and sign-out over `/api/v2/auth`. Refusals arrive as `{error}`, with any HTTP status. */
export interface SignUp {
  email: string;
  password: string;
  firstName: string;
  lastName: string;
  terms: boolean;
}

export type AuthAnswer = { account_id: string } | { error: string };

async function post(path: string, body: unknown): Promise<AuthAnswer> {
  let response: Response;
  const parent = traceparent();
  try {
    response = await fetch(`/api/v2/auth/${path}`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', Accept: 'application/json', traceparent: parent },
      credentials: 'same-origin',
      body: JSON.stringify(body),
    });
  } catch {
    return { error: 'The server cannot be reached. Check your connection and try again; what you typed is kept.' };
  }
  try {
    const answer = (await response.json()) as { account_id?: string; error?: unknown };
    if (typeof answer.error === 'string' && answer.error) return { error: answer.error };
    if (answer.error && typeof answer.error === 'object') return { error: Object.values(answer.error).join(' ') };
    if (response.ok) return { account_id: answer.account_id ?? '' };
  } catch {
    // no JSON: an intermediary answered
  }
  return {
    error: `The server answered with status ${response.status} and no explanation. Try again in a moment. (Trace ${traceOf(parent)})`,
  };
}

export const signIn = (email: string, password: string): Promise<AuthAnswer> => post('sign-in', { email, password });
export const signUp = (fields: SignUp): Promise<AuthAnswer> => post('sign-up', fields);
export const signOut = (): Promise<AuthAnswer> => post('sign-out', {});

/** Which field a refusal speaks about, so that it can stand beside it. */
export function fieldOf(error: string): 'email' | 'password' | 'firstName' | 'lastName' | 'terms' | null {
  const text = error.toLowerCase();
  if (/first name/.test(text)) return 'firstName';
  if (/last name/.test(text)) return 'lastName';
  if (/terms/.test(text)) return 'terms';
  if (/password/.test(text)) return 'password';
  if (/e-?mail|address|account/.test(text)) return 'email';
  return null;
}
