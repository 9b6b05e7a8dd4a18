import { parentPort } from 'node:worker_threads';
import { collectGarbage } from '../../../platform/process-memory/collect-garbage';
import type { ValidationPassInput, ValidationPassProgress } from './validation-pass-contract';
import { executeValidationPass } from './validation-pass-body';
import { takeMemory } from './validation-pass-memory';
import { toFailure, type WorkerMessage } from './validation-pass-messages';

const aliveIntervalMs = 1_000;
const memory = takeMemory();
const post = (message: WorkerMessage) => parentPort?.postMessage(message, []);

let onReportTaken: (() => void) | undefined;

/** A report that cannot be taken ends this thread. */
function handOver(): Promise<void> {
  return new Promise((resolve) => {
    onReportTaken = resolve;
    post({ type: 'report' });
  });
}

async function validate(input: ValidationPassInput): Promise<void> {
  const sign = setInterval(() => post({ type: 'alive' }), aliveIntervalMs);
  try {
    const onProgress = (progress: ValidationPassProgress) => post({ type: 'progress', progress });
    post({ type: 'completed', result: await executeValidationPass(input, onProgress, memory, handOver) });
  } catch (error) {
    post({ type: 'failed', failure: toFailure(error) });
  } finally {
    clearInterval(sign);
  }
  // Before the next file: its findings would come on top of these.
  collectGarbage();
}

parentPort?.on('message', (order: ValidationPassInput | 'report taken') => {
  if (order === 'report taken') onReportTaken?.();
  else void validate(order);
});
