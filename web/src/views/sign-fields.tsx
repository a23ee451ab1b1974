/** Fields of the sign-in and sign-up forms: label, hint, what is wrong, then the box. */
import type { InputHTMLAttributes, JSX } from 'preact';
import { useState } from 'preact/hooks';
import { Icon } from '../ui/icons';

type FieldName = 'email' | 'password' | 'firstName' | 'lastName' | 'terms';
export type Problems = Partial<Record<FieldName | 'form', string>>;

interface ValueProps {
  value: string;
  onValue(value: string): void;
  problem: string | undefined;
}

interface FieldProps extends ValueProps {
  name: FieldName;
  label: string;
  hint?: string;
  attributes: InputHTMLAttributes<HTMLInputElement>;
  children?: JSX.Element;
}

export function Field({ name, label, value, onValue, problem, hint, attributes, children }: FieldProps) {
  const described = [hint ? `${name}-hint` : '', problem ? `${name}-problem` : ''].filter(Boolean).join(' ');
  return (
    <div class="field">
      <label for={name}>{label}</label>
      {hint && (
        <p class="field-hint" id={`${name}-hint`}>
          {hint}
        </p>
      )}
      {problem && (
        <p class="field-problem" id={`${name}-problem`}>
          <Icon name="fail" /> {problem}
        </p>
      )}
      <div class="field-box">
        <input
          id={name}
          name={name}
          value={value}
          aria-invalid={problem ? true : undefined}
          aria-describedby={described || undefined}
          onInput={(event) => onValue(event.currentTarget.value)}
          {...attributes}
        />
        {children}
      </div>
    </div>
  );
}

export function EmailField(props: ValueProps) {
  return (
    <Field
      name="email"
      label="E-mail address"
      {...props}
      attributes={{
        type: 'email',
        autocomplete: 'username',
        inputMode: 'email',
        autocapitalize: 'off',
        spellcheck: false,
        required: true,
      }}
    />
  );
}

/** `fresh`: it is chosen here for the first time. */
export function PasswordField({ fresh, ...props }: ValueProps & { fresh: boolean }) {
  const [shown, setShown] = useState(false);
  return (
    <Field
      name="password"
      label="Password"
      {...props}
      {...(fresh
        ? { hint: 'At least 8 characters. A few words in a row are easy to remember and hard to guess.' }
        : {})}
      attributes={{
        ...(shown ? { type: 'text' as const } : { type: 'password' as const }),
        autocomplete: fresh ? 'new-password' : 'current-password',
        spellcheck: false,
        autocapitalize: 'off',
        required: true,
      }}
    >
      <button
        type="button"
        class="field-button"
        aria-pressed={shown}
        aria-controls="password"
        onClick={() => setShown(!shown)}
      >
        {shown ? 'Hide' : 'Show'}
        <span class="visually-hidden"> password</span>
      </button>
    </Field>
  );
}
