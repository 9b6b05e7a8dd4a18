import { Worker } from 'node:worker_threads';
import { SandboxRefusalError } from './sandbox-error';
import type { SandboxOrder, SandboxReply } from './sandbox-messages';

const MAX_MESSAGE_CHARACTERS = 2_000;

// In a thread of its own: work that never lets go of the processor would not hear of the end of its parent.
const endWithParent = `
const { workerData: parent } = require('node:worker_threads');
setInterval(() => process.ppid === parent || process.kill(process.pid, 'SIGKILL'), 500);
`;

/** Takes the percentage of the work that is done. */
export type SandboxProgress = (percent: number) => void;

/** The whole of a program that runs in a sandbox: does what it is sent, one thing at a time, until its parent is gone. */
export function serveSandbox(work: (input: never, progress: SandboxProgress) => Promise<unknown>): void {
  // What is made here is for nobody else on this machine.
  process.umask(0o077);
  const reply = (message: SandboxReply) => void process.send?.(message);
  // Asked here: by the time that the thread has started, the parent may be gone, and another in its place.
  new Worker(endWithParent, { eval: true, workerData: process.ppid }).unref();
  // Ctrl-C, and some process managers, reach the whole family; the parent lets its jobs finish.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => undefined);
  // A worker that was killed leaves nobody who would want the result.
  process.on('disconnect', () => process.exit(0));
  process.on('message', ({ input }: SandboxOrder<never>) => {
    work(input, (percent) => reply({ kind: 'progress', percent })).then(
      (output) => reply({ kind: 'done', output }),
      (thrown: unknown) => reply(failureOf(thrown)),
    );
  });
  reply({ kind: 'ready' });
}

function failureOf(thrown: unknown): SandboxReply {
  const { name, message } = thrown instanceof Error ? thrown : new Error(String(thrown));
  const isFinal = thrown instanceof SandboxRefusalError;
  return { kind: 'failed', isFinal, name, message: message.slice(0, MAX_MESSAGE_CHARACTERS) };
}
