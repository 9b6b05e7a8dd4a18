import { join } from 'node:path';
import { ServerChild } from './server-child.mjs';

/** The server behind the demo: its output goes to `demo/server.log` in the home, the terminal stays for the demo. */
export class DemoServer {
  constructor(home) {
    this.isStopping = false;
    this.logPath = join(home, 'demo', 'server.log');
    this.child = new ServerChild({ ROLE: 'all', HOLDFAST_HOME: home }, { log: this.logPath });
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => this.onSignal(signal));
  }

  async ready() {
    return await this.child.ready();
  }

  /** The addresses worth opening. */
  addresses(url) {
    return [
      `  API        ${url}/api/validations`,
      `  Dashboard  ${url}/admin/queues`,
      `  Docs       ${url}/docs`,
      `  Health     ${url}/health`,
      `  Log        ${this.logPath}`,
    ].join('\n');
  }

  stop() {
    this.isStopping = true;
    this.child.process.kill('SIGTERM');
  }

  /** Resolves when the server has ended: code 0 after a clean drain. */
  async end() {
    const { code } = await this.child.ended;
    return { code, lastLines: this.child.lastLines() };
  }

  onSignal(signal) {
    if (this.isStopping) return;
    this.isStopping = true;
    console.log('\nStopping: jobs in flight finish first.');
    // A terminal's Ctrl-C reaches the server by itself: a second signal would be one too many.
    if (signal !== 'SIGINT' || !process.stdin.isTTY) this.child.process.kill('SIGTERM');
  }
}
