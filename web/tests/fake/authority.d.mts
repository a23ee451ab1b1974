interface Update {
  clientID: string;
  changes: unknown;
  id?: string;
}
export class Authority {
  constructor(text: string, options?: { epoch?: string; kept?: number });
  text: import('@codemirror/state').Text;
  epoch: string;
  version: number;
  listeners: Set<(push: { epoch: string; version: number; updates: Update[] }) => void>;
  open(since?: number, epoch?: string): unknown;
  push(epoch: string, version: number, updates: Update[]): { accepted: number; version: number };
  disk(text: string): void;
  restart(epoch: string, text?: string): void;
}
