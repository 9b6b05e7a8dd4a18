import type { Queue } from 'bullmq';

/** `unknown`: Redis took it and did not answer. */
export const addOutcomes = ['accepted', 'deduplicated', 'refused', 'unknown'] as const;
export type AddOutcome = (typeof addOutcomes)[number];

/** Is told of every job that was to be added; the type may be anybody's word. */
export type AddObserver = (type: string, outcome: AddOutcome) => void;

const observers = new WeakMap<Queue, AddObserver>();

/** From now on the observer hears of every add to the queue. */
export function observeAdds(queue: Queue, observer: AddObserver): void {
  observers.set(queue, observer);
}

/** Tells the queue's observer, if it has one. */
export function tellOfAdd(queue: Queue, type: string, outcome: AddOutcome): void {
  observers.get(queue)?.(type, outcome);
}
