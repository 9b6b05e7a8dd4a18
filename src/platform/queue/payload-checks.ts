import type { Queue } from 'bullmq';
import { PayloadInvalidError, type FieldError } from './job-payload';

/** What is wrong with a payload that its class accepts; asks nobody, so that an add costs no further command. */
export type PayloadCheck = (payload: object) => readonly FieldError[];

const checks = new WeakMap<Queue, Map<string, PayloadCheck>>();

/**
 * From now on payloads of the type pass the check, too, wherever one is stored: for what only the running process
 * knows, such as names that modules register. The handler has to check anew: a payload outlives the process.
 */
export function checkPayloadsOf(queue: Queue, type: string, check: PayloadCheck): void {
  const ofQueue = checks.get(queue) ?? new Map<string, PayloadCheck>();
  checks.set(queue, ofQueue.set(type, check));
}

/** Throws PayloadInvalidError where the check of the type, if it has one, finds something. */
export function passPayloadCheck(queue: Queue, type: string, payload: object): void {
  const errors = checks.get(queue)?.get(type)?.(payload) ?? [];
  if (errors.length > 0) throw new PayloadInvalidError(type, errors);
}
