import { parentPort, workerData } from 'node:worker_threads';
import type { ValidationPassInput } from './validation-pass-contract';
import { executeValidationPass } from './validation-pass-body';
import { toFailure, type WorkerMessage } from './validation-pass-messages';

const aliveIntervalMs = 1_000;
const post = (message: WorkerMessage) => parentPort?.postMessage(message, []);

const sign = setInterval(() => post({ type: 'alive' }), aliveIntervalMs);
executeValidationPass(workerData as ValidationPassInput, (progress) => post({ type: 'progress', progress }))
  .then(
    (result) => post({ type: 'completed', result }),
    (error: unknown) => post({ type: 'failed', failure: toFailure(error) }),
  )
  .finally(() => clearInterval(sign));
