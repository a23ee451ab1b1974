/** A whole page for an address that leads to nothing that this person may see. */
import type { ComponentChildren } from 'preact';
import { href } from '../lib/router';
import { Empty } from './basics';
import { useTitle } from './hooks';
import type { IconName } from './icons';

interface Props {
  /** For the browser's tab. */
  name: string;
  icon: IconName;
  title: string;
  children: ComponentChildren;
}

export function Nowhere({ name, icon, title, children }: Props) {
  useTitle(name);
  return (
    <main id="main" class="page" tabIndex={-1} data-region>
      <Empty
        page
        icon={icon}
        title={title}
        actions={
          <a class="button" href={href({ view: 'projects' })}>
            Go to your projects
          </a>
        }
      >
        <p>{children}</p>
      </Empty>
    </main>
  );
}
