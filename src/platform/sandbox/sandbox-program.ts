import { SandboxRefusalError } from './sandbox-error';
import type { SandboxOrder, SandboxReply } from './sandbox-messages';

const MAX_MESSAGE_CHARACTERS = 2_000;

/** Takes the percentage of the work that is done. */
export type SandboxProgress = (percent: number) => void;

/** The whole of a program that runs in a sandbox: does what it is sent, one thing at a time, until its parent is gone. */
export function serveSandbox(work: (input: never, progress: SandboxProgress) => Promise<unknown>): void {
  const reply = (message: SandboxReply) => void process.send?.(message);
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
