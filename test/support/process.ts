import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join, resolve } from 'node:path';

export interface ProcessExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

const mainProgram = join(resolve(__dirname, '../..'), 'dist', 'main.js');
const keptOutputChars = 200_000;
// Ten times what a start on two busy cores took, with no Redis to wait for included.
const readyDeadlineMs = 60_000;

export type ServerSettings = Record<string, string> & { HOLDFAST_HOME: string };

/** `node dist/main.js`, or another program, in a process of its own, which knows nothing of this one's settings. */
export class ServerProcess {
  private readonly child: ChildProcess;
  private readonly exited: Promise<ProcessExit>;
  private printed = '';
  private address?: string;

  /** The server lives in its home, so that no developer's `.env` is read. */
  constructor(settings: ServerSettings, program = mainProgram) {
    const { PATH = '', HOME = '' } = process.env;
    this.child = spawn(process.execPath, [program], {
      cwd: settings.HOLDFAST_HOME,
      env: { PATH, HOME, NODE_ENV: 'test', PORT: '0', ...settings },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const keep = (chunk: Buffer) =>
      (this.printed = (this.printed + chunk.toString()).slice(-keptOutputChars));
    this.child.stdout?.on('data', keep);
    this.child.stderr?.on('data', keep);
    this.exited = new Promise((done) => this.child.once('close', (code, signal) => done({ code, signal })));
  }

  /** Starts a server and waits until it accepts requests. */
  static async start(settings: ServerSettings, program?: string): Promise<ServerProcess> {
    const server = new ServerProcess(settings, program);
    await server.ready();
    return server;
  }

  /** Resolves when it accepts requests. */
  async ready(): Promise<void> {
    const [, address = ''] = await this.line(/^ready on (http:\S+)/m, readyDeadlineMs);
    this.address = address.replace('localhost', '127.0.0.1');
  }

  get url(): string {
    if (this.address === undefined) throw new Error('The server is not ready yet.');
    return this.address;
  }

  /** Resolves when the process has ended, however. */
  get ended(): Promise<ProcessExit> {
    return this.exited;
  }

  get pid(): number {
    return this.child.pid ?? 0;
  }

  /** The end of what it printed. */
  get output(): string {
    return this.printed;
  }

  /** Waits for a line among those printed so far and later ones; ends early when the process does. */
  async line(pattern: RegExp, deadlineMs: number): Promise<RegExpExecArray> {
    const giveUp = AbortSignal.any([AbortSignal.timeout(deadlineMs), this.endSignal()]);
    for (;;) {
      const found = pattern.exec(this.printed);
      if (found !== null) return found;
      if (giveUp.aborted)
        throw new Error(`The server never printed ${pattern}; it printed:\n${this.printed}`);
      await once(this.child.stdout!, 'data', { signal: giveUp }).catch(() => undefined);
    }
  }

  signal(name: NodeJS.Signals): void {
    this.child.kill(name);
  }

  /** Waits for the end; throws with the output when it does not come in time. */
  async exit(deadlineMs: number): Promise<ProcessExit> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_resolve, reject) => {
      const text = () => `The server did not end within ${deadlineMs} ms; it printed:\n${this.printed}`;
      timer = setTimeout(() => reject(new Error(text())), deadlineMs);
    });
    return await Promise.race([this.exited, late]).finally(() => clearTimeout(timer));
  }

  /** What a crash is: no handler runs, nothing is closed. */
  async kill(): Promise<void> {
    this.child.kill('SIGKILL');
    await this.exited;
  }

  private endSignal(): AbortSignal {
    const controller = new AbortController();
    void this.exited.then(() => controller.abort());
    return controller.signal;
  }
}
