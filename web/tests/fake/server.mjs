// Stands for the whole back end in tests of the browser side: the built application, sign-in, hub and projects in memory.
import { randomUUID } from 'node:crypto';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { createServer } from 'node:http';
import { dirname, extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { WebSocketServer } from 'ws';
import { FakeProject } from './project.mjs';

const dist = join(dirname(fileURLToPath(import.meta.url)), '../../dist');
const types = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
};
/** The strict policy that the application must work under. */
export const policy =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; media-src 'self'; font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";
const refuse = (code, message) => Object.assign(new Error(message), { code });
const iso = (time = Date.now()) => new Date(time).toISOString();

export class FakeAtrium {
  constructor({ startMs = 40, failStart = null, tree = () => new Map() } = {}) {
    Object.assign(this, { startMs, failStart, makeTree: tree });
    this.accounts = new Map(); // id -> account
    this.cookies = new Map(); // cookie -> account id
    this.rows = new Map();
    this.projects = new Map();
    this.logs = new Map();
    this.peers = new Set();
    this.http = createServer((request, response) => this.serve(request, response));
    this.sockets = new WebSocketServer({ noServer: true });
    this.http.on('upgrade', (request, socket, head) => this.upgrade(request, socket, head));
  }

  async listen(port = 0) {
    await new Promise((resolve) => this.http.listen(port, '127.0.0.1', resolve));
    return `http://127.0.0.1:${this.http.address().port}`;
  }

  async close() {
    for (const project of this.projects.values()) project.stop();
    for (const client of this.sockets.clients) client.terminate();
    this.http.closeAllConnections();
    await new Promise((resolve) => this.http.close(resolve));
  }

  account(email_address, first_name, last_name, password = 'correct horse') {
    const account = { account_id: randomUUID(), email_address, first_name, last_name, groups: [], password };
    this.accounts.set(account.account_id, account);
    return account;
  }

  person(id) {
    const { account_id, first_name, last_name } = this.accounts.get(id);
    return { account_id, name: `${first_name} ${last_name}`, color: '' };
  }

  project(owner, title, fields = {}) {
    const project_id = fields.project_id ?? randomUUID();
    const row = {
      project_id,
      title,
      description: '',
      state: { state: 'opened' },
      status: {},
      action_request: null,
      users: { [owner.account_id]: { group: 'owner' } },
      collaborators: [],
      last_edited: iso(),
      last_active: {},
      created: fields.last_edited ?? iso(),
      deleted: false,
      ...fields,
    };
    row.collaborators = Object.entries(row.users).map(([id, { group }]) => ({
      account_id: id,
      name: this.person(id).name,
      group,
    }));
    this.rows.set(project_id, row);
    this.logs.set(project_id, []);
    this.note(project_id, owner.account_id, { event: 'created', title });
    this.projects.set(project_id, new FakeProject(project_id, this.makeTree()));
    return row;
  }

  note(id, who, event) {
    this.logs
      .get(id)
      .unshift({ id: randomUUID(), time: iso(), account_id: who, name: who ? this.person(who).name : null, event });
  }

  set(id, change) {
    const row = { ...this.rows.get(id), ...change };
    if (change.users)
      row.collaborators = Object.entries(row.users).map(([who, { group }]) => ({
        account_id: who,
        name: this.person(who).name,
        group,
      }));
    this.rows.set(id, row);
    for (const peer of this.peers)
      if (peer.subscribed) {
        const change = row.users[peer.account_id] ? { op: 'upsert', row } : { op: 'delete', key: id };
        this.send(peer, { event: 'changes', subscription: 1, changes: [change] });
      }
  }

  // ---- HTTP ----
  who(request) {
    const cookie = /session=([^;]+)/.exec(request.headers.cookie ?? '')?.[1];
    return this.cookies.get(cookie) ?? null;
  }

  async serve(request, response) {
    const { pathname, searchParams } = new URL(request.url, 'http://x');
    if (pathname.startsWith('/api/v2/auth/')) return this.auth(pathname.slice(13), request, response);
    const files = /^\/([0-9a-f-]{36})\/files\/(.*)$/.exec(pathname);
    if (files) return this.files(files[1], decodeURIComponent(files[2]), request, response, searchParams);
    if (!pathname.startsWith('/app/')) return response.writeHead(302, { Location: '/app/' }).end();
    let path = join(dist, pathname.slice(5));
    if (!path.startsWith(dist) || !existsSync(path) || statSync(path).isDirectory()) path = join(dist, 'index.html');
    response.writeHead(200, {
      'Content-Type': types[extname(path)] ?? 'application/octet-stream',
      'Content-Security-Policy': policy,
    });
    response.end(readFileSync(path));
  }

