/** Sign in and sign up: one column, nothing lost, errors beside the field, friendly to password managers. */
import type { ComponentChildren, JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { href, navigate } from '../lib/router';
import { fieldOf, signIn, signUp, type AuthAnswer } from '../net/auth';
import { hubLink, reconnect, session } from '../state/app';
import { LinkBanner } from '../ui/basics';
import { forgetKept, useCell, useKept, useTitle } from '../ui/hooks';
import { Icon, Mark } from '../ui/icons';
import { EmailField, Field, PasswordField, type Problems } from './sign-fields';

function checkEmail(email: string): string | undefined {
  if (!email.trim()) return 'Type your e-mail address.';
  return /^\S+@\S+$/.test(email.trim())
    ? undefined
    : 'This is not an e-mail address: it needs an @ and something on both sides.';
}

function prune(problems: Problems): Problems {
  return Object.fromEntries(Object.entries(problems).filter(([, text]) => text)) as Problems;
}

/** Sends the form, keeps what was typed, puts a refusal beside its field and the focus there. */
function useSubmit(check: () => Problems, send: () => Promise<AuthAnswer>, next: string | undefined) {
  const [problems, setProblems] = useState<Problems>({});
  const [busy, setBusy] = useState(false);
  const element = useRef<HTMLFormElement>(null);
  useEffect(() => {
    element.current?.querySelector<HTMLElement>('[aria-invalid=true], .form-problem')?.focus();
  }, [problems]);
  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    if (busy) return;
    const found = prune(check());
    setProblems(found);
    if (Object.keys(found).length > 0) return;
    setBusy(true);
    const answer = await send();
    setBusy(false);
    if ('error' in answer) {
      setProblems({ [fieldOf(answer.error) ?? 'form']: answer.error });
      return;
    }
    forgetKept('email', 'first-name', 'last-name');
    reconnect();
    navigate(next ?? href({ view: 'projects' }), 'replace');
  };
  return { problems, busy, element, submit };
}

type FormProps = ReturnType<typeof useSubmit> & {
  action: 'sign-in' | 'sign-up';
  button: string;
  /** On the button meanwhile. */
  waiting: string;
  children: ComponentChildren;
};

function Form({ problems, busy, element, submit, action, button, waiting, children }: FormProps) {
  return (
    <form
      ref={element}
      class="form"
      method="post"
      action={`/api/v2/auth/${action}`}
      noValidate
      onSubmit={submit}
      aria-busy={busy}
    >
      <div role="alert">
        {problems.form && (
          <p class="form-problem" tabIndex={-1}>
            <Icon name="fail" /> {problems.form}
          </p>
        )}
      </div>
      {children}
      <button type="submit" class="button button-main button-wide" disabled={busy}>
        {busy ? waiting : button}
      </button>
    </form>
  );
}

function Sheet({ title, children }: { title: string; children: JSX.Element[] }) {
  useTitle(title);
  return (
    <div class="sign">
      <LinkBanner link={hubLink} what="Atrium" />
      <main id="main" tabIndex={-1} class="sign-main">
        <a class="sign-brand" href="/" aria-label="Atrium: start page">
          <Mark />
          <span>Atrium</span>
        </a>
        <h1>{title}</h1>
        {children}
      </main>
      <footer class="sign-foot">
        <a href="/info" target="_self">
          About
        </a>
        <a href="/policies/terms" target="_self">
          Terms
        </a>
        <a href="/policies/privacy" target="_self">
          Privacy
        </a>
      </footer>
    </div>
  );
}

/** Somebody who is signed in has nothing to do here. */
function useAlreadyIn(next: string | undefined): void {
  const phase = useCell(session, (value) => value.phase);
  useEffect(() => {
    if (phase === 'signed_in') navigate(next ?? href({ view: 'projects' }), 'replace');
  }, [phase]);
}

export function SignIn({ next }: { next?: string | undefined }) {
  const [email, setEmail] = useKept('email', '');
  const [password, setPassword] = useState('');
  useAlreadyIn(next);
  const form = useSubmit(
    () => ({ email: checkEmail(email), password: password ? undefined : 'Type your password.' }) as Problems,
    () => signIn(email.trim(), password),
    next,
  );
  return (
    <Sheet title="Sign in">
      <Form {...form} action="sign-in" button="Sign in" waiting="Signing in…">
        <EmailField value={email} onValue={setEmail} problem={form.problems.email} />
        <PasswordField value={password} onValue={setPassword} problem={form.problems.password} fresh={false} />
      </Form>
      <p class="sign-other">
        No account yet? <a href={href(next ? { view: 'sign-up', next } : { view: 'sign-up' })}>Sign up</a>
      </p>
    </Sheet>
  );
}

export function SignUp({ next }: { next?: string | undefined }) {
  const [email, setEmail] = useKept('email', '');
  const [firstName, setFirstName] = useKept('first-name', '');
  const [lastName, setLastName] = useKept('last-name', '');
  const [password, setPassword] = useState('');
  const [terms, setTerms] = useState(false);
  useAlreadyIn(next);
  const check = (): Problems =>
    ({
      firstName: firstName.trim() ? undefined : 'Type your first name: it is what the others see at your cursor.',
      lastName: lastName.trim() ? undefined : 'Type your last name.',
      email: checkEmail(email),
      password:
        password.length >= 8
          ? undefined
          : `The password needs at least 8 characters${password ? `; this one has ${password.length}` : ''}.`,
      terms: terms ? undefined : 'Agree to the terms to go on.',
    }) as Problems;
  const form = useSubmit(
    check,
    () => signUp({ email: email.trim(), password, firstName: firstName.trim(), lastName: lastName.trim(), terms }),
    next,
  );
  return (
    <Sheet title="Create your account">
      <Form {...form} action="sign-up" button="Create account" waiting="Creating your account…">
        <div class="field-pair">
          <Field
            name="firstName"
            label="First name"
            value={firstName}
            onValue={setFirstName}
            problem={form.problems.firstName}
            attributes={{ type: 'text', autocomplete: 'given-name', required: true }}
          />
          <Field
            name="lastName"
            label="Last name"
            value={lastName}
            onValue={setLastName}
            problem={form.problems.lastName}
            attributes={{ type: 'text', autocomplete: 'family-name', required: true }}
          />
        </div>
        <EmailField value={email} onValue={setEmail} problem={form.problems.email} />
        <PasswordField value={password} onValue={setPassword} problem={form.problems.password} fresh />
        <div class="field">
          {form.problems.terms && (
            <p class="field-problem" id="terms-problem">
              <Icon name="fail" /> {form.problems.terms}
            </p>
          )}
          <div class="check">
            <input
              id="terms"
              name="terms"
              type="checkbox"
              checked={terms}
              aria-invalid={form.problems.terms ? true : undefined}
              aria-describedby={form.problems.terms ? 'terms-problem' : undefined}
              onChange={(event) => setTerms(event.currentTarget.checked)}
            />
            <label for="terms">
              I agree to the{' '}
              <a href="/policies/terms" target="_blank" rel="noopener">
                terms of use
              </a>
            </label>
          </div>
        </div>
      </Form>
      <p class="sign-other">
        Have an account? <a href={href(next ? { view: 'sign-in', next } : { view: 'sign-in' })}>Sign in</a>
      </p>
    </Sheet>
  );
}
