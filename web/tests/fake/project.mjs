// A project's WebSocket with files in memory and shells of this machine, for tests of the browser side only.
import { spawn } from 'node:child_process';
import { Authority } from './authority.mjs';

const now = () => Date.now();
const refuse = (code, message) => Object.assign(new Error(message), { code });

export class FakeProject {
  constructor(id, tree) {
    this.id = id;
    this.tree = tree; // path -> {type, bytes, mtime}
    this.sockets = new Map(); // socket -> {user, channels}
    this.terminals = new Map();
    this.documents = new Map();
    this.trash = new Map();
    this.started = now();
    this.nextChannel = 1;
  }

  connect(socket, user) {
    const peer = { socket, user, channels: new Map(), session: Math.random().toString(36).slice(2) };
    this.sockets.set(socket, peer);
    this.send(peer, { event: 'hello', project_id: this.id, user, session: peer.session });
    this.presence();
    socket.on('message', (data, binary) => (binary ? this.input(peer, data) : this.request(peer, JSON.parse(data))));
    socket.on('close', () => {
      this.sockets.delete(socket);
      for (const terminal of this.terminals.values()) this.leave(terminal, peer);
      for (const document of this.documents.values()) this.leaveDocument(document, peer);
      this.presence();
    });
  }

  stop() {
    for (const socket of this.sockets.keys()) socket.close(1001);
    for (const terminal of this.terminals.values()) terminal.shell.kill('SIGKILL');
    this.terminals.clear();
  }

  send(peer, message) {
    if (peer.socket.readyState === 1) peer.socket.send(JSON.stringify(message));
  }

  everybody(message, except) {
    for (const peer of this.sockets.values()) if (peer !== except) this.send(peer, message);
  }

  presence() {
    this.everybody({
      event: 'presence',
      users: [...this.sockets.values()].map(({ user, session }) => ({ ...user, session })),
    });
  }

  async request(peer, { id, method, params }) {
    try {
      const handler = this[`on ${method}`];
      if (!handler) throw refuse('not_found', `There is no method “${method}”.`);
      this.send(peer, { id, result: (await handler.call(this, params, peer)) ?? {} });
    } catch (error) {
      this.send(peer, { id, error: { code: error.code ?? 'internal', message: error.message } });
    }
  }

  changed(path) {
    const folder = path.includes('/') ? path.slice(0, path.lastIndexOf('/')) : '';
    this.everybody({ event: 'files.changed', path: folder });
  }

  // ---- files ----
  'on files.list'({ path }) {
    if (path && this.tree.get(path)?.type !== 'directory')
      throw refuse('not_found', `There is no folder “${path}”. It may have been renamed or deleted.`);
    const start = path ? `${path}/` : '';
    const entries = [];
    for (const [name, node] of this.tree) {
      if (!name.startsWith(start) || name === path || name.slice(start.length).includes('/')) continue;
      entries.push({
        name: name.slice(start.length),
        type: node.type,
        size: node.bytes?.length ?? 4096,
        mtime: node.mtime,
        mode: 0o644,
      });
    }
    return { entries, truncated: false };
  }
  'on files.watch'() {}
  'on files.unwatch'() {}
  'on files.read'({ path }) {
    return { text: this.node(path).bytes.toString() };
  }
  'on files.write'({ path, text }) {
    this.tree.set(path, { type: 'file', bytes: Buffer.from(text), mtime: now() });
    this.documents.get(path)?.authority.disk(text);
    this.changed(path);
  }
  'on files.create'({ path }) {
    if (this.tree.has(path)) throw refuse('conflict', `“${path}” exists already.`);
    this.tree.set(path, { type: 'file', bytes: Buffer.alloc(0), mtime: now() });
    this.changed(path);
  }
  'on files.mkdir'({ path }) {
    if (this.tree.has(path)) throw refuse('conflict', `“${path}” exists already.`);
    this.tree.set(path, { type: 'directory', mtime: now() });
    this.changed(path);
  }
  'on files.rename'({ from, to }) {
    if (this.tree.has(to)) throw refuse('conflict', `“${to}” exists already.`);
    for (const [name, node] of [...this.tree]) {
      if (name !== from && !name.startsWith(`${from}/`)) continue;
      this.tree.delete(name);
      this.tree.set(to + name.slice(from.length), node);
    }
    this.changed(to);
  }
  'on files.copy'({ from, to }) {
    for (const [name, node] of [...this.tree])
      if (name === from || name.startsWith(`${from}/`)) this.tree.set(to + name.slice(from.length), { ...node });
    this.changed(to);
  }
  'on files.remove'({ paths }) {
    const trash = `.trash/${now()}-1`;
    const kept = [];
    for (const path of paths)
      for (const [name, node] of [...this.tree]) {
        if (name !== path && !name.startsWith(`${path}/`)) continue;
        this.tree.delete(name);
        kept.push([name, node]);
      }
    this.trash.set(trash, kept);
    this.changed(paths[0]);
    return { trash };
  }
  'on files.restore'({ trash }) {
    for (const [name, node] of this.trash.get(trash) ?? []) this.tree.set(name, node);
    this.trash.delete(trash);
  }
  node(path) {
    const node = this.tree.get(path);
    if (!node) throw refuse('not_found', `There is no file “${path}”. Create it, or look whether it was renamed.`);
    return node;
  }

