/** Uploads under way, each with its progress, its reason when it failed, and a way on. */
import { bytes } from '../lib/format';
import type { Upload } from '../net/upload';
import type { ProjectFiles } from '../state/project-files';
import { useCell } from '../ui/hooks';
import { Icon } from '../ui/icons';

function entries(reader: FileSystemDirectoryReader): Promise<FileSystemEntry[]> {
  return new Promise((resolve, reject) => reader.readEntries(resolve, reject));
}

async function walk(entry: FileSystemEntry, folder: string, found: { path: string; file: Blob }[]): Promise<void> {
  const path = folder ? `${folder}/${entry.name}` : entry.name;
  if (entry.isFile) {
    const file = await new Promise<File>((resolve, reject) => (entry as FileSystemFileEntry).file(resolve, reject));
    found.push({ path, file });
    return;
  }
  const reader = (entry as FileSystemDirectoryEntry).createReader();
  for (let batch = await entries(reader); batch.length > 0; batch = await entries(reader))
    for (const child of batch) await walk(child, path, found);
}

/** Files of a drop, folders with all that is in them. */
export async function dropped(data: DataTransfer): Promise<{ path: string; file: Blob }[]> {
  const found: { path: string; file: Blob }[] = [];
  // Entries must be taken before the first wait: afterwards the browser has emptied the list.
  const roots = [...data.items]
    .map((item) => item.webkitGetAsEntry?.())
    .filter((entry): entry is FileSystemEntry => !!entry);
  if (roots.length === 0) return [...data.files].map((file) => ({ path: file.name, file }));
  for (const root of roots) await walk(root, '', found);
  return found;
}

function Line({ upload, files }: { upload: Upload; files: ProjectFiles }) {
  const { sent, total, phase, problem } = useCell(upload.state);
  const words = {
    waiting: 'Waiting',
    sending: `${bytes(sent)} of ${bytes(total)}`,
    retrying: problem ? `${problem} Trying again…` : 'Connection lost, trying again…',
    done: `${bytes(total)} uploaded`,
    failed: problem ?? 'Failed',
    cancelled: 'Cancelled',
  }[phase];
  return (
    <li class={`upload upload-${phase}`}>
      <Icon name={phase === 'done' ? 'check' : phase === 'failed' ? 'fail' : 'upload'} />
      <span class="upload-name">{upload.path}</span>
      {(phase === 'sending' || phase === 'waiting' || phase === 'retrying') && (
        <progress value={total ? sent : 1} max={total || 1} aria-label={`Upload of ${upload.path}`} />
      )}
      <span class="upload-words">{words}</span>
      {phase === 'failed' && (
        <button type="button" class="button button-small" onClick={() => files.retry(upload)}>
          Go on
        </button>
      )}
      <button
        type="button"
        class="icon-button"
        aria-label={phase === 'done' ? `Dismiss ${upload.path}` : `Cancel the upload of ${upload.path}`}
        onClick={() => files.dismiss(upload)}
      >
        <Icon name="close" />
      </button>
    </li>
  );
}

export function UploadList({ files }: { files: ProjectFiles }) {
  const uploads = useCell(files.uploads);
  if (uploads.length === 0) return null;
  return (
    <section class="uploads" aria-label="Uploads">
      <ul>
        {uploads.map((upload) => (
          <Line key={upload.path} upload={upload} files={files} />
        ))}
      </ul>
      <button type="button" class="link-button" onClick={() => files.dismissDone()}>
        Clear finished
      </button>
    </section>
  );
}
