/** One's own account: name, colours, API keys. */
import { useEffect, useRef, useState } from 'preact/hooks';
import { ago } from '../lib/format';
import { sentence, type ApiKey } from '../net/protocol';
import { hub, session } from '../state/app';
import { setTheme, theme, type Theme } from '../state/theme';
import { copy } from '../ui/clipboard';
import { Awaited, useAnswer } from '../ui/answer';
import { useCopied } from '../ui/copied';
import { confirm } from '../ui/dialog';
import { useCell, useTitle } from '../ui/hooks';
import { Icon } from '../ui/icons';
import { toast } from '../ui/toasts';

function NameForm() {
  const signedIn = useCell(session);
  const account = signedIn.phase === 'signed_in' ? signedIn.account : null;
  const [first, setFirst] = useState(account?.first_name ?? '');
  const [last, setLast] = useState(account?.last_name ?? '');
  const [state, setState] = useState('');
  useEffect(() => {
    setFirst(account?.first_name ?? '');
    setLast(account?.last_name ?? '');
  }, [account?.account_id]);
  const save = async (event: Event): Promise<void> => {
    event.preventDefault();
    setState('Saving…');
    try {
      await hub.call('accounts.update', { first_name: first.trim(), last_name: last.trim() });
      if (account)
        session.value = {
          phase: 'signed_in',
          account: { ...account, first_name: first.trim(), last_name: last.trim() },
        };
      setState('Saved.');
    } catch (error) {
      setState(`Not saved. ${sentence(error)}`);
    }
  };
  return (
    <section class="card" aria-label="Name">
      <h2>Name</h2>
      <p class="field-hint">
        What the others see in projects and at your cursor. You sign in as {account?.email_address}.
      </p>
      <form onSubmit={save}>
        <div class="field-pair">
          <div class="field">
            <label for="first-name">First name</label>
            <input
              id="first-name"
              autocomplete="given-name"
              value={first}
              onInput={(event) => setFirst(event.currentTarget.value)}
            />
          </div>
          <div class="field">
            <label for="last-name">Last name</label>
            <input
              id="last-name"
              autocomplete="family-name"
              value={last}
              onInput={(event) => setLast(event.currentTarget.value)}
            />
          </div>
        </div>
        <div class="actions actions-start">
          <button type="submit" class="button">
            Save
          </button>
          <p class="field-state" role="status">
            {state}
          </p>
        </div>
      </form>
    </section>
  );
}

function Colours() {
  const present = useCell(theme);
  const choices: [Theme, string][] = [
    ['system', 'As the system'],
    ['light', 'Light'],
    ['dark', 'Dark'],
  ];
  return (
    <section class="card" aria-label="Colours">
      <h2>Colours</h2>
      <fieldset class="choices">
        <legend class="field-hint">Kept in this browser.</legend>
        {choices.map(([value, label]) => (
          <label key={value} class="check">
            <input type="radio" name="theme" checked={present === value} onChange={() => setTheme(value)} /> {label}
          </label>
        ))}
      </fieldset>
    </section>
  );
}

function NewKey({ secret, onDone }: { secret: string; onDone(): void }) {
  const [copied, noteCopy] = useCopied();
  return (
    <div class="banner banner-plain" role="status">
      <Icon name="check" />
      <p>
        This is the new key. Copy it now: it is not shown again. <code class="id">{secret}</code>
      </p>
      <button type="button" class="button button-small" onClick={() => void copy(secret, noteCopy)}>
        <Icon name="copy" /> {copied ? 'Copied' : 'Copy'}
      </button>
      <button type="button" class="button button-small" onClick={onDone}>
        Done
      </button>
    </div>
  );
}

function Keys() {
  const answer = useAnswer(() => hub.call('api_keys.list', {}, { timeoutMs: 0 }), []);
  const { value: keys, setValue: setKeys, load } = answer;
  const [name, setName] = useState('');
  const [secret, setSecret] = useState<string | null>(null);
  const field = useRef<HTMLInputElement>(null);
  const create = async (event: Event): Promise<void> => {
    event.preventDefault();
    if (!name.trim()) return field.current?.focus();
    try {
      const { secret } = await hub.call('api_keys.create', { name: name.trim() });
      setSecret(secret);
      setName('');
      await load();
    } catch (error) {
      toast({ text: `The key was not created. ${sentence(error)}`, tone: 'bad' });
    }
  };
  const ask = (key: ApiKey): void =>
    confirm({
      title: `Delete the key “${key.name}”?`,
      text: 'Programs that use it are refused from then on. A deleted key cannot be brought back.',
      action: 'Delete the key',
      run: () => void remove(key),
    });
  const remove = async (key: ApiKey): Promise<void> => {
    const before = keys;
    setKeys((keys ?? []).filter((other) => other.id !== key.id));
    try {
      await hub.call('api_keys.delete', { id: key.id });
      toast({ text: `The key “${key.name}” is deleted.` });
    } catch (error) {
      setKeys(before);
      toast({ text: `The key was not deleted. ${sentence(error)}`, tone: 'bad' });
    }
  };
  return (
    <section class="card" aria-label="API keys">
      <h2>API keys</h2>
      <p class="field-hint">
        A key lets a program do what you may do. Make one for each program: then you can take back one without the
        others.
      </p>
      {secret && <NewKey secret={secret} onDone={() => setSecret(null)} />}
      <form class="new-project-line" onSubmit={create}>
        <input
          ref={field}
          aria-label="What the new key is for"
          placeholder="What is it for?"
          maxLength={128}
          value={name}
          onInput={(event) => setName(event.currentTarget.value)}
        />
        <button type="submit" class="button">
          <Icon name="plus" /> Create key
        </button>
      </form>
      <Awaited answer={answer} what="keys" rows={2} />
      {keys?.length === 0 && <p class="quiet keys-none">No keys yet.</p>}
      {keys && keys.length > 0 && (
        <ul class="people" aria-label="Keys">
          {keys.map((key) => (
            <li key={key.id} class="person">
              <span class="avatar avatar-key" aria-hidden="true">
                <Icon name="link" />
              </span>
              <div class="person-name">
                <span>{key.name}</span>
                <span class="quiet">
                  {key.trunc}{' '}
                  {key.last_active ? `· used ${ago(Date.parse(key.last_active), Date.now())}` : '· never used'}
                </span>
              </div>
              <span />
              <span />
              <button type="button" class="button button-small" onClick={() => ask(key)}>
                Delete<span class="visually-hidden"> the key {key.name}</span>
              </button>
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}

export function AccountView() {
  useTitle('Account');
  return (
    <main id="main" class="page" tabIndex={-1} data-region>
      <div class="page-column page-narrow">
        <header class="page-head">
          <h1>Account</h1>
        </header>
        <NameForm />
        <Colours />
        <Keys />
      </div>
    </main>
  );
}
