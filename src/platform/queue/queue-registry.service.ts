import { Injectable } from '@nestjs/common';
import type { Queue } from 'bullmq';
import type { JobDefinition, QueueDefinition } from './define-queue';
import { queueOfJobId } from './job-id';

export interface RegisteredQueue {
  readonly definition: QueueDefinition;
  readonly queue: Queue;
}

export interface RegisteredJobType extends RegisteredQueue {
  readonly type: string;
  readonly job: JobDefinition;
}

/** Every queue of the running process, filled by QueueModule.forQueue itself. */
@Injectable()
export class QueueRegistry {
  private readonly byName = new Map<string, RegisteredQueue>();
  private readonly byType = new Map<string, RegisteredJobType>();

  /** Takes a queue in. Throws when its name, or one of its job types, is taken already. */
  register(entry: RegisteredQueue): RegisteredQueue {
    const { name, jobs } = entry.definition;
    if (this.byName.has(name)) {
      throw new Error(`Queue "${name}" is registered twice: import its module in one place only.`);
    }
    this.byName.set(name, entry);
    for (const [type, job] of Object.entries(jobs)) {
      const other = this.byType.get(type);
      if (other !== undefined) {
        throw new Error(
          `Job type "${type}" is declared by the queues "${other.definition.name}" and "${name}": rename one of them.`,
        );
      }
      this.byType.set(type, { ...entry, type, job });
    }
    return entry;
  }

  get(name: string): RegisteredQueue | undefined {
    return this.byName.get(name);
  }

  /** Job types are unique over all queues. */
  type(type: string): RegisteredJobType | undefined {
    return this.byType.get(type);
  }

  /** The queue that a job id names. */
  ofJob(id: string): RegisteredQueue | undefined {
    const name = queueOfJobId(id);
    return name === undefined ? undefined : this.byName.get(name);
  }

  all(): readonly RegisteredQueue[] {
    return [...this.byName.values()];
  }

  types(): readonly RegisteredJobType[] {
    return [...this.byType.values()];
  }
}
