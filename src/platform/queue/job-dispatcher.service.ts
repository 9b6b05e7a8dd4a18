import { Injectable } from '@nestjs/common';
import type { Job } from 'bullmq';
import { addJob, type AddOptions } from './add-job';
import { QueueRegistry } from './queue-registry.service';

/** A type that no queue declares; the message names up to twenty that exist. */
export class UnknownJobTypeError extends Error {
  constructor(type: string, known: readonly string[]) {
    super(`There is no job type "${type.slice(0, 100)}". Known types: ${known.slice(0, 20).join(', ')}.`);
    this.name = 'UnknownJobTypeError';
  }
}

/** Adds a job by its type alone, whatever queue it belongs to. */
@Injectable()
export class JobDispatcher {
  constructor(private readonly registry: QueueRegistry) {}

  /** Throws {@link UnknownJobTypeError} and whatever {@link addJob} throws. */
  async dispatch(type: string, payload: object, options?: AddOptions): Promise<Job> {
    const entry = this.registry.type(type);
    if (entry === undefined) {
      throw new UnknownJobTypeError(
        type,
        this.registry.types().map(({ type: known }) => known),
      );
    }
    return addJob(entry.definition, entry.queue, type, payload, options);
  }
}
