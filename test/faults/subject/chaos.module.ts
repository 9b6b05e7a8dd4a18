import { Processor } from '@nestjs/bullmq';
import { Injectable, Module, type OnApplicationShutdown } from '@nestjs/common';
import { sql } from 'drizzle-orm';
import { Settings } from '../../../src/config/settings';
import { Effects } from '../../../src/platform/effects/effects.service';
import { AttemptLog } from '../../../src/platform/queue/attempt-log.service';
import { defineQueue } from '../../../src/platform/queue/define-queue';
import { JobConsumer, type JobHandlers } from '../../../src/platform/queue/job-consumer';
import { QueueModule } from '../../../src/platform/queue/queue.module';
import { ChaosPayload } from './chaos.payload';
import { runChaos } from './chaos-work';
import { EffectSink } from './effect-sink';

const DAY_MS = 86_400_000;

/** A test shortens the lock so that an outage can be short; what it leaves out is as in production. */
function shortened(name: string): number | undefined {
  const value = process.env[name];
  return value === undefined ? undefined : Number(value);
}

const lockDurationMs = shortened('CHAOS_LOCK_MS');
const kept = shortened('CHAOS_KEPT');
const stalledIntervalMs = shortened('CHAOS_STALLED_MS');

const chaosQueue = defineQueue({
  name: 'chaos',
  domain: 'faults',
  description: 'Jobs that misbehave as their payload says, for the fault tests.',
  jobs: {
    'chaos-job': {
      payload: ChaosPayload,
      backoff: { type: 'fixed', delayMs: 200 },
    },
  },
  hasPriorities: true,
  worker: {
    concurrency: shortened('CHAOS_CONCURRENCY') ?? 5,
    ...(lockDurationMs !== undefined && { lockDurationMs }),
    ...(stalledIntervalMs !== undefined && { stalledIntervalMs }),
  },
  ...(kept !== undefined && { retention: { completed: { ageMs: DAY_MS, count: kept } } }),
});

@Injectable()
class ChaosSink extends EffectSink implements OnApplicationShutdown {
  constructor({ DATABASE_URL = '' }: Settings) {
    super(DATABASE_URL);
  }

  async onApplicationShutdown(): Promise<void> {
    await this.close();
  }
}

@Processor(chaosQueue.name)
class ChaosProcessor extends JobConsumer<typeof chaosQueue> {
  constructor(
    private readonly sink: ChaosSink,
    private readonly effects: Effects,
    private readonly attempts: AttemptLog,
  ) {
    super(chaosQueue);
  }

  protected readonly handlers: JobHandlers<typeof chaosQueue> = {
    'chaos-job': (job, signal) =>
      runChaos(job.data, {
        signal,
        advance: () => this.attempts.noteAdvance(chaosQueue, job),
        start: (key) => this.sink.start(key),
        effect: (key) =>
          this.effects.of(job, signal).once('effect', async (transaction) => {
            await transaction.execute(
              sql`INSERT INTO chaos_effects (key, pid) VALUES (${key}, ${process.pid})`,
            );
          }),
      }),
  };
}

@Module({ imports: [QueueModule.forQueue(chaosQueue)], providers: [ChaosSink, ChaosProcessor] })
export class ChaosModule {}
