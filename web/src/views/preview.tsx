/** A look at a file beside the list: text, image, sound, film; for the rest its size and a download. */
import { useEffect, useState } from 'preact/hooks';
import { bytes, moment } from '../lib/format';
import { extension, join, kindOf } from '../lib/paths';
import { encodePath, paneHref } from '../lib/router';
import { sentence, type Entry } from '../net/protocol';
import { Empty, Skeleton } from '../ui/basics';
import { Icon } from '../ui/icons';
import type { ProjectContext } from './project-context';

const mostText = 512 * 1024;

function TextPreview({ context, path, size }: { context: ProjectContext; path: string; size: number }) {
  const [shown, setShown] = useState<{ text?: string; problem?: string }>({});
  useEffect(() => {
    setShown({});
    if (size > mostText)
      return setShown({ problem: `The file has ${bytes(size)}: too long for a preview. Open it in the editor.` });
    let current = true;
    context.session.api.call('files.read', { path }, { timeoutMs: 0 }).then(
      ({ text }) => current && setShown({ text }),
      (error: unknown) => current && setShown({ problem: sentence(error) }),
    );
    return () => {
      current = false;
    };
  }, [path, size]);
  if (shown.problem) return <p class="preview-note">{shown.problem}</p>;
  if (shown.text === undefined) return <Skeleton rows={6} label="Loading the preview" />;
  if (shown.text === '') return <p class="preview-note">The file is empty.</p>;
  return (
    <pre class="preview-text" tabIndex={0} aria-label="Content">
      {shown.text}
    </pre>
  );
}

function Content({ context, path, entry }: { context: ProjectContext; path: string; entry: Entry }) {
  const source = `/${context.row.project_id}/files/${encodePath(path)}?v=${entry.mtime}`;
  const [broken, setBroken] = useState(false);
  useEffect(() => setBroken(false), [source]);
  switch (kindOf(entry)) {
    case 'image':
      return broken ? (
        <p class="preview-note">This image cannot be shown. Download it to look at it with another program.</p>
      ) : (
        <img class="preview-image" src={source} alt={entry.name} onError={() => setBroken(true)} />
      );
    case 'audio':
      return <audio class="preview-audio" controls src={source} />;
    case 'video':
      return <video class="preview-video" controls src={source} />;
    case 'text':
      return <TextPreview context={context} path={path} size={entry.size} />;
    case 'folder':
      return <p class="preview-note">A folder. Press Enter to open it.</p>;
    default:
      return (
        <p class="preview-note">
          There is no preview for {extension(entry.name) ? `“.${extension(entry.name)}” files` : 'this file'}.
        </p>
      );
  }
}

export function Preview({
  context,
  folder,
  name,
  entry,
  onClose,
  onDownload,
}: {
  context: ProjectContext;
  folder: string;
  name: string;
  entry: Entry | undefined;
  onClose(): void;
  onDownload(): void;
}) {
  const path = join(folder, name);
  const text = entry && kindOf(entry) === 'text';
  return (
    <aside class="preview" aria-label={`Preview of ${name}`} onKeyDown={(event) => event.key === 'Escape' && onClose()}>
      <header class="preview-head">
        <h2 title={path}>{name}</h2>
        {text && (
          <a class="button button-small" href={paneHref(context.row.project_id, { kind: 'edit', path })}>
            Edit
          </a>
        )}
        {entry && (
          <button type="button" class="icon-button" aria-label="Download" title="Download" onClick={onDownload}>
            <Icon name="download" />
          </button>
        )}
        <button type="button" class="icon-button" aria-label="Close the preview" title="Close" onClick={onClose}>
          <Icon name="close" />
        </button>
      </header>
      {entry ? (
        <>
          <p class="preview-facts">
            {entry.type === 'directory' ? 'Folder' : bytes(entry.size)} · {moment(entry.mtime)}
          </p>
          <div class="preview-content">
            <Content context={context} path={path} entry={entry} />
          </div>
        </>
      ) : (
        <Empty icon="file" title="The file is not here any more" />
      )}
    </aside>
  );
}
