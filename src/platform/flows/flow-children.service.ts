import { Injectable } from '@nestjs/common';
import type { Job } from 'bullmq';
import { buffer } from 'node:stream/consumers';
import { originOf, type JobOrigin } from '../queue/add-job';
import { HopelessJobError } from '../queue/job-outcome';
import { QueueRegistry } from '../queue/queue-registry.service';
import { RedisConnections } from '../redis/redis-connections.service';
import { referenceOf, resultFile } from '../results/result-reference';
import { FileStorage } from '../storage/file-storage.service';
import { READ_CHILDREN } from './flow-children-script';
import { FlowInputs, type IgnoredFailure } from './flow-inputs';

type Reply = readonly (readonly [
  key: string,
  result: string | null,
  reason: string | null,
  options: string | null,
])[];

const MAX_REASON_CHARACTERS = 500;

/** Hands a job what it has waited for. */
@Injectable()
export class FlowChildren {
  constructor(
    private readonly registry: QueueRegistry,
    private readonly connections: RedisConnections,
    private readonly storage: FileStorage,
  ) {}

  /**
   * The results of the job's children by their names, large ones read from the storage; undefined where the job was
   * not added as part of a flow, or waits for nothing. Throws HopelessJobError where some of them are gone.
   */
  async of<T extends object>(job: Job): Promise<FlowInputs<T> | undefined> {
    const { flow, tenant } = originOf(job);
    if (flow?.children === undefined) return undefined;
    const entry = this.registry.get(job.queueName);
    const key = `${entry?.queue.opts.prefix}:${job.queueName}:${job.id}`;
    const reply = (await this.connections.worker.eval(READ_CHILDREN, 1, key)) as Reply;
    if (reply.length < flow.children) {
      throw new HopelessJobError(
        `Of ${flow.children} jobs that this one waited for, ${reply.length} are known: start the flow anew.`,
      );
    }
    const results = new Map<string, unknown>();
    const ignored: IgnoredFailure[] = [];
    for (const [childKey, result, reason, options] of reply) {
      const jobId = childKey.slice(childKey.lastIndexOf(':') + 1);
      const name = nameOf(options);
      if (reason !== null) ignored.push({ name, jobId, reason: reason.slice(0, MAX_REASON_CHARACTERS) });
      else results.set(name, await this.resultOf(jobId, tenant, result));
    }
    return new FlowInputs<T>(results, ignored);
  }

  private async resultOf(jobId: string, tenant: string, json: string | null): Promise<unknown> {
    const result: unknown = JSON.parse(json ?? 'null');
    const reference = referenceOf(jobId, result);
    if (reference === undefined) return result;
    const stored = resultFile(tenant, reference.file);
    const file = stored === undefined ? undefined : await this.storage.open(stored);
    if (file === undefined)
      throw new HopelessJobError(`The result of job ${jobId} is gone from the storage.`);
    try {
      return JSON.parse((await buffer(file.stream())).toString()) as unknown;
    } finally {
      await file.close();
    }
  }
}

function nameOf(options: string | null): string {
  try {
    const { origin } = JSON.parse(options ?? '{}') as { origin?: JobOrigin };
    return origin?.flow?.path.split('.').at(-1) ?? '';
  } catch {
    return '';
  }
}
