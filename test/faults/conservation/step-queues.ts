import { InjectQueue, Processor } from '@nestjs/bullmq';
import { Injectable, Module } from '@nestjs/common';
import { Queue } from 'bullmq';
import { IsString, MaxLength } from 'class-validator';
import type { AddOptions } from '../../../src/platform/queue/add-job';
import { defineQueue } from '../../../src/platform/queue/define-queue';
import { JobConsumer, type JobHandlers } from '../../../src/platform/queue/job-consumer';
import { JobProducer } from '../../../src/platform/queue/job-producer';
import { QueueModule } from '../../../src/platform/queue/queue.module';

export class StepPayload {
  @IsString()
  @MaxLength(100)
  text!: string;
}

export const inOrder = defineQueue({
  name: 'in-order',
  domain: 'test',
  description: 'Steps that are taken in order of arrival.',
  jobs: { 'take-step': { payload: StepPayload } },
  worker: { concurrency: 1 },
});

export const byPriority = defineQueue({
  name: 'by-priority',
  domain: 'test',
  description: 'Steps that are taken by priority.',
  jobs: { 'take-urgent-step': { payload: StepPayload } },
  hasPriorities: true,
  worker: { concurrency: 1 },
});

/** What the next handler does; a command of the model decides it. */
@Injectable()
export class StepWork {
  run: (id: string, signal: AbortSignal) => Promise<unknown> = () => Promise.resolve('done');
}

@Injectable()
export class InOrderProducer extends JobProducer<typeof inOrder> {
  constructor(@InjectQueue(inOrder.name) queue: Queue) {
    super(inOrder, queue);
  }

  async take(text: string, options: AddOptions): Promise<string> {
    return (await this.add('take-step', { text }, options)).id ?? '';
  }
}

@Injectable()
export class ByPriorityProducer extends JobProducer<typeof byPriority> {
  constructor(@InjectQueue(byPriority.name) queue: Queue) {
    super(byPriority, queue);
  }

  async take(text: string, options: AddOptions): Promise<string> {
    return (await this.add('take-urgent-step', { text }, options)).id ?? '';
  }
}

@Processor(inOrder.name)
class InOrderProcessor extends JobConsumer<typeof inOrder> {
  constructor(private readonly work: StepWork) {
    super(inOrder);
  }

  protected readonly handlers: JobHandlers<typeof inOrder> = {
    'take-step': (job, signal) => this.work.run(job.id ?? '', signal),
  };
}

@Processor(byPriority.name)
class ByPriorityProcessor extends JobConsumer<typeof byPriority> {
  constructor(private readonly work: StepWork) {
    super(byPriority);
  }

  protected readonly handlers: JobHandlers<typeof byPriority> = {
    'take-urgent-step': (job, signal) => this.work.run(job.id ?? '', signal),
  };
}

@Module({
  imports: [QueueModule.forQueue(inOrder), QueueModule.forQueue(byPriority)],
  providers: [StepWork, InOrderProducer, ByPriorityProducer, InOrderProcessor, ByPriorityProcessor],
})
export class StepsModule {}
