// What a scenario plays on: the program on a fresh data directory, and a receiver to aim webhooks at.
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
const binary = resolve(root, process.env.CALLOUT || 'target/debug/callout');
const START_MS_MAX = 60_000;
const WAIT_MS_MAX = 20_000;

export class Stage {
  #children = [];
  #lines = [];
  #folder;

  /** Starts the program and the receiver and waits until both answer. */
  async start() {
    this.#folder = mkdtempSync(join(tmpdir(), 'callout-browser-'));
    // The private Postgres of a program run as root belongs to another user, who must get there.
    chmodSync(this.#folder, 0o711);
    this.dataDir = join(this.#folder, 'data');
    mkdirSync(this.dataDir);
    const [port, receiverPort] = [await freePort(), await freePort()];
    this.url = `http://127.0.0.1:${port}`;
    this.receiverUrl = `http://127.0.0.1:${receiverPort}`;
    this.#spawn(['receiver', '--listen', `127.0.0.1:${receiverPort}`]);
    const server = this.#spawn(['serve', '--listen', `127.0.0.1:${port}`]);
    await this.#ready(`${this.receiverUrl}/_received`);
    await this.#ready(`${this.url}/readyz`, server);
  }

  /** The link that the program prints while it has no owner. */
  async setupLink() {
    return this.#until('a set-up link in the log', () => {
      const found = this.#lines.join('\n').match(/https?:\/\/\S+\/setup[^\s"'<>]*/);
      return found?.[0];
    });
  }

  /** Runs a command on the same data directory and answers its JSON. `input` goes to its stdin. */
  async command(args, input) {
    const running = promisify(execFile)(binary, args, { env: this.#environment(), cwd: this.#folder });
    // Nothing is written to a command that does not read: it may have ended by then.
    running.child.stdin.end(input);
    const { stdout } = await running;
    return stdout.trim() ? JSON.parse(stdout) : null;
  }

  /** Calls the API with a key's token and answers `{status, body}`. */
  async api(token, method, path, body) {
    const answer = await fetch(this.url + path, {
      method,
      headers: { authorization: `Bearer ${token}`, ...(body ? { 'content-type': 'application/json' } : {}) },
      body: body && JSON.stringify(body),
    });
    const text = await answer.text();
    return { status: answer.status, body: text ? JSON.parse(text) : null };
  }

  /** Waits until the receiver has got so many requests and answers them. */
  async received(count) {
    return this.#until(`${count} requests at the receiver`, async () => {
      const requests = await (await fetch(`${this.receiverUrl}/_received`)).json();
      return requests.length >= count && requests;
    });
  }

  lastLines() {
    return this.#lines.slice(-30).join('\n');
  }

  /** Stops everything in order and removes the data. */
  async stop() {
    for (const child of this.#children.reverse()) {
      if (child.exitCode === null && child.signalCode === null) {
        const gone = once(child, 'exit');
        child.kill('SIGTERM');
        const timer = setTimeout(() => child.kill('SIGKILL'), 15_000);
        await gone;
        clearTimeout(timer);
      }
    }
    this.#children = [];
    if (this.#folder) rmSync(this.#folder, { recursive: true, force: true });
  }

  #environment() {
    // Nothing of the person's own settings may leak in.
    const mine = Object.entries(process.env).filter(([name]) => !name.startsWith('CALLOUT_') && name !== 'DATABASE_URL');
    return {
      ...Object.fromEntries(mine),
      CALLOUT_DATA_DIR: this.dataDir,
      CALLOUT_ALLOW_TARGETS: '127.0.0.0/8',
      CALLOUT_LOG: process.env.CALLOUT_LOG || 'info',
    };
  }

  #spawn(args) {
    const child = spawn(binary, args, { env: this.#environment(), cwd: this.#folder, stdio: ['ignore', 'pipe', 'pipe'] });
    const keep = (data) => this.#lines.push(...data.toString().split('\n').filter(Boolean));
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
    child.on('error', (error) => this.#lines.push(String(error)));
    this.#children.push(child);
    return child;
  }

  async #ready(url, child) {
    await this.#until(`an answer from ${url}`, async () => {
      if (child && child.exitCode !== null) throw new Error(`callout ended with ${child.exitCode}`);
      const answer = await fetch(url).catch(() => null);
      return answer?.ok;
    }, START_MS_MAX);
  }

  async #until(what, attempt, limit = WAIT_MS_MAX) {
    const end = Date.now() + limit;
    for (;;) {
      const found = await attempt();
      if (found) return found;
      if (Date.now() > end) throw new Error(`waited ${limit / 1000} s for ${what}`);
      await new Promise((resume) => setTimeout(resume, 50));
    }
  }
}

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}