  async body(request) {
    const parts = [];
    for await (const part of request) parts.push(part);
    return Buffer.concat(parts);
  }

  async auth(action, request, response) {
    const input = JSON.parse((await this.body(request)).toString() || '{}');
    const answer = (value, cookie) => {
      response.writeHead(200, {
        'Content-Type': 'application/json',
        ...(cookie === undefined ? {} : { 'Set-Cookie': `session=${cookie}; HttpOnly; Path=/` }),
      });
      response.end(JSON.stringify(value));
    };
    const enter = (account) => {
      const cookie = randomUUID();
      this.cookies.set(cookie, account.account_id);
      answer({ account_id: account.account_id }, cookie);
    };
    const known = [...this.accounts.values()].find((account) => account.email_address === input.email);
    if (action === 'sign-out') return answer({}, '');
    if (action === 'sign-up')
      return known
        ? answer({ error: 'There is an account with this e-mail address already. Sign in instead.' })
        : enter(this.account(input.email, input.firstName, input.lastName, input.password));
    if (!known || known.password !== input.password)
      return answer({ error: 'E-mail address and password do not belong together.' });
    enter(known);
  }

  async files(id, path, request, response, query) {
    const project = this.projects.get(id);
    if (!project || !this.who(request)) return response.writeHead(404).end();
    if (request.method === 'PUT') {
      project.partial ??= new Map();
      const before = Number(query.get('offset')) ? (project.partial.get(path) ?? Buffer.alloc(0)) : Buffer.alloc(0);
      const bytes = Buffer.concat([before, await this.body(request)]);
      if (bytes.length < Number(request.headers['upload-length'])) project.partial.set(path, bytes);
      else {
        project.tree.set(path, { type: 'file', bytes, mtime: Date.now() });
        project.changed(path);
      }
      return response.writeHead(200).end('{}');
    }
    if (query.has('upload'))
      return response.writeHead(200, { 'Upload-Offset': project.partial?.get(path)?.length ?? 0 }).end();
    const node = project.tree.get(path);
    if (!node) return response.writeHead(404).end();
    const type = { '.svg': 'image/svg+xml', '.png': 'image/png' }[extname(path)] ?? 'application/octet-stream';
    response
      .writeHead(200, {
        'Content-Type': type,
        ...(query.has('download') ? { 'Content-Disposition': 'attachment' } : {}),
      })
      .end(node.bytes);
  }

  // ---- hub ----
  upgrade(request, socket, head) {
    const account_id = this.who(request);
    const { pathname } = new URL(request.url, 'http://x');
    const project = /^\/([0-9a-f-]{36})\/ws$/.exec(pathname);
    if (project) {
      const row = this.rows.get(project[1]);
      if (!account_id || row?.state?.state !== 'running' || !row.users[account_id])
        return socket.end('HTTP/1.1 404 Not Found\r\n\r\n');
      return this.sockets.handleUpgrade(request, socket, head, (ws) =>
        this.projects.get(project[1]).connect(ws, this.person(account_id)),
      );
    }
    this.sockets.handleUpgrade(request, socket, head, (ws) => this.hub(ws, account_id));
  }

  send(peer, message) {
    if (peer.socket.readyState === 1) peer.socket.send(JSON.stringify(message));
  }

  hub(socket, account_id) {
    const peer = { socket, account_id, subscribed: false };
    this.peers.add(peer);
    socket.on('close', () => this.peers.delete(peer));
    const account = account_id ? this.accounts.get(account_id) : null;
    this.send(peer, { event: 'hello', account, version: 'fake' });
    socket.on('message', async (data) => {
      const { id, method, params } = JSON.parse(data);
      try {
        if (this.refuseHub?.(method)) throw refuse('overloaded', this.refuseHub(method));
        const handler = this[`on ${method}`];
        if (!handler) throw refuse('not_found', `There is no method “${method}”.`);
        this.send(peer, { id, result: (await handler.call(this, params, peer)) ?? {} });
      } catch (error) {
        this.send(peer, { id, error: { code: error.code ?? 'internal', message: error.message } });
      }
    });
  }

