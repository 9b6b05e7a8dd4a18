import { existsSync } from 'node:fs';
import { join, relative } from 'node:path';
import { Worker } from 'node:worker_threads';
import type {
  ValidationPassHooks,
  ValidationPassInput,
  ValidationPassResult,
} from './validation-pass-contract';
import { fromWorker, type WorkerMessage } from './validation-pass-messages';
import { removeParts } from './validation-pass-report';

export { UnreadableFileError } from '../../../integrations/csv/unreadable-file';
export type * from './validation-pass-contract';
export { StaleAttemptError } from './validation-pass-store';

// The thread tells every second that it is alive; reading a block from a very slow disk may take a while.
const silenceLimitMs = 120_000;
// Measured: 14 MiB of heap in use with 100,000 findings kept; a small young generation keeps the process small.
const resourceLimits = { maxOldGenerationSizeMb: 96, maxYoungGenerationSizeMb: 4, stackSizeMb: 2 };

/**
 * Validates an upload in a thread of its own and writes rows, findings, report and result of the run as one: the report
 * stands under its name and the transaction is committed, or there is no trace. Rejects with UnreadableFileError (no retry
 * helps), StaleAttemptError, DatabaseUnavailableError, the signal's reason when aborted, or another error worth a retry.
 */
export async function runValidationPass(
  input: ValidationPassInput,
  { onProgress, signal }: ValidationPassHooks,
): Promise<ValidationPassResult> {
  signal.throwIfAborted();
  const worker = new Worker(workerFile(), { workerData: input, resourceLimits, execArgv: [] });
  const ending = resultOf(worker, onProgress);
  let onAbort: (() => void) | undefined;
  const aborted = new Promise<never>((_, reject) => {
    onAbort = () => reject(signal.reason as Error);
    signal.addEventListener('abort', onAbort, { once: true });
  });
  try {
    const result = await Promise.race([ending, aborted]);
    // It has nothing left to do; nobody needs to wait for that.
    void worker.terminate();
    return result;
  } catch (error) {
    await worker.terminate();
    removeParts(input.reportPath);
    throw error;
  } finally {
    if (onAbort !== undefined) signal.removeEventListener('abort', onAbort);
  }
}

async function resultOf(
  worker: Worker,
  onProgress: ValidationPassHooks['onProgress'],
): Promise<ValidationPassResult> {
  let timer: NodeJS.Timeout | undefined;
  try {
    return await new Promise<ValidationPassResult>((resolve, reject) => {
      const awaitSign = () => {
        clearTimeout(timer);
        timer = setTimeout(() => reject(new Error('The validation has stopped moving.')), silenceLimitMs);
      };
      awaitSign();
      worker.on('message', (message: WorkerMessage) => {
        awaitSign();
        if (message.type === 'progress') onProgress(message.progress);
        else if (message.type === 'completed') resolve(message.result);
        else if (message.type === 'failed') reject(fromWorker(message.failure));
      });
      worker.on('error', (error) => reject(outOfMemory(error) ?? error));
      worker.on('exit', () => reject(new Error('The validation thread ended without a result.')));
    });
  } finally {
    clearTimeout(timer);
  }
}

function outOfMemory(error: Error): Error | undefined {
  if ((error as NodeJS.ErrnoException).code !== 'ERR_WORKER_OUT_OF_MEMORY') return undefined;
  return new Error('The validation needed more memory than it may have.', { cause: error });
}

/** A thread runs compiled code only: under Jest, which compiles in memory, that is the build of the same file. */
function workerFile(): string {
  const beside = join(__dirname, 'validation-pass.worker.js');
  if (existsSync(beside)) return beside;
  const root = join(__dirname, '../../../..');
  return join(root, 'dist', relative(join(root, 'src'), beside));
}
