import { fork, type ChildProcess } from 'node:child_process';
import { tmpdir } from 'node:os';
import { residentBytes } from './resident-bytes';
import { SandboxCrashedError, SandboxMemoryError, SandboxRefusalError } from './sandbox-error';
import type { SandboxOrder, SandboxReply } from './sandbox-messages';
import type { SandboxProgress } from './sandbox-program';

// A bomb takes tens of megabytes in this time.
const MEMORY_LOOK_MS = 50;

export interface SandboxLimits {
  /** Of the whole process, where the system tells how much that is. */
  readonly maxResidentBytes: number;
  readonly maxHeapMegabytes: number;
}

interface Running {
  readonly onProgress: SandboxProgress;
  readonly resolve: (output: unknown) => void;
  readonly reject: (error: Error) => void;
}

/** One process, which does one piece of work at a time and knows nothing of this one: no settings, no connections. */
export class SandboxProcess {
  private readonly child: ChildProcess;
  private running: Running | undefined;
  private ended: Error | undefined;

  constructor(
    program: string,
    private readonly limits: SandboxLimits,
  ) {
    this.child = fork(program, [], {
      // Neither keys nor addresses of stores: what is worked on there comes from strangers.
      env: { NODE_ENV: process.env['NODE_ENV'] ?? '', PATH: process.env['PATH'] ?? '' },
      execArgv: [`--max-old-space-size=${limits.maxHeapMegabytes}`],
      cwd: tmpdir(),
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
      serialization: 'json',
    });
    this.child.on('message', (message: SandboxReply) => this.take(message));
    this.child.on('error', (error) => this.end(new SandboxCrashedError(error.message.slice(0, 200))));
    this.child.on('exit', (code, signal) =>
      this.end(new SandboxCrashedError(signal === null ? `exit code ${code}` : signal)),
    );
    this.child.unref();
    this.child.channel?.unref();
  }

  get isGone(): boolean {
    return this.ended !== undefined;
  }

  /** Rejects with a Sandbox…Error, an error that the work ended with, or the signal's reason; then the process is gone. */
  async run<O>(input: unknown, signal: AbortSignal, onProgress: SandboxProgress): Promise<O> {
    signal.throwIfAborted();
    this.child.ref();
    this.child.channel?.ref();
    const onAbort = () => this.kill(signal.reason as Error);
    signal.addEventListener('abort', onAbort, { once: true });
    const watch = setInterval(() => this.lookAtMemory(), MEMORY_LOOK_MS);
    try {
      return await new Promise<O>((resolve, reject) => {
        if (this.ended !== undefined) throw this.ended;
        this.running = { onProgress, resolve: resolve as (output: unknown) => void, reject };
        this.child.send({ input } satisfies SandboxOrder);
      });
    } finally {
      this.running = undefined;
      clearInterval(watch);
      signal.removeEventListener('abort', onAbort);
      this.child.unref();
      this.child.channel?.unref();
    }
  }

  /** Ends the process; whatever is under way rejects with the reason. */
  kill(reason: Error = new SandboxCrashedError('it was not needed any more')): void {
    this.child.kill('SIGKILL');
    this.end(reason);
  }

  private take(message: SandboxReply): void {
    const { running } = this;
    if (running === undefined) return;
    if (message.kind === 'progress') running.onProgress(message.percent);
    else if (message.kind === 'done') running.resolve(message.output);
    else if (message.kind === 'failed') running.reject(errorOf(message));
  }

  private lookAtMemory(): void {
    const { maxResidentBytes } = this.limits;
    const used = residentBytes(this.child.pid ?? 0);
    if (used !== undefined && used > maxResidentBytes) this.kill(new SandboxMemoryError(maxResidentBytes));
  }

  private end(reason: Error): void {
    this.ended ??= reason;
    this.running?.reject(this.ended);
  }
}

function errorOf({ isFinal, name, message }: SandboxReply & { kind: 'failed' }): Error {
  return isFinal ? new SandboxRefusalError(message) : Object.assign(new Error(message), { name });
}
