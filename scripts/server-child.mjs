import { spawn } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = resolve(fileURLToPath(import.meta.url), '../..');
// The first start of a home creates a database cluster and loads what an earlier run left.
const readyDeadlineMs = 120_000;
const keptOutputChars = 20_000;

/** `node dist/main.js` as a child; its output goes to a log file, the end of it is kept for error messages. */
export class ServerChild {
  constructor(settings, { log, cwd = root } = {}) {
    this.process = spawn(process.execPath, [resolve(root, 'dist/main.js')], {
      cwd,
      env: { ...process.env, ...settings },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.output = '';
    this.log = log === undefined ? undefined : createWriteStream(log);
    for (const stream of [this.process.stdout, this.process.stderr]) {
      stream.on('data', (chunk) => this.keep(chunk));
    }
    this.ended = new Promise((done) => {
      this.process.once('error', (error) => done({ code: 1, reason: error.message }));
      this.process.once('close', (code, signal) => done({ code, signal }));
    });
  }

  keep(chunk) {
    this.output = (this.output + chunk.toString()).slice(-keptOutputChars);
    this.log?.write(chunk);
    this.onOutput?.();
  }

  /** Resolves with the address once requests are accepted; rejects with the reason when the server ends instead. */
  async ready() {
    let timer;
    const printed = new Promise((done) => {
      this.onOutput = () => {
        const address = /^ready on (http:\S+)/m.exec(this.output)?.[1];
        if (address !== undefined) done(address);
      };
      this.onOutput();
    });
    const failed = this.ended.then(({ reason }) => {
      throw new Error(`The server ended before it was ready: ${reason ?? this.lastLines()}`);
    });
    const late = new Promise((_done, refuse) => {
      const text = () => `The server was not ready within ${readyDeadlineMs / 1000} s: ${this.lastLines()}`;
      timer = setTimeout(() => refuse(new Error(text())), readyDeadlineMs);
    });
    // The exit comes later than the answer, and then it is no failure.
    failed.catch(() => undefined);
    return await Promise.race([printed, failed, late]).finally(() => {
      clearTimeout(timer);
      this.onOutput = undefined;
    });
  }

  /** Sends the signal and resolves with the exit code once the process is gone; a deadline in ms turns into SIGKILL. */
  async stop(signal, deadlineMs) {
    this.process.kill(signal);
    const timer = setTimeout(() => this.process.kill('SIGKILL'), deadlineMs);
    const { code } = await this.ended;
    clearTimeout(timer);
    return code;
  }

  lastLines(count = 5) {
    return this.output.trim().split('\n').slice(-count).join('\n');
  }
}