  // ---- terminals ----
  'on terminal.open'({ terminal: name = 'main', cols, rows }, peer) {
    let terminal = this.terminals.get(name);
    if (!terminal) {
      // script(1) gives the shell a terminal of its own; the size stays as it is at the start.
      const env = {
        ...process.env,
        TERM: 'xterm-256color',
        PS1: '\\[\\e[32m\\]user@project\\[\\e[0m\\]:\\[\\e[34m\\]~\\[\\e[0m\\]$ ',
        HOME: '/tmp',
        HISTFILE: '',
        COLUMNS: String(cols),
        LINES: String(rows),
      };
      const shell = spawn(
        'script',
        ['-qfc', `stty cols ${cols} rows ${rows}; exec bash --norc --noprofile`, '/dev/null'],
        { env, cwd: '/tmp', stdio: ['pipe', 'pipe', 'ignore'] },
      );
      terminal = { name, shell, scrollback: [], viewers: new Map() };
      this.terminals.set(name, terminal);
      shell.stdout.on('data', (bytes) => {
        terminal.scrollback.push(bytes);
        for (const [viewer, channel] of terminal.viewers) this.output(viewer, channel, bytes);
      });
      shell.on('exit', (code) => {
        for (const [viewer, channel] of terminal.viewers)
          this.send(viewer, { event: 'terminal.exit', channel, code: code ?? 0 });
        this.terminals.delete(name);
      });
    }
    const channel = this.nextChannel++;
    peer.channels.set(channel, terminal);
    terminal.viewers.set(peer, channel);
    const replay = Buffer.concat(terminal.scrollback);
    setImmediate(() => replay.length && this.output(peer, channel, replay));
    setImmediate(() => this.tellViewers(terminal));
    return { terminal: name, channel, title: 'bash', viewers: this.viewersOf(terminal), replay: replay.length };
  }
  'on terminal.resize'() {}
  'on terminal.ack'() {}
  'on terminal.close'({ channel }, peer) {
    const terminal = peer.channels.get(channel);
    if (terminal) this.leave(terminal, peer);
  }
  'on terminal.kill'({ terminal }) {
    this.terminals.get(terminal)?.shell.kill('SIGKILL');
  }
  viewersOf(terminal) {
    return [...terminal.viewers.keys()].map((peer) => peer.user);
  }
  tellViewers(terminal) {
    for (const [viewer, channel] of terminal.viewers)
      this.send(viewer, { event: 'terminal.viewers', channel, users: this.viewersOf(terminal) });
  }
  leave(terminal, peer) {
    if (terminal.viewers.delete(peer)) this.tellViewers(terminal);
  }
  output(peer, channel, bytes) {
    const head = Buffer.alloc(5);
    head[0] = 1;
    head.writeUInt32BE(channel, 1);
    if (peer.socket.readyState === 1) peer.socket.send(Buffer.concat([head, bytes]));
  }
  input(peer, data) {
    peer.channels.get(data.readUInt32BE(1))?.shell.stdin.write(data.subarray(5));
  }

  // ---- documents ----
  document(path) {
    let document = this.documents.get(path);
    if (!document) {
      document = {
        path,
        authority: new Authority(this.node(path).bytes.toString(), { epoch: `e${now()}` }),
        viewers: new Map(),
      };
      this.documents.set(path, document);
      document.authority.listeners.add((push) => {
        for (const viewer of document.viewers.keys()) this.send(viewer, { event: 'document.updates', path, ...push });
        clearTimeout(document.timer);
        document.timer = setTimeout(() => {
          const { authority } = document;
          this.tree.set(path, { type: 'file', bytes: Buffer.from(authority.text.toString()), mtime: now() });
          for (const viewer of document.viewers.keys())
            this.send(viewer, { event: 'document.saved', path, version: authority.version });
        }, 200);
      });
    }
    return document;
  }
  'on document.open'({ path, since, epoch }, peer) {
    const document = this.document(path);
    document.viewers.set(peer, { ranges: [] });
    setImmediate(() => {
      this.tellDocument(document);
      for (const [other, { clientID, ranges }] of document.viewers)
        if (other !== peer && ranges.length)
          this.send(peer, { event: 'document.cursors', path, clientID, user: other.user, ranges });
    });
    return { path, ...document.authority.open(since, epoch) };
  }
  'on document.push'({ path, epoch, version, updates }) {
    return this.document(path).authority.push(epoch, version, updates);
  }
  'on document.cursor'({ path, clientID, ranges }, peer) {
    const document = this.document(path);
    document.viewers.set(peer, { clientID, ranges });
    for (const other of document.viewers.keys())
      if (other !== peer) this.send(other, { event: 'document.cursors', path, clientID, user: peer.user, ranges });
  }
  'on document.close'({ path }, peer) {
    this.leaveDocument(this.document(path), peer);
  }
  leaveDocument(document, peer) {
    const viewer = document.viewers.get(peer);
    if (!document.viewers.delete(peer)) return;
    for (const other of document.viewers.keys())
      this.send(other, {
        event: 'document.cursors',
        path: document.path,
        clientID: viewer.clientID,
        user: peer.user,
        ranges: [],
      });
    this.tellDocument(document);
  }
  tellDocument(document) {
    const users = [...document.viewers.keys()].map((peer) => peer.user);
    for (const viewer of document.viewers.keys())
      this.send(viewer, { event: 'document.viewers', path: document.path, users });
  }

  'on activity'() {}
  'on status'() {
    return {
      last_activity: now(),
      started: this.started,
      memory_bytes: 148_000_000,
      cpu_seconds: (now() - this.started) / 9000,
      terminals: this.terminals.size,
      documents: this.documents.size,
      connections: this.sockets.size,
    };
  }
}
