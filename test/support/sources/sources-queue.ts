import { InjectQueue, Processor } from '@nestjs/bullmq';
import { Injectable, Module } from '@nestjs/common';
import { Queue, type Job } from 'bullmq';
import { IsInt, IsString, MaxLength } from 'class-validator';
import type { KeyRate } from '../../../src/platform/key-limits/key-limit';
import type { AddOptions } from '../../../src/platform/queue/add-job';
import { defineQueue } from '../../../src/platform/queue/define-queue';
import { JobConsumer, type JobHandlers } from '../../../src/platform/queue/job-consumer';
import { JobProducer } from '../../../src/platform/queue/job-producer';
import { QueueModule } from '../../../src/platform/queue/queue.module';

export class FetchPayload {
  @IsString()
  @MaxLength(300)
  source!: string;
  @IsInt()
  number!: number;
}

/** What each source may have, and how much one worker does; to be set before a worker or a producer starts. */
export const sourceLimits: {
  rate?: KeyRate | undefined;
  concurrency?: number | undefined;
  slots: number;
  hasPriorities?: boolean;
} = {
  slots: 10,
};

/** A queue whose jobs are limited by their source. */
export const sourcesQueue = defineQueue({
  name: 'sources',
  domain: 'test',
  description: 'Jobs by source.',
  jobs: { 'fetch-one': { payload: FetchPayload, backoff: { type: 'fixed', delayMs: 50 } } },
  get hasPriorities() {
    return sourceLimits.hasPriorities === true;
  },
  worker: { concurrency: () => sourceLimits.slots, lockDurationMs: 2_000, stalledIntervalMs: 500 },
  keyLimits: {
    key: ({ source }) => (typeof source === 'string' ? source : undefined),
    rate: () => sourceLimits.rate,
    concurrency: () => sourceLimits.concurrency,
  },
});

@Injectable()
export class SourceWork {
  run: (payload: FetchPayload, job: Job<FetchPayload>, signal: AbortSignal) => Promise<unknown> = () =>
    Promise.resolve();
}

@Injectable()
export class SourcesProducer extends JobProducer<typeof sourcesQueue> {
  constructor(@InjectQueue(sourcesQueue.name) queue: Queue) {
    super(sourcesQueue, queue);
  }

  async fetch(source: string, number: number, options?: AddOptions): Promise<string> {
    return (await this.add('fetch-one', { source, number }, options)).id ?? '';
  }
}

@Processor(sourcesQueue.name)
export class SourcesProcessor extends JobConsumer<typeof sourcesQueue> {
  constructor(private readonly work: SourceWork) {
    super(sourcesQueue);
  }

  protected readonly handlers: JobHandlers<typeof sourcesQueue> = {
    'fetch-one': (job, signal) => this.work.run(job.data, job, signal),
  };
}

@Module({
  imports: [QueueModule.forQueue(sourcesQueue)],
  providers: [SourceWork, SourcesProducer, SourcesProcessor],
  exports: [SourcesProducer, SourceWork],
})
export class SourcesModule {}
