/** The keys, by group. Opened with `?`. */
import { Cell } from '../lib/cell';
import { allCommands, keyWords } from './commands';
import { Dialog } from './dialog';
import { useCell } from './hooks';

export const keysOpen = new Cell(false);

interface Entry {
  title: string;
  keys: string;
}

const lists: Entry[] = [
  { title: 'Move', keys: '↑ ↓' },
  { title: 'Choose several', keys: 'shift+↓' },
  { title: 'Choose one more', keys: 'ctrl+space' },
  { title: 'Choose all', keys: 'mod+a' },
  { title: 'Open', keys: 'enter' },
  { title: 'Rename', keys: 'F2' },
  { title: 'Delete', keys: 'delete' },
];

function groupsOfKeys(): Map<string, Entry[]> {
  const groups = new Map<string, Entry[]>();
  for (const { group, title, keys } of allCommands()) {
    if (keys) groups.set(group, [...(groups.get(group) ?? []), { title, keys }]);
  }
  return groups.set('Lists', lists);
}

export function Keys({ keys }: { keys: string }) {
  return (
    <>
      {keyWords(keys).map((key) => (
        <kbd key={key}>{key}</kbd>
      ))}
    </>
  );
}

export function KeysDialog() {
  const open = useCell(keysOpen);
  if (!open) return null;
  return (
    <Dialog title="Keys" wide onClose={() => (keysOpen.value = false)}>
      <div class="keys-groups">
        {[...groupsOfKeys()].map(([group, list]) => (
          <section key={group}>
            <h3>{group}</h3>
            <dl>
              {list.map(({ title, keys }) => (
                <div key={title}>
                  <dt>{title}</dt>
                  <dd class="keys">
                    <Keys keys={keys} />
                  </dd>
                </div>
              ))}
            </dl>
          </section>
        ))}
      </div>
    </Dialog>
  );
}
