import { Processor } from '@nestjs/bullmq';
import { Injectable, Module } from '@nestjs/common';
import type { Job } from 'bullmq';
import { IsOptional, IsString, MaxLength } from 'class-validator';
import { defineQueue } from '../../src/platform/queue/define-queue';
import { JobConsumer, type JobHandlers } from '../../src/platform/queue/job-consumer';
import { QueueModule } from '../../src/platform/queue/queue.module';
import { Secret } from '../../src/platform/secrets/secret.decorator';

export class PartPayload {
  @IsString()
  @MaxLength(100)
  text!: string;

  @IsOptional()
  @IsString()
  @Secret()
  password?: string;
}

// One attempt, so that a job that fails has died.
const once = { payload: PartPayload, attempts: 1 };

export const partsQueue = defineQueue({
  name: 'parts',
  domain: 'test',
  description: 'Parts that wholes are made of.',
  jobs: { 'make-part': once },
  hasPriorities: true,
  worker: { concurrency: 5, lockDurationMs: 30_000 },
});

export const wholesQueue = defineQueue({
  name: 'wholes',
  domain: 'test',
  description: 'Wholes that are made of parts.',
  jobs: { 'make-whole': once },
  worker: { concurrency: 5, lockDurationMs: 30_000 },
});

type Work = (job: Job<PartPayload>, signal: AbortSignal) => Promise<unknown>;

/** What the jobs of both queues do. */
@Injectable()
export class FlowWork {
  part: Work = ({ data }) => Promise.resolve(data.text);
  whole: Work = ({ data }) => Promise.resolve(data.text);
}

@Processor(partsQueue.name)
export class PartsProcessor extends JobConsumer<typeof partsQueue> {
  constructor(private readonly work: FlowWork) {
    super(partsQueue);
  }

  protected readonly handlers: JobHandlers<typeof partsQueue> = {
    'make-part': (job, signal) => this.work.part(job, signal),
  };
}

@Processor(wholesQueue.name)
export class WholesProcessor extends JobConsumer<typeof wholesQueue> {
  constructor(private readonly work: FlowWork) {
    super(wholesQueue);
  }

  protected readonly handlers: JobHandlers<typeof wholesQueue> = {
    'make-whole': (job, signal) => this.work.whole(job, signal),
  };
}

/** Two queues of one domain, for flows. */
@Module({
  imports: [QueueModule.forQueue(partsQueue), QueueModule.forQueue(wholesQueue)],
  providers: [FlowWork, PartsProcessor, WholesProcessor],
  exports: [FlowWork],
})
export class FlowQueuesModule {}
