/** Whether a document is saved, as data and in words. */
import { plural } from '../lib/format';

export interface DocumentStatus {
  connected: boolean;
  /** Local changes that the server has not confirmed. */
  unconfirmed: number;
  /** Confirmed, but not known to be in the file yet. */
  unwritten: boolean;
  problem: string | null;
  removed: boolean;
}

/** The state of a document in words, for the line below the editor. */
export function statusWords(status: DocumentStatus): { text: string; tone: 'quiet' | 'warn' | 'bad' } {
  if (status.problem) return { text: `Not saved: ${status.problem}`, tone: 'bad' };
  if (!status.connected) {
    if (status.unconfirmed === 0) return { text: 'Offline: you can go on typing', tone: 'warn' };
    return { text: `Offline: ${plural(status.unconfirmed, 'change')} kept in this browser`, tone: 'warn' };
  }
  if (status.removed) return { text: 'Deleted on disk', tone: 'bad' };
  return { text: status.unconfirmed > 0 || status.unwritten ? 'Saving…' : 'Saved', tone: 'quiet' };
}
