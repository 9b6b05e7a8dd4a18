import { Injectable } from '@nestjs/common';
import { KeyLimitStore } from '../key-limits/key-limit-store.service';
import { JobReader } from './job-reader.service';
import type { JobSnapshot, JobState } from './job-snapshot';
import { QueueRegistry } from './queue-registry.service';

/** Why a job's record goes although nobody's retention asks for it. */
export interface Removal {
  readonly kind: 'cancelled' | 'removed';
  /** At most 500 characters. */
  readonly reason: string;
  /** Who asked for it. */
  readonly by: string;
  /** In any other state the job stays. */
  readonly onlyIn?: readonly JobState[];
  /** Whether all jobs of its flow go, from the last one down. */
  readonly isWholeFlow?: boolean;
}

/**
 * Told of a job before its record goes. One that rejects keeps the job.
 * What it returns is called when the job stays after all, because a worker took it or another listener objected.
 */
export type RemovalListener = (
  job: JobSnapshot,
  removal: Removal,
) => Promise<void | (() => void | Promise<void>)>;

/** The one way to take a job out of Redis before retention does, so that its history knows of it. */
@Injectable()
export class JobRemovals {
  private readonly listeners: RemovalListener[] = [];

  constructor(
    private readonly reader: JobReader,
    private readonly registry: QueueRegistry,
    private readonly limits: KeyLimitStore,
  ) {}

  beforeRemoval(listener: RemovalListener): void {
    this.listeners.push(listener);
  }

  /**
   * Removes a job that is not being worked; false when there is none, or a worker has it.
   * Rejects with the error of a listener, and then keeps the job, or with that of Redis.
   */
  async remove(id: string, removal: Removal): Promise<boolean> {
    const entry = this.registry.ofJob(id);
    const job = await this.reader.read(id);
    if (entry === undefined || job === undefined || job.state === 'active') return false;
    if (removal.onlyIn?.includes(job.state) === false) return false;
    const undo: (() => void | Promise<void>)[] = [];
    try {
      for (const listener of this.listeners) {
        const undoOne = await listener(job, removal);
        if (undoOne !== undefined) undo.push(undoOne);
      }
      // A worker may have taken it meanwhile; its lock then makes the removal fail.
      // BullMQ would take a job's children along, past everybody who has to know of their end.
      if ((await entry.queue.remove(id, { removeChildren: false })) === 1) {
        await this.limits.forget(entry, [{ id, heldFor: job.heldFor, inLineOf: job.inLineOf }]);
        return true;
      }
    } catch (error) {
      await runAll(undo);
      throw error;
    }
    await runAll(undo);
    return false;
  }
}

async function runAll(steps: readonly (() => void | Promise<void>)[]): Promise<void> {
  for (const step of steps.toReversed()) await step();
}
