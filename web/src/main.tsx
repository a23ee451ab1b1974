/** Entry: styles, router, connection, and which view stands for which address. */
import './styles/tokens.css';
import './styles/base.css';
import './styles/frame.css';
import './styles/controls.css';
import './styles/parts.css';
import './styles/overlays.css';
import './styles/pages.css';
import './styles/projects.css';
import './styles/sign.css';
import { render, type ComponentChildren } from 'preact';
import { useEffect } from 'preact/hooks';
import { href, navigate, route, startRouter, type Route } from './lib/router';
import { session, startApp } from './state/app';
import { checkLinks } from './state/project';
import { Frame } from './ui/frame';
import { useCell } from './ui/hooks';
import { lazy } from './ui/lazy';
import { Nowhere } from './ui/nowhere';
import { ProjectsView } from './views/projects';
import { SignIn, SignUp } from './views/sign';

const ProjectView = lazy(() => import('./views/project').then((module) => module.ProjectView), 'the project');
const AccountView = lazy(() => import('./views/account').then((module) => module.AccountView), 'your account');

function view(here: Route): ComponentChildren {
  switch (here.view) {
    case 'projects':
      return <ProjectsView />;
    case 'account':
      return <AccountView />;
    case 'project':
      return <ProjectView key={here.id} route={here} />;
    case 'unknown':
      return (
        <Nowhere name="Not found" icon="search" title="There is no page here">
          Nothing has the address <code>{here.path}</code>. A link may have been cut off when it was copied.
        </Nowhere>
      );
    default:
      return null;
  }
}

function App() {
  const here = useCell(route);
  const phase = useCell(session, (value) => value.phase);
  const outside = here.view === 'sign-in' || here.view === 'sign-up';
  useEffect(() => {
    if (here.view === 'home' && phase !== 'unknown')
      navigate(href({ view: phase === 'signed_in' ? 'projects' : 'sign-in' }), 'replace');
    else if (phase === 'signed_out' && !outside)
      navigate(href({ view: 'sign-in', next: location.pathname + location.search }), 'replace');
  }, [here, phase]);
  if (here.view === 'sign-in') return <SignIn next={here.next} />;
  if (here.view === 'sign-up') return <SignUp next={here.next} />;
  if (phase === 'signed_out') return null;
  return <Frame>{view(here)}</Frame>;
}

startRouter();
startApp();
addEventListener('online', checkLinks);
document.addEventListener('visibilitychange', () => document.visibilityState === 'visible' && checkLinks());
render(<App />, document.getElementById('root')!);
