import type { Queue } from 'bullmq';
import type { QueueDefinition } from './define-queue';
import type { Priority } from './priority';

/** What is about to be stored, as far as the decision needs it. */
export interface GatedJob {
  readonly definition: QueueDefinition;
  readonly priority: Priority;
  /** Payload and options, before Redis' own overhead. */
  readonly bytes: number;
}

/** Throws what keeps the jobs out; asks nobody, so that an add costs no further command. */
export type AddGate = (requests: readonly GatedJob[]) => void;

const gates = new WeakMap<Queue, AddGate>();

/** From now on every add to the queue passes the gate first. */
export function guardAdds(queue: Queue, gate: AddGate): void {
  gates.set(queue, gate);
}

/** Throws what the queue's gate throws; a queue without one takes everything. */
export function passGate(queue: Queue, requests: readonly GatedJob[]): void {
  gates.get(queue)?.(requests);
}
