// What tests and measurements in a browser start: `atrium up` on a folder and a port of its own, and Chromium's flags.
import { spawn } from "node:child_process";
import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";

export const chromium = process.env.CHROMIUM ?? "/usr/bin/chromium";
export const flags = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--host-resolver-rules=MAP atrium.test 127.0.0.1",
];

export function freePort() {
  return new Promise((done) => {
    const probe = createServer().listen(0, "127.0.0.1", () => {
      const { port } = probe.address();
      probe.close(() => done(port));
    });
  });
}

/**
 * Starts the built `program` with the application in `web` and waits until it is ready. `stopped` rejects when this
 * process is asked to end, so that `stop`, which removes the state too, is reached then as well.
 */
export async function startAtrium(program, web, stderr = 'inherit') {
  const folder = mkdtempSync(join(tmpdir(), 'atrium-browser-'));
  chmodSync(folder, 0o711); // project processes of uid 2001 pass through
  const state = join(folder, 's');
  const listen = `127.0.0.1:${await freePort()}`;
  const up = spawn(resolve(program), ['up', '--state', state, '--listen', listen, '--web', web], {
    stdio: ['ignore', 'pipe', stderr],
  });
  const ended = new Promise((done) => up.once('exit', done));
  const stopped = new Promise((_, reject) => {
    for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => reject(new Error(`ended by ${signal}`)));
  });
  stopped.catch(() => undefined); // also before somebody waits for it
  const stop = async () => {
    up.kill('SIGTERM');
    await ended;
    rmSync(folder, { recursive: true, force: true });
  };
  const ready = async () => {
    for await (const line of createInterface({ input: up.stdout })) if (line.startsWith('ready ')) return;
    throw new Error(`${program} ended before it was ready`);
  };
  try {
    await Promise.race([ready(), stopped]);
  } catch (error) {
    await stop();
    throw error;
  }
  return { address: `http://${listen}`, folder, state, stopped, stop };
}
