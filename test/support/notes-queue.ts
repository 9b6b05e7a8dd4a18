import { InjectQueue, Processor } from '@nestjs/bullmq';
import { Injectable, Module } from '@nestjs/common';
import { Queue } from 'bullmq';
import { IsString, MaxLength } from 'class-validator';
import type { AddOptions } from '../../src/platform/queue/add-job';
import { defineQueue } from '../../src/platform/queue/define-queue';
import { JobConsumer, type JobHandlers } from '../../src/platform/queue/job-consumer';
import { JobProducer } from '../../src/platform/queue/job-producer';
import { QueueModule } from '../../src/platform/queue/queue.module';

export class NotePayload {
  @IsString()
  @MaxLength(100)
  text!: string;
}

/** How long a worker's lock on a note lasts; where notes must not start twice on a busy machine, longer. */
export const notesLock = { durationMs: 1_000 };

/** A queue whose only job does what a test puts into {@link NoteWork}. */
export const notesQueue = defineQueue({
  name: 'notes',
  domain: 'test',
  description: 'Notes that tests write.',
  jobs: { 'write-note': { payload: NotePayload, backoff: { type: 'exponential', delayMs: 100 } } },
  hasPriorities: true,
  // A setting that no test of this queue uses otherwise.
  worker: {
    concurrency: ({ VALIDATION_CONCURRENCY }) => VALIDATION_CONCURRENCY,
    get lockDurationMs() {
      return notesLock.durationMs;
    },
  },
});

@Injectable()
export class NoteWork {
  run: (note: NotePayload, signal: AbortSignal) => Promise<unknown> = ({ text }) => Promise.resolve(text);
}

@Injectable()
export class NotesProducer extends JobProducer<typeof notesQueue> {
  constructor(@InjectQueue(notesQueue.name) queue: Queue) {
    super(notesQueue, queue);
  }

  async write(text: string, options?: AddOptions): Promise<string> {
    return (await this.add('write-note', { text }, options)).id ?? '';
  }
}

@Processor(notesQueue.name)
export class NotesProcessor extends JobConsumer<typeof notesQueue> {
  constructor(private readonly work: NoteWork) {
    super(notesQueue);
  }

  protected readonly handlers: JobHandlers<typeof notesQueue> = {
    'write-note': (job, signal) => this.work.run(job.data, signal),
  };
}

@Module({
  imports: [QueueModule.forQueue(notesQueue)],
  providers: [NoteWork, NotesProducer, NotesProcessor],
  exports: [NotesProducer],
})
export class NotesModule {}