  'on ping'() {}
  'on subscribe'(_params, peer) {
    peer.subscribed = true;
    return { subscription: 1, rows: [...this.rows.values()].filter((row) => row.users[peer.account_id]) };
  }
  'on projects.create'({ title, start }, { account_id }) {
    const row = this.project(this.accounts.get(account_id), title);
    this.set(row.project_id, {});
    if (start) this['on projects.start']({ project_id: row.project_id }, { account_id });
    return { project_id: row.project_id };
  }
  async 'on projects.start'({ project_id: id }, { account_id }) {
    this.note(id, account_id, { event: 'start_requested' });
    const start = { queued: iso() };
    const action = { action: 'start', time: iso(), started: null, finished: null };
    this.set(id, { action_request: action, status: { start } });
    const wait = () => new Promise((resolve) => setTimeout(resolve, this.startMs));
    void (async () => {
      for (const phase of ['accepted', 'created', 'scheduled', 'pulled', 'started', 'ready']) {
        await wait();
        if (this.rows.get(id).status.start?.queued !== start.queued || this.rows.get(id).state.state === 'closed')
          return;
        if (phase === 'scheduled' && this.failStart) {
          this.set(id, {
            state: { state: 'opened', error: this.failStart },
            status: { start: { ...start, failed: iso(), reason: this.failStart } },
            action_request: { ...action, started: start.accepted, finished: iso(), err: this.failStart },
          });
          return;
        }
        start[phase] = iso();
        this.set(id, {
          status: { start: { ...start } },
          state: { state: phase === 'ready' ? 'running' : 'starting', time: iso() },
          action_request: { ...action, started: start.accepted, finished: phase === 'ready' ? iso() : null },
        });
      }
    })();
  }
  'on projects.stop'({ project_id: id }, { account_id }) {
    this.note(id, account_id, { event: 'stop_requested' });
    this.projects.get(id).stop();
    this.set(id, {
      state: { state: 'opened', time: iso() },
      status: {},
      action_request: { action: 'stop', time: iso(), started: iso(), finished: iso() },
    });
  }
  async 'on projects.restart'(params, peer) {
    this['on projects.stop'](params, peer);
    await this['on projects.start'](params, peer);
  }
  'on projects.cancel_start'(params, peer) {
    this['on projects.stop'](params, peer);
  }
  'on projects.update'({ project_id, ...change }, { account_id }) {
    this.note(project_id, account_id, { event: 'settings_changed', ...change });
    this.set(project_id, change);
  }
  'on projects.delete'({ project_id }) {
    this.set(project_id, { deleted: true });
  }
  'on projects.undelete'({ project_id }) {
    this.set(project_id, { deleted: false });
  }
  'on projects.collaborators'({ project_id }) {
    return Object.entries(this.rows.get(project_id).users).map(([id, { group }]) => {
      const { account_id, first_name, last_name, email_address } = this.accounts.get(id);
      return { account_id, first_name, last_name, email_address, group };
    });
  }
  'on projects.add_collaborator'({ project_id, account_id, email_address }, peer) {
    const account = account_id
      ? this.accounts.get(account_id)
      : [...this.accounts.values()].find((one) => one.email_address === email_address);
    if (!account)
      throw refuse('not_found', `Nobody has an account with the address ${email_address}. Ask them to sign up first.`);
    this.note(project_id, peer.account_id, { event: 'collaborator_added', account_id: account.account_id });
    this.set(project_id, {
      users: { ...this.rows.get(project_id).users, [account.account_id]: { group: 'collaborator' } },
    });
  }
  'on projects.remove_collaborator'({ project_id, account_id }) {
    const users = { ...this.rows.get(project_id).users };
    delete users[account_id];
    this.set(project_id, { users });
  }
  'on projects.log'({ project_id }) {
    return this.logs.get(project_id);
  }
  'on accounts.search'({ query }) {
    const wanted = query.toLowerCase();
    return [...this.accounts.values()]
      .filter((one) => `${one.first_name} ${one.last_name} ${one.email_address}`.toLowerCase().includes(wanted))
      .map(({ account_id, first_name, last_name }) => ({ account_id, first_name, last_name }));
  }
  'on accounts.update'(change, { account_id }) {
    Object.assign(this.accounts.get(account_id), change);
  }
  'on api_keys.list'() {
    return [{ id: 1, name: 'Backup script', trunc: 'sk-…x7Qa', last_active: iso(Date.now() - 7_200_000) }];
  }
  'on api_keys.create'() {
    return { id: 2, secret: 'sk-0Yx3kq8mZr5tBv1Wc2Df' };
  }
  'on api_keys.delete'() {}
}
