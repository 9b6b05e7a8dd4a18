import { Worker } from 'node:worker_threads';
import { compiledFile } from '../../../platform/sandbox/compiled-file';
import type {
  ValidationPassHooks,
  ValidationPassInput,
  ValidationPassResult,
} from './validation-pass-contract';
import { fromWorker, type WorkerMessage } from './validation-pass-messages';

// The thread tells every second that it is alive; reading a block from a very slow disk may take a while.
const silenceLimitMs = 120_000;
// Measured: 14 MiB of heap in use with 100,000 findings kept; a small young generation keeps the process small.
const resourceLimits = { maxOldGenerationSizeMb: 96, maxYoungGenerationSizeMb: 4, stackSizeMb: 2 };

interface Pass {
  onMessage(message: WorkerMessage): void;
  onEnd(error: Error): void;
}

/** One thread, which validates one file at a time; after a pass that failed it must be ended. */
export class ValidationThread {
  private readonly worker = new Worker(compiledFile(__dirname, 'validation-pass.worker.js'), {
    resourceLimits,
    execArgv: [],
  });
  private pass: Pass | undefined;
  private ended: Error | undefined;
  private onGone: (() => void) | undefined;
  private restTimer: NodeJS.Timeout | undefined;

  constructor() {
    this.worker.on('message', (message: WorkerMessage) => this.pass?.onMessage(message));
    this.worker.on('error', (error) => this.settle(outOfMemory(error) ?? error));
    this.worker.on('exit', () => this.settle(new Error('The validation thread ended without a result.')));
  }

  async validate(
    input: ValidationPassInput,
    { onProgress, takeReport }: Pick<ValidationPassHooks, 'onProgress' | 'takeReport'>,
  ): Promise<ValidationPassResult> {
    clearTimeout(this.restTimer);
    this.onGone = undefined;
    this.worker.ref();
    let timer: NodeJS.Timeout | undefined;
    try {
      return await new Promise<ValidationPassResult>((resolve, reject) => {
        if (this.ended !== undefined) throw this.ended;
        const awaitSign = () => {
          clearTimeout(timer);
          timer = setTimeout(() => reject(new Error('The validation has stopped moving.')), silenceLimitMs);
        };
        awaitSign();
        const take = async () => {
          await takeReport?.();
          this.worker.postMessage('report taken', []);
        };
        const onMessage = (message: WorkerMessage) => {
          awaitSign();
          if (message.type === 'progress') onProgress(message.progress);
          else if (message.type === 'report') take().catch(reject);
          else if (message.type === 'completed') resolve(message.result);
          else if (message.type === 'failed') reject(fromWorker(message.failure));
        };
        this.pass = { onMessage, onEnd: reject };
        this.worker.postMessage(input, []);
      });
    } finally {
      clearTimeout(timer);
      this.pass = undefined;
    }
  }

  /** Waits for another file without keeping the process alive, for so long; `onGone` is called when none came. */
  rest(lifeMs: number, onGone: () => void): void {
    this.worker.unref();
    this.onGone = onGone;
    this.restTimer = setTimeout(() => void this.end(), lifeMs);
    this.restTimer.unref();
  }

  async end(): Promise<void> {
    clearTimeout(this.restTimer);
    this.onGone?.();
    await this.worker.terminate();
  }

  private settle(error: Error): void {
    this.ended ??= error;
    this.onGone?.();
    this.pass?.onEnd(this.ended);
  }
}

function outOfMemory(error: Error): Error | undefined {
  if ((error as NodeJS.ErrnoException).code !== 'ERR_WORKER_OUT_OF_MEMORY') return undefined;
  return new Error('The validation needed more memory than it may have.', { cause: error });
}
