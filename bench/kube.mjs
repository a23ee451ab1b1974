// The Kubernetes API of tools/kube, for measurements: creates pods and says when they were ready.
import { readFileSync } from 'node:fs';
import { Agent, request } from 'node:https';
import { createInterface } from 'node:readline';

export class Pods {
  #namespace;
  #options;
  #server;
  #seen = new Map(); // name -> { ready, gone }: how to tell who waits
  #watch;

  constructor(namespace) {
    const text = readFileSync(process.env.KUBECONFIG, 'utf8');
    const value = (key) => new RegExp(`${key}: "?([^",}]+)`).exec(text)[1];
    this.#namespace = namespace;
    this.#server = value('server');
    this.#options = { ca: readFileSync(value('certificate-authority')), headers: { Authorization: `Bearer ${value('token')}`, 'Content-Type': 'application/json' }, agent: new Agent({ keepAlive: true }) };
  }

  #send(method, path, body) {
    return new Promise((done, failed) => {
      const call = request(this.#server + path, { ...this.#options, method }, done);
      call.once('error', failed);
      call.end(body && JSON.stringify(body));
    });
  }

  async #ask(method, path, body) {
    const answer = await this.#send(method, path, body);
    let text = '';
    for await (const piece of answer) text += piece;
    if (answer.statusCode >= 300 && answer.statusCode !== 404) throw new Error(`${method} ${path}: ${answer.statusCode} ${text}`);
    return JSON.parse(text);
  }

  /** Makes the namespace and watches its pods until close(). */
  async open() {
    await this.#ask('POST', '/api/v1/namespaces', { metadata: { name: this.#namespace } });
    this.#watch = await this.#send('GET', `/api/v1/namespaces/${this.#namespace}/pods?watch=true`);
    createInterface({ input: this.#watch }).on('line', (line) => {
      const { type, object } = JSON.parse(line);
      const waits = this.#seen.get(object.metadata?.name);
      if (type === 'DELETED') waits?.gone();
      else if (object.status?.conditions?.some((one) => one.type === 'Ready' && one.status === 'True')) waits?.ready(performance.now());
    });
  }
  close() {
    this.#watch.destroy();
    this.#options.agent.destroy();
  }

  get(namespace, name) {
    return this.#ask('GET', `/api/v1/namespaces/${namespace}/pods/${name}`);
  }

  /** Creates it; milliseconds from before the POST until a watch sees it ready. */
  async start(name, spec) {
    const ready = new Promise((ready) => this.#seen.set(name, { ready, gone: () => undefined }));
    const began = performance.now();
    await this.#ask('POST', `/api/v1/namespaces/${this.#namespace}/pods`, { metadata: { name }, spec });
    return (await ready) - began;
  }
  async remove(name) {
    const gone = new Promise((gone) => Object.assign(this.#seen.get(name), { gone }));
    await this.#ask('DELETE', `/api/v1/namespaces/${this.#namespace}/pods/${name}`);
    await gone;
  }
}
